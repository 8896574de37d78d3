"""Wall clocks jump by an hour, forwards and back, on the leader, on the follower, on both: nobody may notice.

Leases are held, retries wait and targets are remembered by the monotonic clock; the wall clock is for people to read.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.replica import Replica
from sandbox.world import ClusterSettings, wait_until
from tests.faults.clocks import Clocks, lease_is_ahead
from tests.faults.lives import delete, move, new_life, play, serve
from tests.faults.mutants import Edit, source_with
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
# No Lease is to be lost because the machine is busy: who loses one is to have lost it to a clock.
LEASE = {"lease-duration": "9", "renew-deadline": "6", "call-timeout": "2"}
FAST = {"poll-interval": "0.5", "resync-period": "4", **LEASE}
TURNED = Bounds(renew_deadline_s=6.0, failover_s=14.0, misplaced_s=21.0, stale_label_s=21.0, unclaimed_s=26.0)
"""The usual bounds, and the 6 s by which this Lease is longer than the usual one."""
HOUR_S = 3600


@pytest.fixture
def clocks(tmp_path: Path) -> Clocks:
    """The clocks of two replicas."""
    return Clocks(tmp_path / "clocks", "a1", "a2")


@pytest.fixture
def world(tmp_path: Path, clocks: Clocks) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas whose clocks can be turned."""
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path / "world", cluster, flags=FAST, env=clocks.env) as made:
        yield made


def terms(world: FaultWorld) -> int:
    """How often an epoch was raised."""
    return sum(1 for write in list(world.recorder.writes) if write.raises)


def wait_ahead(world: FaultWorld, seconds: int) -> None:
    """Until the holder has renewed the Lease by a clock that is so far ahead."""
    wait_until(lambda: abs(lease_is_ahead(world) - seconds) < 60, 60, lambda: f"ahead by {lease_is_ahead(world):.0f} s")


@pytest.mark.parametrize("first", [HOUR_S, -HOUR_S], ids=["forwards-first", "back-first"])
def test_the_leaders_clock_jumps_an_hour_and_back(world: FaultWorld, clocks: Clocks, first: int) -> None:
    leader, before = world.leader(), terms(world)
    held, gone = (new_life(world, mode) for mode in ("auto", "fixed-tag"))
    for life in (held, gone):
        play(life, serve)
    for seconds, step, life in ((first, move, held), (-first, delete, gone), (0, delete, held)):
        step(life)
        clocks.turn(leader, seconds)
        wait_ahead(world, seconds)
        world.settle()
    assert world.leader() is leader
    assert terms(world) == before, "another term began because a clock was turned"
    world.verdict(quiet_s=3, bounds=TURNED)


@pytest.mark.again
@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S], ids=["ahead", "behind"])
def test_a_replica_whose_clock_is_an_hour_off_follows_and_leads(
    world: FaultWorld, clocks: Clocks, seconds: int
) -> None:
    leader = world.leader()
    skewed = follower_of(world, leader)
    clocks.turn(skewed, seconds)
    life, before = new_life(world, "auto"), terms(world)
    play(life, serve)
    assert terms(world) == before
    world.kill(leader)
    move(life)
    wait_until(lambda: skewed.leads(), 60, "the one whose clock is off leads")
    wait_ahead(world, seconds)
    world.start(leader)
    world.settle()
    world.term(skewed)
    wait_until(leader.leads, 60, "the one whose clock is right leads")
    delete(life)
    world.verdict(quiet_s=3, bounds=TURNED)


@pytest.mark.again
def test_a_controller_that_read_the_wall_clock_would_be_found_out(tmp_path: Path, clocks: Clocks) -> None:
    """The control: what the other tests show, they do not show of a controller that measures time by it."""
    clock = 'CLOCK = _boottime if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic'
    wrong = source_with(tmp_path / "source", Edit(file="controller/clock.py", text=clock, instead="CLOCK = time.time"))
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path / "world", cluster, flags=FAST, env={**clocks.env, **wrong}) as world:
        leader, before = world.leader(), terms(world)
        clocks.turn(leader, HOUR_S)
        wait_until(lambda: terms(world) > before, 60, "another term begins because a clock was turned")


def follower_of(world: FaultWorld, leader: Replica) -> Replica:
    """The other one."""
    return next(r for r in world.replicas() if r is not leader)
