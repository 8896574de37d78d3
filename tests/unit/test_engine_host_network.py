"""hostNetwork Pods are served at their node's IP, which they share; what the Go controller left there goes.

The names of annotations, labels and tags are spelled out here: they are what the Go controller wrote.
"""

import pytest

from controller.core.sweep import is_orphan
from state.model import AllocationId, PodUid
from tests.unit.engine_harness import ENI, Replica, World, at, auto, fixed

NODE_IP = "10.0.0.5"
PUBLIC_IP = "aws-pod-eip-controller-public-ip"
PREFIX = "aws-samples.github.com/aws-pod-eip-controller-"


def left_by_go(world: World, pod: str, mode: str = "auto", **more: str) -> AllocationId:
    """An address as the Go controller associated it with the node's IP, for this Pod."""
    tags = {PREFIX + "type": mode, PREFIX + "cluster-name": "c-1", PREFIX + "pod": pod, **more}
    allocation_id = world.ec2.add_address(tags=tags)
    world.ec2.associate(allocation_id, at(NODE_IP, ENI))
    return allocation_id


def claims_of_orphans(replica: Replica) -> list[PodUid]:
    """The claims in the name of Pods that are gone."""
    return [uid for uid in replica.ledger.pods() if is_orphan(uid)]


@pytest.mark.parametrize("annotations", [auto(), fixed()])
def test_a_host_network_pod_is_served_at_its_nodes_ip(world: World, annotations: dict[str, str]) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    pod = world.pod("turn", annotations, ip=NODE_IP, host_network=True)
    world.pod("proxy", {}, ip=NODE_IP, host_network=True)
    replica.settle()
    (address,) = world.at_ip(NODE_IP)
    assert world.pods.pods[pod].labels[PUBLIC_IP] == address.public_ip
    world.pods.delete(pod)
    replica.run(20)
    assert not world.at_ip(NODE_IP)
    assert not replica.ledger.pods()


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_of_two_on_a_node_one_has_the_address_and_the_other_is_told_who(world: World, order: tuple[str, str]) -> None:
    replica = Replica(world).lead()
    replica.settle()
    for name in order:  # both in one tick
        world.pod(name, auto(), ip=NODE_IP, host_network=True)
    replica.settle()
    served = [uid for uid in map(PodUid, order) if world.label(uid)]
    assert len(served) == len(world.at_ip(NODE_IP)) == len(world.ec2.addresses()) == 1
    (waits,) = {PodUid("a"), PodUid("b")} - set(served)
    told = [event for pod, event in world.events.said if pod.uid == waits]
    assert [event.reason for event in told] == ["EIPWaiting"]
    assert f"Pod ns/{served[0]}" in told[0].message
    replica.run(700)
    assert world.label(served[0])
    world.pods.delete(served[0])
    replica.run(40)
    assert world.label(waits)


def test_what_the_go_controller_gave_a_host_network_pod_is_adopted_as_it_is(world: World) -> None:
    address = left_by_go(world, "ns/turn")
    pod = world.pod("turn", auto(), ip=NODE_IP, host_network=True)
    before = world.mutations()
    replica = Replica(world).lead()
    replica.run(20)
    assert world.mutations() == before
    assert [a.allocation_id for a in world.at_ip(NODE_IP)] == [address]
    assert world.label(pod)
    assert not claims_of_orphans(replica)


@pytest.mark.parametrize("host_network", [False, True])
@pytest.mark.parametrize("annotations", [auto(), fixed()])
@pytest.mark.parametrize("mode", ["auto", "fixed-tag"])
def test_what_it_left_at_the_ip_of_a_pod_that_asks_goes_without_an_orphan(
    world: World, annotations: dict[str, str], mode: str, host_network: bool
) -> None:
    world.pool(1)
    left = left_by_go(world, "ns/long-gone", mode)
    pod = world.pod("next", annotations, ip=NODE_IP, host_network=host_network)
    replica = Replica(world).lead()
    for _ in range(60):
        replica.run(1)
        assert not claims_of_orphans(replica)
    (address,) = world.at_ip(NODE_IP)
    assert address.allocation_id != left
    assert world.label(pod) == address.public_ip
    kept = left in {a.allocation_id for a in world.ec2.addresses()}
    assert kept == (mode != "auto"), "what was allocated for a Pod is released, and a pool's address never"


def test_what_it_left_on_a_node_whose_ip_nobody_asks_for_goes(world: World) -> None:
    left = left_by_go(world, "ns/long-gone")
    world.pod("proxy", {}, ip=NODE_IP, host_network=True)
    replica = Replica(world).lead()
    replica.run(40)
    assert left not in {a.allocation_id for a in world.ec2.addresses()}
