"""The last addresses of the account's quota are for others: `auto` waits, says why, and goes on when there is room."""

import logging

import pytest

from controller.core import contract
from controller.core.tenancy import Tenancy
from controller.engine.quota import AGAIN_S, QUOTA_FRESH_S, USED_NEAR_S
from state.errors import AccessDenied, Throttled, Unavailable
from state.model import PodUid
from tests.unit.engine_harness import CONSISTENCY_S, POLL_S, Replica, World, auto, fixed

POOL = "aws-samples.github.com/aws-pod-eip-controller-public-ipv4-pool"
MINE = "ipv4pool-ec2-mine"
ASKED, LOOKED = "DescribeAccountAttributes", "DescribeAddresses"


def keeping(world: World, kept: int, quota: int | None = 10) -> Replica:
    """A leader that keeps so many of this quota."""
    world.ec2.quota, world.tenancy = quota, Tenancy(kept=kept)
    return Replica(world, threads=8).lead()


def crowd(world: World, count: int, first: int = 10) -> list[PodUid]:
    """So many `auto` Pods."""
    return [world.pod(f"p{n}", auto(), ip=f"10.0.0.{n}") for n in range(first, first + count)]


def served(world: World, pods: list[PodUid]) -> int:
    """How many of them have an address."""
    return sum(world.label(pod) is not None for pod in pods)


def said(world: World, uid: PodUid) -> list[str]:
    """What the Pod was told while it waits."""
    return [event.message for pod, event in world.events.said if pod.uid == uid and event.reason == contract.WAITING]


def test_a_burst_leaves_what_is_kept_and_who_waits_hears_why(world: World) -> None:
    replica = keeping(world, 3)
    pods = crowd(world, 12)
    replica.run(60)
    assert served(world, pods) == 7
    assert len(world.ec2.addresses()) == 7
    waiting = [pod for pod in pods if not world.label(pod)]
    for pod in waiting:
        assert "may have 10 addresses in this Region, of which 3 are kept for others (keepQuota)" in said(world, pod)[0]
    assert not [pod for pod in pods if world.label(pod) and said(world, pod)]
    assert not [call for call in world.ec2.calls if call.operation == "AllocateAddress" and call.code]


def test_what_others_have_counts_whatever_its_tags(world: World) -> None:
    for _ in range(6):
        world.ec2.add_address(tags={"Name": "a NAT gateway's"})
    replica = keeping(world, 3)
    pods = crowd(world, 3)
    replica.run(30)
    assert served(world, pods) == 1


def test_addresses_of_a_pool_of_ones_own_do_not_count_and_are_not_held_back(world: World) -> None:
    world.ec2.pools = [MINE]
    for _ in range(10):
        world.ec2.add_address(public_ipv4_pool=MINE)
    replica = keeping(world, 3, quota=4)
    pods = crowd(world, 2)
    own = world.pod("own", {**auto(), POOL: MINE}, ip="10.0.0.90")
    replica.run(30)
    assert served(world, pods) == 1
    assert world.label(own)


def test_pods_of_fixed_pools_are_not_concerned(world: World) -> None:
    replica = keeping(world, 10)
    world.pool(1)
    pod, other = world.pod("f", fixed(), ip="10.0.0.90"), world.pod("a", auto())
    replica.run(5)
    assert world.label(pod)
    assert not world.label(other)


def test_an_address_that_a_pod_gives_up_is_the_next_ones_soon(world: World) -> None:
    replica = keeping(world, 3, quota=5)
    pods = crowd(world, 3)
    replica.run(60)
    assert served(world, pods) == 2
    gone = next(pod for pod in pods if world.label(pod))
    world.ec2.fail("ReleaseAddress", Unavailable("slow"))  # so the look before the release is not what wakes anybody
    world.pods.delete(gone)
    left = [pod for pod in pods if pod != gone]
    assert replica.until(lambda: served(world, left) == 2, 30) <= 3
    assert len(world.ec2.addresses()) == 2


def test_the_oldest_is_served_first(world: World) -> None:
    only = world.ec2.add_address()
    replica = keeping(world, 3, quota=4)
    young = world.pod("a", auto(), ip="10.0.0.10", created="2026-01-02T00:00:00Z")
    old = world.pod("b", auto(), ip="10.0.0.11", created="2026-01-01T00:00:00Z", namespace="other")
    replica.run(60)
    world.ec2.release(only, world.ec2.region)
    replica.until(lambda: served(world, [young, old]) == 1, 60)
    assert world.label(old)


def test_what_somebody_else_releases_and_a_higher_quota_are_found(world: World) -> None:
    others = [world.ec2.add_address() for _ in range(2)]
    replica = keeping(world, 3, quota=5)
    first, second = crowd(world, 2)
    replica.run(60)
    assert not world.label(first)
    world.ec2.release(others[0], world.ec2.region)
    assert replica.until(lambda: served(world, [first, second]) == 1, 60) < 30
    world.ec2.quota = 6
    assert replica.until(lambda: served(world, [first, second]) == 2, 200) < AGAIN_S + 30


def test_who_waits_costs_a_look_now_and_then_and_nothing_else(world: World) -> None:
    replica = keeping(world, 3, quota=5)
    crowd(world, 40)
    replica.run(120)
    before, looks, asked = world.quiet(), world.ec2.count(LOOKED), world.ec2.count(ASKED)
    replica.run(600, step=1)
    assert world.quiet() == before
    assert world.ec2.count(LOOKED) - looks <= 600 / POLL_S + 5
    assert world.ec2.count(ASKED) - asked <= 600 / AGAIN_S + 1


def test_near_the_quota_what_is_used_is_looked_at_before_each_burst(world: World) -> None:
    replica = keeping(world, 3)
    crowd(world, 1)
    replica.settle()
    for _ in range(6):
        world.ec2.add_address()
    world.clock.now += USED_NEAR_S + 1
    late = crowd(world, 2, first=20)
    replica.run(30)
    assert served(world, late) == 0, "others took the last, and that was seen"


def test_without_the_setting_nobody_asks_and_nobody_is_held_back(world: World) -> None:
    world.ec2.quota = 5
    replica = Replica(world, threads=8).lead()
    pods = crowd(world, 5)
    replica.run(QUOTA_FRESH_S)
    assert served(world, pods) == 5
    assert world.ec2.count(ASKED) == 0
    assert replica.parts.quota.status() is None


def test_the_quota_is_read_once_for_many(world: World) -> None:
    replica = keeping(world, 3, quota=200)
    pods = crowd(world, 60)
    replica.run(30)
    assert served(world, pods) == 60
    assert world.ec2.count(ASKED) == 1


def test_a_quota_that_may_not_be_read_holds_nobody_back_and_is_logged_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    advice = "deploy/iam/aws/install.json allows ec2:DescribeAccountAttributes"
    denied = AccessDenied("not authorized", code="UnauthorizedOperation", advice=advice)
    world.ec2.fail(ASKED, denied, times=3)
    with caplog.at_level(logging.WARNING):
        replica = keeping(world, 3, quota=4)
        pods = crowd(world, 3)
        replica.run(2 * AGAIN_S)
        crowd(world, 1, first=30)
        replica.run(5)
    assert served(world, pods) == 3
    told = [record.getMessage() for record in caplog.records if "quota of addresses" in record.getMessage()]
    assert len(told) == 1
    assert "without regard to --keep-quota" in told[0]
    assert advice in told[0]
    now = replica.parts.quota.status()
    assert now is not None
    assert (now.allowed, now.trouble) == (None, "UnauthorizedOperation")


def test_what_was_known_holds_while_it_cannot_be_read_anew(world: World, caplog: pytest.LogCaptureFixture) -> None:
    replica = keeping(world, 3, quota=4)
    first, second = crowd(world, 2)
    replica.run(2)
    world.ec2.fail(ASKED, Throttled("slow", code="RequestLimitExceeded"), times=100)
    replica.run(4 * AGAIN_S)
    assert served(world, [first, second]) == 1
    now = replica.parts.quota.status()
    assert now is not None
    assert (now.allowed, now.used, now.trouble) == (4, 1, "RequestLimitExceeded")
    assert "it is taken to be 4 still" in caplog.text


def test_an_allocation_that_was_not_answered_counts(world: World) -> None:
    replica = keeping(world, 3, quota=5)
    with world.ec2.stale_reads():
        world.ec2.lose_reply("AllocateAddress")
        first = world.pod("first", auto(), ip="10.0.0.10")
        replica.settle()
        others = crowd(world, 3, first=20)
        replica.run(CONSISTENCY_S / 2)
        assert served(world, others) == 1
    replica.run(2 * CONSISTENCY_S)
    assert world.label(first)
    assert len(world.ec2.addresses()) == 2
