"""The twelve things that users of the Go controller told it gets wrong: each is a case to beat.

Number 12 (probes, metrics, disruption budget, replicas) is tested with the chart and the server.
"""

import pytest

from sandbox.ec2.faults import Fault
from sandbox.world import ClusterSettings
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import LIMIT, Scene, auto, fixed, fixed_value, running


def test_1_a_pod_deleted_while_the_controller_is_down(new_world: NewWorld) -> None:
    world = new_world()
    pool = world.ec2.add_address(tags={"pool": ""}).allocation_id
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("p", auto())
        scene.run("q", fixed("pool"))
        own = scene.served("p").allocation_id
        scene.served("q")
    scene.delete("p")
    scene.delete("q")
    with running(world):
        scene.eventually(lambda: scene.free(pool), "the pool's address is free")
        scene.eventually(lambda: scene.address(own) is None, "the auto address is released")


def test_2_a_node_that_dies(scene: Scene) -> None:
    key = f"node-{scene.namespace}"
    pool = scene.world.ec2.add_address(tags={key: ""}).allocation_id
    node = len(scene.cluster.nodes) - 1
    lost = scene.cluster.nodes[node]
    scene.run("p", auto(), node=node)
    scene.run("q", fixed(key), node=node)
    own = scene.served("p").allocation_id
    scene.served("q")
    scene.world.lose_node(scene.cluster, lost)
    scene.delete("p")
    scene.delete("q")
    scene.world.replace_node(scene.cluster, lost)
    scene.run("r", fixed(key), node=0)
    assert scene.served("r").allocation_id == pool
    scene.eventually(lambda: scene.address(own) is None, "the auto address is released")


def test_3_a_failed_associate_leaks_nothing(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        fault = Fault(kind="error", action="AssociateAddress", code="InternalError", status=500, count=3)
        world.ec2.inject(fault)
        world.ec2.inject(Fault(kind="error", action="AssociateAddress", code="UnsupportedOperation", status=400))
        scene.run("p", auto())
        scene.served("p")
        assert len(scene.addresses()) == 1
        assert len(scene.calls("AllocateAddress")) == 1
        scene.hears("p", "Warning EIPAssociationFailed", "UnsupportedOperation")


@pytest.mark.parametrize("kind", ["lost_reply", "lost_call"])
def test_3_a_lost_reply_of_allocate_leaks_nothing(new_world: NewWorld, kind: str) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        world.ec2.inject(Fault(kind=kind, action="AllocateAddress"))  # type: ignore[arg-type]
        scene.run("p", auto())
        scene.served("p")
        assert len(scene.addresses()) == 1


def test_4_two_clusters_share_a_pool_without_a_fight(new_world: NewWorld) -> None:
    world = new_world(ClusterSettings(name="a", replicas=1), ClusterSettings(name="b", replicas=1))
    for _ in range(30):
        world.ec2.add_address(tags={"pool": ""})
    scenes = [Scene(world, world.clusters[name], "ns") for name in ("a", "b")]
    with running(world):
        for number in range(15):
            for scene in scenes:
                scene.run(f"p{number}", fixed("pool"))
        for scene in scenes:
            for number in range(15):
                scene.served(f"p{number}")
        displaced = [h for h in world.ec2.holdings() if h.until is not None]
        assert not displaced
        labels = [scene.label(f"p{number}") for scene in scenes for number in range(15)]
        assert len(set(labels)) == 30


def test_5_no_pod_is_ever_dropped(new_world: NewWorld) -> None:
    world = new_world(ec2={"quota": 1})
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("first", auto())
        scene.served("first")
        scene.run("p", auto())
        scene.hears("p", "Warning EIPAssociationFailed", "AddressLimitExceeded", "quota")
        scene.eventually(lambda: len(scene.calls("AllocateAddress")) >= 6, "more tries than three")
        world.ec2.change_settings(quota=2)
        scene.served("p", 2 * LIMIT)


def test_5_a_short_quota_does_not_wait_for_a_shared_look(new_world: NewWorld) -> None:
    world = new_world(ec2={"quota": 1})
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("first", auto())
        scene.served("first")
        scene.run("p", auto())
        scene.hears("p", "AddressLimitExceeded")
        scene.delete("first")
        scene.served("p")


def test_7_the_aws_code_reaches_the_user(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        denied = Fault(kind="error", action="AllocateAddress", code="UnauthorizedOperation", status=403, count=2)
        world.ec2.inject(denied)
        scene.run("p", auto())
        scene.hears("p", "Warning EIPAssociationFailed", "UnauthorizedOperation", "Failed to associate EIP (auto mode)")
        scene.served("p")


def test_8_a_pod_without_labels_and_a_key_that_is_no_label_value(scene: Scene) -> None:
    key = f"a/b:{scene.namespace}"
    scene.world.ec2.add_address(tags={key: f"{scene.namespace}/p"})
    scene.run("p", fixed_value(key))
    scene.served("p")


def test_9_a_stateful_pod_that_comes_back_is_another_pod(scene: Scene) -> None:
    key = f"sts-{scene.namespace}"
    for _ in range(2):
        scene.world.ec2.add_address(tags={key: ""})
    scene.run("web-0", fixed(key))
    first = scene.served("web-0")
    old_ip = scene.ips["web-0"]
    scene.delete("web-0")
    scene.run("web-0", fixed(key))
    scene.cluster.kube.pod(scene.namespace, "stranger", ip=old_ip, node=scene.cluster.nodes[0].name)
    assert scene.served("web-0").allocation_id == first.allocation_id
    assert scene.ips["web-0"] != old_ip
    assert not [a for a in scene.addresses() if a.association and a.association.private_ip == old_ip]


def test_10_an_interface_without_an_attachment(scene: Scene) -> None:
    """It is nobody's, so the Pod is told and nothing is associated; others are served on."""
    scene.world.ec2.add_interface("10.203.0.4", instance_id=None)
    scene.ips["p"] = "10.203.0.4"
    node = scene.cluster.nodes[0].name
    scene.cluster.kube.pod(scene.namespace, "p", annotations=auto(), ip="10.203.0.4", node=node)
    scene.hears("p", "Warning EIPAssociationFailed", "10.203.0.4", "which is attached to no instance")
    assert scene.at("p") is None
    scene.run("q", auto())
    scene.served("q")


def test_11_pods_that_ask_for_nothing_cost_nothing(new_world: NewWorld) -> None:
    world = new_world(resync_period="600")
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.eventually(lambda: scene.calls("DescribeAddresses"), "the first look")
        scene.mark()
        for number in range(10):
            scene.run(f"p{number}", {})
        for number in range(10):
            scene.delete(f"p{number}")
        scene.run("last", auto())
        scene.served("last")
        assert [c.action for c in scene.calls()] == [
            "DescribeNetworkInterfaces",
            "AllocateAddress",
            "AssociateAddress",
        ]


def test_2_and_1_together_leave_a_pool_usable(new_world: NewWorld) -> None:
    """A node is lost while nobody watches: its Pods are deleted, EC2 has dropped the associations."""
    world = new_world()
    pool = world.ec2.add_address(tags={"pool": ""}).allocation_id
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("p", auto(), node=0)
        scene.run("q", fixed("pool"), node=0)
        own = scene.served("p").allocation_id
        scene.served("q")
    world.ec2.kill_instance(scene.cluster.nodes[0].instance_id)
    scene.delete("p")
    scene.delete("q")
    with running(world):
        scene.run("r", fixed("pool"), node=1)
        assert scene.served("r").allocation_id == pool
        scene.eventually(lambda: scene.address(own) is None, "released")
