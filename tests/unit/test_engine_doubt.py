"""Calls whose effect is unknown, and Pods that do not wait for it: nothing is forgotten before EC2's reads tell."""

from state.errors import Refused, Unavailable
from state.model import AllocationId
from tests.unit.engine_harness import CONSISTENCY_S, Replica, World, at, auto, fixed


def test_an_allocation_without_an_answer_is_given_back_although_its_pod_is_gone_and_reads_lag(world: World) -> None:
    replica = Replica(world).lead()
    replica.settle()
    world.ec2.lose_reply("AllocateAddress")
    with world.ec2.stale_reads():
        pod = world.pod("p", auto())
        replica.settle()
        world.pods.delete(pod)
        replica.run(CONSISTENCY_S / 2)
    replica.run(CONSISTENCY_S)
    assert not world.ec2.addresses()
    assert not replica.ledger.pods()


def test_a_pod_waits_until_its_ip_is_clear_of_another_pods_unanswered_association(world: World) -> None:
    replica = Replica(world).lead()
    old, new = world.pool(2)
    world.ec2.fail("AssociateAddress", Unavailable("no answer"), times=1)
    first = world.pod("p", fixed(), ip="10.0.0.9")
    replica.settle()
    claimed = replica.ledger.pods()[first].allocation_id
    world.pods.delete(first)
    second = world.pod("q", fixed(), ip="10.0.0.9")
    replica.run(CONSISTENCY_S / 2)
    assert world.label(second) is None
    assert claimed is not None
    world.ec2.associate(claimed, at("10.0.0.9"))
    replica.until(lambda: world.label(second), 2 * CONSISTENCY_S)
    assert [a.allocation_id for a in world.at_ip("10.0.0.9")] == [({old, new} - {claimed}).pop()]


def test_an_address_that_ec2_refuses_a_pod_is_given_up_for_the_next(world: World) -> None:
    replica = Replica(world).lead()
    world.pool(2)
    world.ec2.fail("AssociateAddress", Refused("not this one", code="OperationNotPermitted"))
    pod = world.pod("p", fixed())
    replica.until(lambda: world.label(pod))
    tried = [call.arguments[0] for call in world.ec2.calls if call.operation == "AssociateAddress"]
    assert len(set(tried)) == 2
    given_up = replica.ledger.address(AllocationId(tried[0]))
    assert given_up is None or given_up.owner is None
