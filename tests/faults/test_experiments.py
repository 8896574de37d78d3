"""Named faults, each in a world of its own: something breaks for a while, and afterwards the judge reads the record.

The crash tests end processes; here they live on with a wrong picture of the world: frozen, cut off, or told nothing
of what they did.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.faults import recorder
from tests.faults.lives import associate_a_stranger, delete, move, new_life, play, serve
from tests.faults.troubles import Hold, LoseReply
from tests.faults.world import FaultWorld, fault_world
from tests.history import TRANSACTION, Bounds, Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "4"}
LEASE_S = 3.0
# Who has nothing to write learns at the next heartbeat that the table has lost everything.
UNTIL_HEARTBEAT = Bounds(misplaced_s=45.0, unclaimed_s=45.0)
SERVICES: tuple[Service, ...] = ("ec2", "dynamodb", "kubernetes")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas."""
    with fault_world(tmp_path, ClusterSettings(name="a", nodes=2, replicas=2), flags=FAST) as made:
        yield made


SAID_WHEN_COMING = [
    *(("auto", what) for what in ("AllocateAddress", "AssociateAddress", TRANSACTION, "patch pods status")),
    *(("fixed-tag", what) for what in ("AssociateAddress", TRANSACTION)),
]


@pytest.mark.parametrize(("mode", "what"), SAID_WHEN_COMING)
def test_a_reply_is_lost_while_a_pod_comes(world: FaultWorld, mode: str, what: str) -> None:
    lost = LoseReply(what)
    world.interfere(lost)
    serve(new_life(world, mode))
    assert lost.reached.wait(60)
    world.verdict(quiet_s=3)


@pytest.mark.parametrize("what", ["DisassociateAddress", "ReleaseAddress", TRANSACTION])
def test_a_reply_is_lost_while_a_pod_goes(world: FaultWorld, what: str) -> None:
    life = new_life(world, "auto")
    play(life, serve)
    lost = LoseReply(what)
    world.interfere(lost)
    delete(life)
    assert lost.reached.wait(60)
    world.verdict(quiet_s=3)


@pytest.mark.parametrize("service", SERVICES)
def test_the_leader_is_cut_off(world: FaultWorld, service: Service) -> None:
    moved, gone, coming = (new_life(world, mode) for mode in ("auto", "fixed-tag", "fixed-tag"))
    for life in (moved, gone):
        play(life, serve)
    door = world.doors[world.leader().name][service]
    door.close()
    move(moved)
    delete(gone)
    serve(coming)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() > since + 2 * LEASE_S, 60, "the cut has lasted")
    world.verdict(quiet_s=3)


@pytest.mark.parametrize("what", ["AllocateAddress", "AssociateAddress", TRANSACTION])
def test_the_leader_freezes_in_the_middle_of_a_mutation(world: FaultWorld, what: str) -> None:
    hold = Hold(what)
    world.interfere(hold)
    life = new_life(world, "auto")
    serve(life)
    assert hold.reached.wait(60)
    frozen = next(r for r in world.replicas() if r.name == hold.by.name)
    world.freeze(frozen, on=True)
    wait_until(lambda: any(r.leads() for r in world.replicas() if r is not frozen), 60, "another leads")
    hold.go.set()
    world.freeze(frozen, on=False)
    world.verdict(quiet_s=3)


def test_a_frozen_associate_arrives_when_the_ip_is_a_strangers(world: FaultWorld) -> None:
    associate_a_stranger(world)
    world.verdict(quiet_s=3)


def test_the_table_is_emptied(world: FaultWorld) -> None:
    lives = [new_life(world, mode) for mode in ("auto", "fixed-tag", "fixed-tag-value")]
    for life in lives:
        play(life, serve)
    with world.recorder.order:
        for pk, sk in recorder.items(world.table, world.settings.table):
            world.table.delete_item(TableName=world.settings.table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
        world.recorder.replaced({})
    world.verdict(quiet_s=3, limit_s=60, bounds=UNTIL_HEARTBEAT)
