"""Waiting for a token of EC2: no thread, no plan, and no effect once its reason has gone.

Few tokens come in, one by one, as the test says; what is planned while they are missing is the product's own.
"""

import pytest

from controller.core.policy import parse
from controller.core.tenancy import Rules, Tenancy
from tests.unit.engine_harness import World, auto, fixed
from tests.unit.engine_tokens import ALLOCATE, ASSOCIATE, associated, crowd, leading, one_more


@pytest.mark.parametrize("annotations", [auto(), fixed()])
def test_a_pod_that_is_deleted_while_it_waits_is_never_associated(world: World, annotations: dict[str, str]) -> None:
    replica = leading(world, AssociateAddress=0)
    world.pool(1)
    pod = world.pod("p", annotations)
    replica.run(5)
    assert replica.parts.calls.waits(pod)
    world.pods.delete(pod)
    replica.run(20)
    assert not replica.ledger.pods()
    world.tokens.left.clear()
    replica.run(100)
    assert associated(world) == []
    assert len(world.ec2.addresses()) == 1
    assert replica.parts.calls.waiting[ASSOCIATE] == 0


def test_one_that_waits_for_a_new_address_leaves_nothing(world: World) -> None:
    replica = leading(world, AllocateAddress=0)
    pod = world.pod("p", auto())
    replica.run(5)
    assert replica.parts.calls.waits(pod)
    world.pods.delete(pod)
    replica.settle()
    assert not replica.ledger.pods()
    one_more(world, replica, ALLOCATE)
    assert world.mutations() == []
    assert world.tokens.left[ALLOCATE] == 1


def test_a_burst_that_has_no_token_writes_nothing_down(world: World) -> None:
    """What nobody can go on with must not fill the ledger and the threads before those whose turn it is."""
    replica = leading(world, AllocateAddress=0, AssociateAddress=0)
    pods = crowd(world, 40)
    for pod in pods[20:]:
        world.change(pod, annotations=auto())
    replica.run(5)
    assert all(map(replica.parts.calls.waits, pods))
    assert not replica.ledger.pods()
    one_more(world, replica)
    assert len(replica.ledger.pods()) == 1


ONE_EACH = Rules(policy=parse("limits: [{name: one, namespaces: [ns], addresses: 1}]"))
ONE_IN_ALL = Rules(tenancy=Tenancy(most=1))


@pytest.mark.parametrize("rules", [ONE_EACH, ONE_IN_ALL], ids=["namespace", "install"])
def test_who_waits_for_a_token_keeps_its_room_and_gives_it_to_the_next_when_it_goes(world: World, rules: Rules) -> None:
    """There may be one address: nobody else is let in beside, and nobody is forgotten."""
    world.policy, world.tenancy = rules.policy, rules.tenancy
    replica = leading(world, AllocateAddress=0)
    first = world.pod("first", auto(), created="1")
    replica.run(2)
    second = world.pod("second", auto(), ip="10.0.0.6", created="2")
    replica.run(2)
    assert [replica.parts.calls.waits(pod) for pod in (first, second)] == [True, False]
    world.pods.delete(first)
    replica.run(2)
    assert replica.parts.calls.waits(second)
    one_more(world, replica, ALLOCATE)
    assert world.label(second)


@pytest.mark.parametrize("rules", [ONE_EACH, ONE_IN_ALL], ids=["namespace", "install"])
def test_who_has_waited_for_a_token_does_not_stand_in_its_own_way(world: World, rules: Rules) -> None:
    world.policy, world.tenancy = rules.policy, rules.tenancy
    replica = leading(world, AllocateAddress=0)
    pod = world.pod("p", auto())
    replica.run(2)
    one_more(world, replica, ALLOCATE)
    assert world.label(pod)


def test_who_waits_for_a_token_keeps_its_place_among_the_clusters_that_wait_for_the_pool(world: World) -> None:
    replica = leading(world, AssociateAddress=0)
    pod = world.pod("p", fixed())
    replica.run(2)
    world.pool(1)
    replica.run(20)
    assert replica.parts.calls.waits(pod)
    assert replica.parts.memory.queues.waited_s(pod) > 20
    one_more(world, replica)
    assert world.label(pod)
    assert not replica.parts.memory.queues.shown()


def test_its_cut_does_not_wait_for_the_token_of_its_association(world: World) -> None:
    """A served Pod asks for another pool: its old address is cut, the new one waits; then it is deleted."""
    replica = leading(world)
    world.pool(1)
    world.pool(1, "other")
    pod = world.pod("p", fixed())
    replica.settle()
    world.tokens.left[ASSOCIATE] = 0
    world.change(pod, annotations=fixed("other"))
    replica.run(5)
    assert not world.at_ip("10.0.0.5")
    assert replica.parts.calls.waits(pod)
    world.pods.delete(pod)
    replica.settle()
    assert not replica.ledger.pods()
    world.tokens.left.clear()
    replica.run(100)
    assert associated(world) == ["10.0.0.5"]


@pytest.mark.parametrize("operation", [ALLOCATE, ASSOCIATE])
def test_annotations_that_change_meanwhile_are_followed(world: World, operation: str) -> None:
    replica = leading(world, **{operation: 0})
    [wanted] = world.pool(1, "other")
    pod = world.pod("p", auto())
    replica.run(5)
    world.change(pod, annotations=fixed("other"))
    replica.run(70)
    world.tokens.left.clear()
    replica.run(30)
    [address] = world.at_ip("10.0.0.5")
    assert address.allocation_id == wanted
    assert len(world.ec2.addresses()) == 1
    assert associated(world) == ["10.0.0.5"]


def test_an_annotation_that_goes_meanwhile_is_followed(world: World) -> None:
    replica = leading(world, AssociateAddress=0)
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.run(5)
    world.change(pod, annotations={})
    replica.settle()
    assert not replica.ledger.pods()
    world.tokens.left.clear()
    replica.run(70)
    assert associated(world) == []


def test_an_ip_that_changes_meanwhile_is_followed(world: World) -> None:
    replica = leading(world, AssociateAddress=0)
    world.pool(1)
    pod = world.pod("p", fixed())
    replica.run(5)
    world.change(pod, ip="10.0.0.99")
    replica.run(5)
    one_more(world, replica)
    assert associated(world) == ["10.0.0.99"]
    assert world.label(pod)
