"""A public pool that the account has no address of may be a wrong name: one Pod asks for it, before any refusal."""

from collections import Counter
from dataclasses import replace

import pytest

from controller.core.views import Interface
from state.errors import QuotaExceeded, Throttled, Unavailable
from state.model import InterfaceId
from tests.unit.engine_harness import Replica, World, auto
from tests.unit.engine_tokens import ALLOCATE, leading, one_more
from tests.unit.test_engine_circuit_breakers import GOOD, POOL, WRONG, asked, crowd


def test_of_a_pool_that_does_not_exist_one_pod_asks_from_the_beginning(world: World) -> None:
    """The others would use up the account's bucket before the first refusal is known."""
    replica = Replica(world, threads=8).lead()
    replica.settle()
    crowd(world, 40, **{POOL: WRONG})
    replica.run(1)
    assert asked(world) == {WRONG: 1}
    uid = world.pod("q", auto(), ip="10.0.0.200")
    replica.settle()
    assert world.label(uid)


def test_so_many_pools_that_do_not_exist_are_asked_for_by_turns_of_the_namespace(world: World) -> None:
    replica = Replica(world, threads=8).lead()
    for n in range(40):
        world.pod(f"p{n}", {**auto(), POOL: f"{WRONG}{n}"}, ip=f"10.0.0.{10 + n}")
    replica.run(60)
    assert sum(asked(world).values()) <= 31, "one in two seconds, of those that were never refused"
    replica.run(100)
    assert len(asked(world)) == 40
    replica.run(1000, step=2)  # longer than a cause is kept that concerns nobody
    world.ec2.calls.clear()
    replica.run(120)
    assert sum(asked(world).values()) <= 13, "one in ten seconds"


def test_a_namespace_of_wrong_pools_holds_up_no_right_one_elsewhere(world: World) -> None:
    world.ec2.pools = (GOOD,)
    replica = Replica(world, threads=8).lead()
    for n in range(40):
        world.pod(f"p{n}", {**auto(), POOL: f"{WRONG}{n}"}, ip=f"10.0.0.{10 + n}")
    replica.run(1)
    uid = world.pod("q", {**auto(), POOL: GOOD}, ip="10.0.0.200", namespace="other")
    replica.settle()
    assert world.label(uid)


@pytest.mark.parametrize("wrong", [1, 40])
def test_a_right_pool_beside_wrong_ones_in_its_namespace_is_served_soon(world: World, wrong: int) -> None:
    world.ec2.pools = (GOOD,)
    replica = Replica(world, threads=8).lead()
    for n in range(wrong):
        world.pod(f"wrong{n:02}", {**auto(), POOL: f"{WRONG}{n}"}, ip=f"10.0.0.{10 + n}", created="0")
    replica.run(200)
    uid = world.pod("right", {**auto(), POOL: GOOD}, ip="10.0.0.6", created="9")
    assert replica.until(lambda: world.label(uid), limit_s=60, step=0.5) <= 3


def test_a_pool_that_comes_to_exist_later_has_its_turn_beside_wrong_ones(world: World) -> None:
    replica = Replica(world, threads=8).lead()
    for n in range(12):
        world.pod(f"wrong{n:02}", {**auto(), POOL: f"{WRONG}{n}"}, ip=f"10.0.0.{10 + n}", created="0")
    uid = world.pod("late", {**auto(), POOL: GOOD}, ip="10.0.0.6", created="9")
    replica.run(200)
    world.ec2.pools = (GOOD,)
    assert replica.until(lambda: world.label(uid), limit_s=600, step=0.1) <= 13 * 11


def test_a_full_quota_holds_up_no_pool_of_ones_own(world: World) -> None:
    world.ec2.pools, world.ec2.quota = (GOOD,), 0
    replica = Replica(world, threads=8).lead()
    crowd(world, 5)
    replica.run(100)
    uid = world.pod("own", {**auto(), POOL: GOOD}, ip="10.0.0.200", namespace="other")
    replica.settle()
    assert world.label(uid)
    world.ec2.calls.clear()
    replica.run(100)
    assert world.ec2.count("AllocateAddress") <= 3, "nor does its address say that there is room"


def test_a_local_zone_without_capacity_holds_up_nobody_elsewhere(world: World) -> None:
    far = Interface(interface_id=InterfaceId("eni-far"), private_ips=frozenset({"10.7.0.5"}), border_group="far-1")
    world.ec2.add_interface(replace(far, instance_id="i-1"))
    world.ec2.border_groups = ("far-1",)
    replica = Replica(world).lead()
    replica.settle()
    world.ec2.fail("AllocateAddress", QuotaExceeded("none there", code="InsufficientAddressCapacity"))
    world.pod("far", auto(), ip="10.7.0.5")
    replica.settle()
    uid = world.pod("here", auto(), ip="10.0.0.6", namespace="other")
    replica.settle()
    assert world.label(uid)


def test_wrong_pools_are_told_of_as_seldom_as_they_are_asked_for(world: World) -> None:
    replica = Replica(world, threads=8).lead()
    pods = [world.pod(f"p{n}", {**auto(), POOL: f"{WRONG}{n}"}, ip=f"10.0.0.{10 + n}") for n in range(40)]
    replica.run(300)
    world.events.said.clear()
    world.ec2.calls.clear()
    replica.run(600, step=1)
    told = Counter(pod.uid for pod, _ in world.events.said)
    assert max(told[uid] for uid in pods) <= 2 * max(asked(world).values()) + 1


def test_a_pod_that_is_served_wakes_nobody_who_waits_for_a_wrong_pool(world: World) -> None:
    """Nor does it void the pause of its namespace."""
    replica = Replica(world, threads=8).lead()
    for n in range(40):
        world.pod(f"p{n}", {**auto(), POOL: f"{WRONG}{n}"}, ip=f"10.0.0.{10 + n}")
    replica.run(300)
    world.ec2.calls.clear()
    for n in range(60):
        world.pod(f"ok{n}", auto(), ip=f"10.0.0.{100 + n}")
        replica.run(1)
    assert sum(asked(world).values()) <= 7


def test_the_one_that_had_its_address_by_its_tags_asks_no_more(world: World) -> None:
    world.ec2.pools = (GOOD,)
    replica = leading(world)
    world.ec2.lose_reply(ALLOCATE)
    first = world.pod("p0", {**auto(), POOL: GOOD}, ip="10.0.0.5")
    replica.until(lambda: world.label(first), limit_s=200)
    world.tokens.left["DisassociateAddress"] = 0
    world.pods.delete(first)
    replica.run(5)
    second = world.pod("p1", {**auto(), POOL: GOOD}, ip="10.0.0.6")
    replica.settle()
    assert world.label(second), "its cut waits for a token, and holds up no allocation"


def test_once_one_has_an_address_of_the_pool_all_others_ask_at_once(world: World) -> None:
    world.ec2.pools = (GOOD,)
    replica = Replica(world, threads=8).lead()
    pods = crowd(world, 40, **{POOL: GOOD})
    assert replica.until(lambda: all(world.label(pod) for pod in pods), limit_s=30, step=0.05) < 1
    assert not any("EIPAssociationFailed" in world.events.reasons(pod) for pod in pods)


def test_a_pool_of_which_the_account_has_an_address_is_asked_by_all_at_once(world: World) -> None:
    world.ec2.pools = (GOOD,)
    replica = Replica(world, threads=8).lead()
    world.pod("first", {**auto(), POOL: GOOD}, ip="10.0.0.5")
    replica.settle()
    second = Replica(world, threads=8).lead()
    second.settle()
    world.ec2.fail("AllocateAddress", Throttled("slow down", code="RequestLimitExceeded"))
    pods = crowd(world, 5, **{POOL: GOOD})
    second.settle()
    assert sum(world.label(pod) is not None for pod in pods) == 4, "the others wait for no turn"


def test_the_one_that_asks_may_go_and_another_asks(world: World) -> None:
    world.ec2.pools = (GOOD,)
    replica = Replica(world, threads=8).lead()
    replica.settle()
    world.ec2.fail("AllocateAddress", Unavailable("no answer", code="ReadTimeoutError"))
    first = world.pod("p0", {**auto(), POOL: GOOD}, ip="10.0.0.5", created="0")
    replica.settle()
    second = world.pod("p1", {**auto(), POOL: GOOD}, ip="10.0.0.6", created="1")
    world.pods.delete(first)
    assert replica.until(lambda: world.label(second), limit_s=30, step=0.1) < 6


def test_the_one_that_asks_and_waits_for_a_token_holds_up_no_other_namespace(world: World) -> None:
    world.ec2.pools = (GOOD,)
    replica = leading(world, AllocateAddress=0)
    for n in range(20):
        world.pod(f"a{n:02}", auto(), ip=f"10.0.0.{10 + n}", created=f"0{n:02}")
    world.pod("asks", {**auto(), POOL: GOOD}, ip="10.0.0.50", created="1")
    replica.settle()
    quiet = world.pod("quiet", {**auto(), POOL: GOOD}, ip="10.0.0.51", created="2", namespace="other")
    replica.settle()
    for _ in range(2):
        one_more(world, replica, ALLOCATE)
    assert world.label(quiet), "its namespace has the second token at the latest"


def test_what_was_refused_long_ago_is_forgotten(world: World) -> None:
    replica = Replica(world, threads=8).lead()
    for n in range(5):
        world.pod(f"p{n}", {**auto(), POOL: f"{WRONG}{n}"}, ip=f"10.0.0.{10 + n}")
    replica.run(60)
    assert replica.parts.state.breakers
    for uid in list(world.pods.pods):
        world.pods.delete(uid)
    replica.run(1000, step=5)
    assert not replica.parts.state.breakers
