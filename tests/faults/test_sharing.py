"""Two clusters on one pool, as real processes: whose turn it is, what a dead cluster had, and who had it before."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.e2e.scene import Scene, fixed
from tests.faults.hastened import QUICKLY
from tests.faults.mutants import source_with
from tests.faults.tables import copy_items
from tests.faults.world import FaultWorld, fault_world
from tests.judge import judge
from tests.judges.facts import Guarantee

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
SILENCE_S = 8


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """Two clusters of one replica each, to which a minute is some seconds."""
    clusters = tuple(ClusterSettings(name=name, replicas=1) for name in ("a", "b"))
    flags = {"silence": str(SILENCE_S), "poll-interval": "1"}
    with fault_world(tmp_path, *clusters, env=source_with(tmp_path / "source", *QUICKLY), flags=flags) as made:
        yield made


def scenes(world: FaultWorld) -> tuple[Scene, Scene]:
    """The two clusters."""
    return Scene(world, world.clusters["a"], "ns"), Scene(world, world.clusters["b"], "ns")


def blameless(world: FaultWorld) -> bool:
    """Whether no address had two owners, nobody wrote after he was fenced, and no association was displaced."""
    broken = [v for v in judge(world.history()) if v.broken in (Guarantee.ONE_OWNER, Guarantee.FENCE)]
    return not broken and not any(h.contended for h in world.ec2.holdings())


def unowned(world: FaultWorld, allocation_id: str) -> bool:
    """Whether the ledger has no owner of this address: that is written after it was cut."""
    sides = [item for item in copy_items(world) if item["pk"]["S"] == f"eip#{allocation_id}"]
    return bool(sides) and not any("owner_pod" in item for item in sides)


def wait_looked_by_b(world: FaultWorld) -> None:
    """Until cluster b has looked at the addresses since now."""
    since = time.monotonic()

    def looked() -> bool:
        calls = list(world.recorder.calls)
        return any(c.what == "DescribeAddresses" and c.who.cluster == "b" and c.began > since for c in calls)

    wait_until(looked, 60, "the other cluster looks at the addresses")


def test_what_a_cluster_that_was_killed_held_is_taken_once_it_is_free(world: FaultWorld) -> None:
    """Its node lives on for a while, and the address with it; that goes with the node."""
    ours, theirs = scenes(world)
    pool = world.ec2.add_address(tags={"pool": ""}).allocation_id
    theirs.run("p", fixed("pool"))
    held = theirs.served("p")
    ours.run("q", fixed("pool"))
    ours.hears("q", "EIPWaiting")
    [killed] = world.clusters["b"].replicas
    world.kill(killed)
    ours.stays(lambda: not ours.label("q"), SILENCE_S + 6, "what is associated is never taken")
    assert held.association is not None
    world.ec2.disassociate(held.association.association_id)
    assert ours.served("q", 60).allocation_id == pool
    assert blameless(world)


def test_a_pod_gets_its_address_back_in_another_cluster(world: FaultWorld) -> None:
    ours, theirs = scenes(world)
    for _ in range(8):
        world.ec2.add_address(tags={"pool": ""})
    ours.run("web-0", fixed("pool"))
    before = ours.served("web-0").allocation_id
    ours.delete("web-0")
    ours.eventually(lambda: unowned(world, before), "it is free, and the ledger says so")
    wait_looked_by_b(world)  # what it saw up to a poll interval ago is good enough for it
    theirs.run("other", fixed("pool"))
    theirs.run("web-0", fixed("pool"))
    assert theirs.served("web-0").allocation_id == before
    assert blameless(world)


def test_who_has_waited_longer_elsewhere_comes_first(world: FaultWorld) -> None:
    """The address gets free in one cluster, whose own Pod has just come, and goes to the other's, which has waited."""
    ours, theirs = scenes(world)
    pool = world.ec2.add_address(tags={"pool": ""}).allocation_id
    ours.run("p", fixed("pool"))
    ours.served("p")
    theirs.run("elder", fixed("pool"))
    theirs.hears("elder", "EIPWaiting")
    ours.stays(lambda: not theirs.label("elder"), 6, "the pool is empty")
    ours.run("younger", fixed("pool"))
    ours.hears("younger", "EIPWaiting")
    ours.delete("p")
    assert theirs.served("elder").allocation_id == pool
    assert not ours.label("younger")
    theirs.delete("elder")
    assert ours.served("younger").allocation_id == pool
    assert blameless(world)
