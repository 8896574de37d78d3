"""A leader that is told to stop writes down what it just did, so that the next one neither doubts nor repeats it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sandbox.demo.ledger import open_client
from sandbox.ec2.faults import Fault
from sandbox.world import ClusterSettings
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import Scene, auto, fixed, running

DOUBT_S = 90  # what is in doubt is waited for so long
AT_ONCE_S = 60.0  # and what is not for less, even on a busy machine


@pytest.fixture
def scene(new_world: NewWorld) -> Scene:
    """Two replicas, a consistency time that a doubt would make felt, and calls that can be held for a while."""
    lease = {"lease_duration": "30", "renew_deadline": "19", "call_timeout": "11"}
    world = new_world(ClusterSettings(name="a", replicas=2), consistency_time=str(DOUBT_S), **lease)
    return Scene(world, world.clusters["a"], "ns")


@contextmanager
def _hand_over_during(scene: Scene, action: str) -> Iterator[None]:
    """Whatever the body does makes the leader call this; it is told to stop while the call is on its way."""
    leader = scene.cluster.leader()
    assert leader is not None
    scene.world.ec2.inject(Fault(kind="hold", action=action, caller=leader.name))
    yield
    scene.eventually(scene.world.ec2.held, f"{action} is on its way")
    leader.terminate()
    scene.world.ec2.let_go()
    assert leader.wait_end(60) == 0


def test_an_allocation_is_not_doubted_by_the_next_leader(scene: Scene) -> None:
    with running(scene.world):
        with _hand_over_during(scene, "AllocateAddress"):
            scene.run("p", auto())
        scene.served("p", AT_ONCE_S)
        assert len(scene.calls("AllocateAddress")) == 1


def test_a_cut_is_not_repeated_by_the_next_leader(scene: Scene) -> None:
    pool = scene.world.ec2.add_address(tags={"pool": ""}).allocation_id
    with running(scene.world):
        scene.run("p", fixed("pool"))
        scene.served("p")
        with _hand_over_during(scene, "DisassociateAddress"):
            scene.delete("p")
        scene.run("q", fixed("pool"))
        assert scene.served("q", AT_ONCE_S).allocation_id == pool
        assert [c.code for c in scene.calls("DisassociateAddress")] == [""]


def test_a_table_that_is_gone_is_made_again_by_the_next_leader(new_world: NewWorld) -> None:
    """With --create-table; what live Pods have is adopted from where it is."""
    world = new_world(ClusterSettings(name="a", replicas=2), consistency_time="30")
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("p", auto())
        own = scene.served("p").allocation_id
        client = open_client(world.dynamodb_url)
        client.update_table(TableName=world.settings.table, DeletionProtectionEnabled=False)
        client.delete_table(TableName=world.settings.table)
        leader = scene.cluster.leader()
        assert leader is not None
        leader.terminate()
        scene.run("q", auto())
        scene.served("q", 90)  # an intent may have been lost with the table: it is doubted for the consistency time
        assert scene.served("p").allocation_id == own
        client.close()
