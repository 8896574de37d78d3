"""Servers that lag, throttle, are full or away for long, and caches that were told the past; all of it is judged.

Times are scaled: a Lease of 3 s stands for 15, so an outage of 20 s is one of more than a minute.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox.ec2.settings import Bucket
from sandbox.kube.faults import Fault
from sandbox.world import ClusterSettings, wait_until
from tests.faults.lives import Life, delete, move, new_life, play, serve
from tests.faults.outages import allocations, die_while_reads_lag, dynamodb_away, serve_and_die, several
from tests.faults.people import heard
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds
from tests.judge import assert_holds
from tests.judges import ledger, outcome, placement, rights

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "4"}
TWO = ClusterSettings(name="a", nodes=2, replicas=2)
OUTAGE_S = 20.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas."""
    with fault_world(tmp_path, TWO, flags=FAST) as made:
        yield made


# ── DynamoDB ──


@pytest.mark.parametrize("fails", [False, True], ids=["and-the-leader-stays", "and-the-leader-dies"])
def test_dynamodb_is_away_for_long_while_ips_go_to_strangers(world: FaultWorld, fails: bool) -> None:
    dynamodb_away(world, OUTAGE_S, fails=fails)
    away = OUTAGE_S + 15 if fails else OUTAGE_S
    world.verdict(quiet_s=3, bounds=Bounds(misplaced_s=away, failover_s=OUTAGE_S + 15))


# ── EC2 ──


LAG_S = 5.0
LAGGING = Bounds(misplaced_s=30.0, unclaimed_s=40.0, failover_s=12.0)


@pytest.mark.parametrize("what", ["AllocateAddress", "AssociateAddress"])
def test_ec2_lags_behind_while_a_leader_dies_after_its_call(tmp_path: Path, what: str) -> None:
    lag = {"read_lag_s": LAG_S, "new_id_lag_s": 0.5}
    with fault_world(tmp_path, TWO, flags={**FAST, "consistency-time": "7"}, ec2=lag) as world:
        die_while_reads_lag(world, what, limit_s=60)
        world.verdict(bounds=LAGGING, limit_s=60)
        assert allocations(world) == 1


# What is promised however far EC2 lags; that labels are true and that nobody loses what he has is not.
WHATEVER_THE_LAG = (
    ledger.one_owner,
    ledger.fence,
    placement.no_leak,
    rights.deadline,
    rights.foreign,
    rights.foreign_cut,
    outcome.converged,
)


@pytest.mark.again
def test_ec2_lags_further_than_we_were_told_and_one_address_remains(tmp_path: Path) -> None:
    with fault_world(tmp_path, TWO, flags={**FAST, "consistency-time": "1"}, ec2={"read_lag_s": 6.0}) as world:
        coming = new_life(world, "auto")
        world.start(serve_and_die(coming, "AllocateAddress"))
        wait_until(lambda: labelled(world, [coming], 1), 60, "the Pod is served")
        world.mend()
        world.ec2.change_settings(read_lag_s=0.0)
        world.settle(90)
        assert_holds(world.history(bounds=LAGGING), WHATEVER_THE_LAG)
        assert len(world.ec2.world().addresses) == 1


SMALL: Mapping[str, Bucket] = {
    **{f"{verb}Address": Bucket(capacity=2, refill_per_s=1) for verb in ("Allocate", "Associate")},
    **{f"{verb}Address": Bucket(capacity=2, refill_per_s=1) for verb in ("Disassociate", "Release")},
    "DescribeAddresses": Bucket(capacity=2, refill_per_s=0.5),
    "DescribeNetworkInterfaces": Bucket(capacity=2, refill_per_s=0.5),
}
THROTTLED = Bounds(misplaced_s=30.0, unclaimed_s=40.0, stale_label_s=30.0, failover_s=12.0)


@pytest.mark.again
def test_ec2_throttles_everything_while_a_leader_is_replaced(world: FaultWorld) -> None:
    lives = several(world, 3)
    world.ec2.change_settings(throttle=True, buckets=SMALL)
    for life in lives:
        serve(life)
    wait_until(lambda: "RequestLimitExceeded" in {c.code for c in world.ec2.log()}, 60, "EC2 throttles")
    leader = world.leader()
    world.kill(leader)
    world.start(leader)
    world.settle(90)
    for life in lives[:4]:
        delete(life)
    world.settle(90)
    world.ec2.change_settings(throttle=False)
    world.verdict(bounds=THROTTLED)


def test_the_quota_is_exhausted_and_raised_after_a_leader_was_replaced(world: FaultWorld) -> None:
    world.ec2.change_settings(quota=2)
    lives = [new_life(world, "auto") for _ in range(5)]
    for life in lives:
        serve(life)
    waiting = [life for life in lives if life.name not in labelled(world, lives, 2)]
    heard(waiting[0], "AddressLimitExceeded")
    leader = world.leader()
    world.kill(leader)
    world.start(leader)
    served = next(life for life in lives if life not in waiting)
    delete(served)
    wait_until(lambda: len(labelled(world, waiting, 1)) == 1, 60, "a freed address lets one more Pod be served")
    world.ec2.change_settings(quota=5)
    world.verdict(limit_s=90, bounds=Bounds(failover_s=12.0))


def labelled(world: FaultWorld, lives: list[Life], number: int) -> set[str]:
    """The names of those that are served, once so many are."""

    def found() -> set[str]:
        return {life.name for life in lives if life.sight and life.sight.label and not life.sight.gone}

    wait_until(lambda: len(found()) >= number, 60, f"{number} Pods are served")
    return found()


# ── Kubernetes ──


def test_all_replicas_start_with_a_list_of_the_past(world: FaultWorld) -> None:
    kube = world.clusters["a"].kube
    gone, moved = new_life(world, "auto"), new_life(world, "fixed-tag")
    for life in (gone, moved):
        play(life, serve)
    version = kube.version()
    delete(gone)
    world.settle()
    for replica in world.replicas():
        world.kill(replica)
    coming = new_life(world, "fixed-tag")
    serve(coming)
    move(moved)
    world.free_lease()
    kube.inject(Fault(kind="stale", verb="list", resource="pods", version=version))
    world.start()
    world.leader()
    world.settle(60)
    world.verdict(quiet_s=3, bounds=Bounds(misplaced_s=40.0, stale_label_s=40.0, failover_s=40.0))


def test_watches_say_nothing_while_everything_changes_and_a_leader_is_replaced(world: FaultWorld) -> None:
    """The next leader lists before it believes that all is as its cache says."""
    kube = world.clusters["a"].kube
    gone, moved, coming = new_life(world, "auto"), new_life(world, "fixed-tag"), new_life(world, "auto")
    for life in (gone, moved):
        play(life, serve)
    leader = world.leader()
    for replica in world.replicas():
        kube.silence_watches(replica.name)
    delete(gone)
    move(moved)
    serve(coming)
    world.term(leader)
    world.settle(60)
    world.start(leader)
    world.verdict(quiet_s=3, bounds=Bounds(handover_s=10.0))
