"""What EC2 refuses to all is asked for by one; who needs none of it is served as ever; who flaps waits."""

from collections import Counter
from dataclasses import replace

import pytest

from controller.core.views import Interface
from state.errors import AccessDenied, QuotaExceeded, Throttled, Unavailable
from state.model import InterfaceId, PodUid
from tests.unit.engine_harness import Replica, World, auto, fixed
from tests.unit.engine_tokens import ALLOCATE, leading, one_more

POOL = "aws-samples.github.com/aws-pod-eip-controller-public-ipv4-pool"
GOOD, WRONG = "ipv4pool-ec2-good", "ipv4pool-ec2-nowhere"


def crowd(world: World, count: int, **more: str) -> list[PodUid]:
    """So many `auto` Pods."""
    return [world.pod(f"p{n}", {**auto(), **more}, ip=f"10.0.0.{10 + n}") for n in range(count)]


def asked(world: World) -> Counter[str]:
    """How often EC2 was asked for an address of each pool that is not Amazon's."""
    pools = [call.arguments[0] for call in world.ec2.calls if call.operation == "AllocateAddress"]
    return Counter(pool for pool in pools if pool.startswith("ipv4pool"))


def is_told(world: World, uid: PodUid, words: str) -> bool:
    """Whether an event on the Pod has these words."""
    return any(words in event.message for pod, event in world.events.said if pod.uid == uid)


def test_over_quota_one_asks_for_all(world: World) -> None:
    world.ec2.fail("AllocateAddress", QuotaExceeded("quota", code="AddressLimitExceeded"), times=10_000)
    replica = Replica(world, threads=8).lead()
    pods = crowd(world, 40)
    replica.run(60)
    world.ec2.calls.clear()
    replica.run(600, step=2)
    assert world.ec2.count("AllocateAddress") <= 12
    assert all("EIPAssociationFailed" in world.events.reasons(pod) for pod in pods)


def test_a_free_address_is_not_waited_for_by_who_is_not_concerned(world: World) -> None:
    world.ec2.fail("AllocateAddress", QuotaExceeded("quota", code="AddressLimitExceeded"), times=10_000)
    replica = Replica(world, threads=8).lead()
    crowd(world, 40)
    replica.run(30)
    world.pool(1)
    uid = world.pod("f", fixed(), ip="10.0.0.200")
    replica.settle()
    assert world.label(uid)


def test_all_go_on_once_there_is_room(world: World) -> None:
    world.ec2.fail("AllocateAddress", QuotaExceeded("quota", code="AddressLimitExceeded"), times=12)
    replica = Replica(world, threads=2).lead()
    pods = crowd(world, 10)
    took = replica.until(lambda: all(world.label(pod) for pod in world.pods.pods), limit_s=400, step=1)
    assert len(pods) == 10
    assert took < 300


def test_a_released_address_is_asked_for_at_once(world: World) -> None:
    replica = Replica(world).lead()
    first = world.pod("first", auto(), ip="10.0.0.5")
    replica.settle()
    world.ec2.fail("AllocateAddress", QuotaExceeded("quota", code="AddressLimitExceeded"), times=6)
    second = world.pod("second", auto(), ip="10.0.0.6")
    replica.run(100)
    assert not world.label(second)
    world.pods.delete(first)
    replica.run(3)
    assert world.label(second)


def test_a_pool_that_is_empty_holds_up_no_other(world: World) -> None:
    replica = Replica(world, threads=8).lead()
    replica.settle()
    world.ec2.fail("AllocateAddress", QuotaExceeded("", code="InsufficientAddressCapacity"))
    crowd(world, 40, **{POOL: GOOD})
    replica.run(1)
    uid = world.pod("q", auto(), ip="10.0.0.200")
    replica.settle()
    assert world.label(uid)


# ── pools that the account has no address of ──


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


# ── a right that is missing ──


def test_where_the_right_to_allocate_is_missing_one_pod_of_each_namespace_asks(world: World) -> None:
    denied = AccessDenied("You are not authorized", code="UnauthorizedOperation")
    world.ec2.fail("AllocateAddress", denied, times=10_000)
    replica = Replica(world, threads=8).lead()
    crowd(world, 40)
    replica.run(60)
    world.ec2.calls.clear()
    replica.run(600, step=2)
    assert world.ec2.count("AllocateAddress") <= 12
    assert all(is_told(world, uid, "UnauthorizedOperation") for uid in world.pods.pods)
    other = world.pod("q", auto(), ip="10.0.0.200", namespace="other")
    replica.settle()
    assert is_told(world, other, "UnauthorizedOperation"), "it asks for itself"


# ── who flaps ──


def test_a_pod_that_flaps_has_its_next_address_after_a_pause_and_is_told(world: World) -> None:
    replica = Replica(world).lead()
    uid = world.pod("p", auto(), ip="10.0.0.5")
    for _ in range(60):
        world.change(uid, annotations={})
        replica.run(2)
        world.change(uid, annotations=auto())
        replica.run(2)
    assert world.ec2.count("AllocateAddress") < 12
    replica.run(400, step=2)
    assert world.label(uid), "it is served when it is calm"


def test_a_pod_whose_annotation_goes_loses_its_address_at_once_however_it_flaps(world: World) -> None:
    replica = Replica(world).lead()
    uid = world.pod("p", auto(), ip="10.0.0.5")
    for _ in range(8):
        replica.until(lambda: world.label(uid), limit_s=400)
        world.change(uid, annotations={})
        replica.settle()
        assert not world.at_ip("10.0.0.5")
        world.change(uid, annotations=auto())
