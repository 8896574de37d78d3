"""What EC2 refuses to all is asked for by one; who needs none of it is served as ever; who flaps waits."""

from collections import Counter

from state.errors import AccessDenied, QuotaExceeded
from state.model import PodUid
from tests.unit.engine_harness import Replica, World, auto, fixed

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
