"""A pool of somebody else's tag key: nothing new is given from it, and what the Go controller gave is adopted.

The names of annotations, labels and tags are spelled out here: they are what the Go controller wrote.
"""

import pytest

from tests.unit.engine_harness import ENI, Replica, World, at, fixed, fixed_value

PREFIX = "aws-samples.github.com/aws-pod-eip-controller-"
PUBLIC_IP = "aws-pod-eip-controller-public-ip"
KEYS = ("Name", "kubernetes.io/cluster/x")


@pytest.mark.parametrize("key", KEYS)
def test_what_the_go_controller_gave_is_adopted_and_freed_after_its_pod(world: World, key: str) -> None:
    tags = {key: "nat", PREFIX + "type": "fixed-tag", PREFIX + "cluster-name": "c-1", PREFIX + "pod": "ns/p"}
    given = world.ec2.add_address(tags=tags)
    world.ec2.associate(given, at("10.0.0.5", ENI))
    before = world.mutations()
    pod = world.pod("p", fixed(key))
    replica = Replica(world).lead()
    replica.run(10)
    assert [record.allocation_id for record in replica.ledger.pods().values()] == [given]
    assert world.label(pod)
    assert world.mutations() == before
    world.pods.delete(pod)
    stranger = world.pod("stranger", {})
    replica.run(10)
    assert world.at_ip("10.0.0.5") == []
    assert not replica.ledger.pods()
    assert not world.label(stranger)


@pytest.mark.parametrize("key", KEYS)
def test_a_new_pod_gets_none_and_hears_why(world: World, key: str) -> None:
    kept = world.ec2.add_address(tags={key: "ns/by-value"})
    replica = Replica(world).lead()
    world.pod("any", fixed(key))
    world.pod("by-value", fixed_value(key), ip="10.0.0.6")
    replica.run(400, step=5.0)
    assert world.mutations() == []
    assert [a.allocation_id for a in world.ec2.addresses()] == [kept]
    told = {pod.uid: event for pod, event in world.events.said}
    assert {event.reason for event in told.values()} == {"EIPRefused"}
    assert all("is never a pool" in event.message for event in told.values())
    assert len(told) == 2
