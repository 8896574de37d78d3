"""The faults whose length matters, at that length and with the default settings: nothing here is scaled down.

They mostly wait, so many run beside each other. What they measure is what a user of the defaults would see.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.faults.ends import drain, end_containers, lose_leader
from tests.faults.lives import associate_a_stranger, let_pass, new_life, serve, served
from tests.faults.outages import allocations, delete_and_reuse, die_while_reads_lag, dynamodb_away, standing
from tests.faults.people import allocation_of
from tests.faults.troubles import Hold
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds

pytestmark = [pytest.mark.faults, pytest.mark.full_length, pytest.mark.timeout(1200)]
TWO = ClusterSettings(name="a", nodes=2, replicas=2)
MODES = ("auto", "fixed-tag", "fixed-tag-value")
FAILOVER_S = 17.0
RESYNC_S = 300.0
LAG_S = 30.0
MINUTES_S = 180.0
LIMIT_S = RESYNC_S + 120.0
DEFAULT = Bounds(
    renew_deadline_s=10.0,
    misplaced_s=FAILOVER_S + 3,
    unclaimed_s=FAILOVER_S + 3,
    stale_label_s=FAILOVER_S + 3,
    failover_s=FAILOVER_S,
)
LAGGING = replace(DEFAULT, unclaimed_s=FAILOVER_S + LAG_S)  # what EC2 does not show yet no successor can claim


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas that have the default settings."""
    with fault_world(tmp_path, TWO, quick=False) as made:
        yield made


def test_the_leader_is_killed_while_pods_go_and_strangers_have_their_ips(world: FaultWorld) -> None:
    lives = served(world, MODES)
    lose_leader(world)
    ips = [delete_and_reuse(life) for life in lives]
    wait_until(lambda: not standing(world, ips), FAILOVER_S + 3, "the next leader has cut them off")
    world.verdict(quiet_s=30, bounds=DEFAULT, limit_s=LIMIT_S)


@pytest.mark.parametrize("what", ["AllocateAddress", "AssociateAddress"])
def test_ec2_shows_changes_after_half_a_minute_and_the_leader_dies(tmp_path: Path, what: str) -> None:
    with fault_world(tmp_path, TWO, quick=False, ec2={"read_lag_s": LAG_S, "new_id_lag_s": 2.0}) as world:
        die_while_reads_lag(world, what, limit_s=LIMIT_S)
        world.verdict(quiet_s=LAG_S, bounds=LAGGING, limit_s=LIMIT_S)
        assert allocations(world) == 1


@pytest.mark.parametrize("fails", [False, True], ids=["and-the-leader-stays", "and-the-leader-dies"])
def test_dynamodb_is_away_for_minutes_while_ips_go_to_strangers(world: FaultWorld, fails: bool) -> None:
    dynamodb_away(world, MINUTES_S, fails=fails)
    away = MINUTES_S + FAILOVER_S
    world.verdict(quiet_s=30, bounds=replace(DEFAULT, misplaced_s=away, failover_s=away), limit_s=LIMIT_S)


def test_the_leader_is_frozen_for_minutes_in_the_middle_of_a_mutation(world: FaultWorld) -> None:
    hold = Hold("AssociateAddress", limit_s=LIMIT_S)
    world.interfere(hold)
    serve(new_life(world, "auto"))
    assert hold.reached.wait(60)
    frozen = next(r for r in world.replicas() if r.name == hold.by.name)
    world.freeze(frozen, on=True)
    let_pass(MINUTES_S)
    assert any(r.leads() for r in world.replicas() if r is not frozen)
    hold.go.set()
    world.freeze(frozen, on=False)
    world.verdict(quiet_s=30, bounds=DEFAULT, limit_s=LIMIT_S)


def test_a_call_arrives_minutes_later_at_a_strangers_ip(world: FaultWorld) -> None:
    associate_a_stranger(world, late_s=MINUTES_S, limit_s=LIMIT_S)
    world.verdict(quiet_s=30, bounds=replace(DEFAULT, misplaced_s=RESYNC_S + 5), limit_s=LIMIT_S)


def test_pods_drain_for_minutes_while_leaders_die(tmp_path: Path) -> None:
    with fault_world(tmp_path, TWO, quick=False, kubelet_seconds=None) as world:
        lives = served(world, MODES)
        before = [allocation_of(life) for life in lives]
        for life in lives:
            drain(life)
        dead = lose_leader(world)
        let_pass(MINUTES_S / 2)
        world.start(dead)
        lose_leader(world)
        let_pass(MINUTES_S / 2)
        assert [allocation_of(life) for life in lives] == before
        for life in lives:
            end_containers(life)
        world.settle(LIMIT_S)
        world.verdict(quiet_s=30, bounds=DEFAULT, limit_s=LIMIT_S)
