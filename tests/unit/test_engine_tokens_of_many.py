"""Many that wait for a token of EC2: who comes first, and that a term's end gives everything back."""

import threading

from controller.core.views import Interface
from state.model import InterfaceId
from tests.unit.engine_harness import World, auto, fixed
from tests.unit.engine_tokens import ALLOCATE, ASSOCIATE, CUT, LIMIT_S, associated, crowd, leading, one_more


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
    pods = crowd(world, 10)  # not so many that they would leave the last tokens to others
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
