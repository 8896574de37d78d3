"""Waiting for a token of EC2: no thread, no plan, and no effect once its reason has gone.

Few tokens come in, one by one, as the test says; what is planned while they are missing is the product's own.
"""

import threading

import pytest

from controller.core.policy import parse
from controller.core.tenancy import Rules, Tenancy
from controller.core.views import Interface
from state.model import InterfaceId, PodUid
from tests.unit.engine_harness import Replica, World, auto, fixed

ALLOCATE, ASSOCIATE, CUT = "AllocateAddress", "AssociateAddress", "DisassociateAddress"
LIMIT_S = 20.0


def leading(world: World, threads: int = 4, **left: int) -> Replica:
    """A leader that has seen EC2, and then has only these tokens."""
    replica = Replica(world, threads=threads).lead()
    replica.run(61)
    world.tokens.left.update(left)
    return replica


def associated(world: World) -> list[str]:
    """The private IPs in the order in which they were associated."""
    return [call.arguments[2] for call in world.ec2.calls if call.operation == ASSOCIATE]


def one_more(world: World, replica: Replica, operation: str = ASSOCIATE) -> None:
    """One token comes in, and what follows happens."""
    world.tokens.left[operation] += 1
    replica.run(1)


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


def crowd(world: World, size: int) -> list[PodUid]:
    """So many Pods, the oldest first, each with an IP and an address of a pool."""
    ips = [f"10.9.{n // 250}.{n % 250 + 1}" for n in range(size)]
    world.ec2.add_interface(
        Interface(interface_id=InterfaceId("eni-crowd"), private_ips=frozenset(ips), instance_id="i-1")
    )
    world.pool(size)
    return [world.pod(f"p{n:03}", fixed(), ip=ip, created=f"{n:03}") for n, ip in enumerate(ips)]


def test_three_hundred_that_wait_hold_no_thread(world: World) -> None:
    """Two threads serve; were one held by who waits, nobody else would be served while 300 wait."""
    replica = leading(world, threads=2, AllocateAddress=0)
    before = threading.active_count()
    pods = crowd(world, 300)
    for n, pod in enumerate(pods):
        world.change(pod, annotations=auto() if n else fixed())
    replica.run(5)
    assert replica.parts.calls.waiting[ALLOCATE] == 299
    assert replica.loop.in_flight_idle(0)
    assert threading.active_count() <= before + 2 * 2 + 5
    assert world.label(pods[0])
    late = world.pod("late", fixed(), ip="10.0.0.50", created="999")
    replica.settle()
    assert world.label(late)
    world.tokens.left.clear()
    replica.run(5)
    assert all(world.label(pod) for pod in pods)
    assert world.tokens.out == 0


def test_each_token_serves_one(world: World) -> None:
    replica = leading(world, AssociateAddress=0)
    pods = crowd(world, 12)
    world.pods.delete(pods[5])
    for n in (3, 7):
        world.change(pods[n], annotations={})
    replica.run(130)  # long enough for all to be looked at twice
    kept = [pod for n, pod in enumerate(pods) if n not in (3, 5, 7)]
    for served in range(1, len(kept) + 1):
        one_more(world, replica)
        assert sum(bool(world.label(pod)) for pod in kept) == served
    assert world.tokens.out == 0


def test_a_namespace_with_one_pod_does_not_wait_behind_one_with_many(world: World) -> None:
    replica = leading(world, AssociateAddress=0)
    crowd(world, 10)
    world.pool(1)
    replica.run(2)
    one_more(world, replica)
    quiet = world.pod("quiet", fixed(), ip="10.0.0.60", namespace="quiet", created="9999")
    replica.run(2)
    assert not world.label(quiet)
    one_more(world, replica)
    assert world.label(quiet)
    assert len(associated(world)) == 2


def test_a_pod_that_is_gone_is_cut_before_those_that_live(world: World) -> None:
    replica = leading(world)
    world.pool(3)
    pods = [world.pod(f"p{n}", fixed(), ip=f"10.0.0.{10 + n}", created=str(n)) for n in range(3)]
    replica.settle()
    world.tokens.left[CUT] = 0
    for pod in pods[:2]:
        world.change(pod, annotations={})
    replica.run(2)
    world.pods.delete(pods[2])
    replica.run(2)
    one_more(world, replica, CUT)
    assert [len(world.at_ip(f"10.0.0.{10 + n}")) for n in range(3)] == [1, 1, 0]
    world.tokens.left.clear()
    replica.run(2)
    assert not any(a.association for a in world.ec2.addresses())


def test_a_leader_that_loses_its_term_gives_all_tickets_back(world: World) -> None:
    """Two that have their turn need a look that hangs: nobody is kept from their tokens, and the term ends."""
    replica = leading(world, AssociateAddress=0)
    crowd(world, 4)
    replica.settle()
    world.clock.now += 30  # where they are is not known any more
    with world.ec2.held("DescribeNetworkInterfaces"):
        world.tokens.left[ASSOCIATE] = 2
        replica.loop.tick()
        assert world.tokens.out == 0
        replica.lose()
        replica.loop.tick()
        assert world.tokens.out == 0
        assert world.tokens.left[ASSOCIATE] == 2
    assert replica.loop.background_idle(LIMIT_S)
    world.tokens.left.clear()
    replica.lead().run(70)
    assert len(associated(world)) == 4
    assert world.tokens.out == 0


def test_a_term_that_ends_during_a_call_takes_no_grant_along(world: World) -> None:
    replica = leading(world, AssociateAddress=3)
    with world.ec2.held(ASSOCIATE):
        crowd(world, 6)
        replica.loop.tick()
        assert replica.loop.background_idle(LIMIT_S)
        turns = 0
        while world.tokens.out < 3:
            turns += 1
            assert turns < 10_000, "nobody calls"
            replica.loop.tick()
        replica.lose()
        replica.loop.tick()
    assert replica.loop.in_flight_idle(LIMIT_S)
    assert world.tokens.out == 0


def test_a_slow_look_for_one_holds_up_nobody_whose_interface_is_known(world: World) -> None:
    replica = leading(world)
    world.pool(5)
    known = world.pod("known", fixed(), ip="10.0.0.5")
    replica.settle()
    with world.ec2.held("DescribeNetworkInterfaces"):
        far = world.pod("far", fixed(), ip="10.99.0.1")
        replica.loop.tick()
        near = world.pod("near", fixed(), ip="10.0.0.6", created="2")
        replica.tick_until(lambda: world.label(near))
        world.pods.delete(known)
        replica.tick_until(lambda: not world.at_ip("10.0.0.5"))
        assert not world.label(far)
    world.ec2.add_interface(
        Interface(interface_id=InterfaceId("eni-far"), private_ips=frozenset({"10.99.0.1"}), instance_id="i-1")
    )
    replica.until(lambda: world.label(far))
