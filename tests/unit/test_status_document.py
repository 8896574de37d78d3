"""What the status says of Pods and pools, on the leader and on a standby: what is not known is never shown as 0."""

from datetime import datetime, timedelta

import pytest

from controller.core import contract
from controller.core.status import ShownPhase
from controller.engine.recent_errors import MOST, RecentErrors
from controller.engine.wall import WallClock
from state.errors import AccessDenied, PodEipError, QuotaExceeded
from state.model import PodUid
from tests.unit.engine_harness import HandClock, Replica, World, auto, fixed
from tests.unit.shown import status_of

TRACE = "0af7651916cd43dd8448eb211c80319c"


def served(world: World) -> Replica:
    """A leader with one Pod that has its address."""
    replica = Replica(world)
    replica.plans.traceparent = f"00-{TRACE}-b7ad6b7169203331-01"
    replica.lead()
    world.pod("u-1", auto(), created="2026-01-01T00:00:00Z")
    replica.settle()
    return replica


def test_the_leader_says_where_a_pod_runs_and_which_trace_it_has() -> None:
    world = World()
    [pod] = status_of(world, served(world)).pods
    assert (pod.phase, pod.node, pod.created) == (ShownPhase.ASSOCIATED, "node-1", "2026-01-01T00:00:00Z")
    assert (pod.trace_id, pod.attempts, pod.next_try) == (TRACE, 0, None)


def test_a_served_pod_whose_annotation_becomes_wrong_is_invalid_and_keeps_its_address_on_every_replica() -> None:
    """So the page, `pod_eip_pods` and its alert count it among those whose author has to do something."""
    world = World()
    leader, standby = served(world), Replica(world)
    world.change(PodUid("u-1"), annotations={contract.ANNOTATION_TYPE: "bogus"})
    leader.settle()
    for replica in (leader, standby):
        [pod] = status_of(world, replica).pods
        assert pod.phase is ShownPhase.INVALID
        assert pod.public_ip == world.label(PodUid("u-1"))
        assert "bogus" in (pod.error or "")


def test_the_leader_says_how_often_a_pod_failed_and_when_it_is_tried_again() -> None:
    world = World()
    replica = Replica(world).lead()
    replica.settle()
    world.ec2.fail("AllocateAddress", QuotaExceeded("The limit", code="AddressLimitExceeded"), times=1000)
    world.pod("u-1", auto())
    replica.settle()
    [pod] = (status := status_of(world, replica)).pods
    assert pod.attempts
    assert pod.next_try
    assert datetime.fromisoformat(pod.next_try) > datetime.fromisoformat(status.as_of or "") - timedelta(seconds=1)
    [error] = status.errors
    assert (error.where, error.code, error.count) == ("Allocate", "AddressLimitExceeded", pod.attempts)


def test_since_is_the_ledgers_and_survives_leaders() -> None:
    world = World()
    first = served(world)
    [before] = status_of(world, first).pods
    first.crash()
    second = Replica(world).lead()
    second.settle()
    [after] = status_of(world, second).pods
    assert before.since
    assert after.since == before.since


def test_a_pod_without_a_claim_asks_since_it_was_created() -> None:
    world = World()
    replica = Replica(world).lead()
    world.pod("u-1", fixed(), created="2026-01-01T00:00:00Z")
    replica.settle()
    [pod] = status_of(world, replica).pods
    assert (pod.phase, pod.since) == (ShownPhase.WAITING, "2026-01-01T00:00:00Z")


def test_a_standby_that_has_read_nothing_knows_a_served_pod_by_its_label() -> None:
    world = World()
    served(world)
    [pod] = (status := status_of(world, Replica(world))).pods
    assert (pod.phase, pod.public_ip) == (ShownPhase.ASSOCIATED, world.label(pod_uid(world)))
    assert (pod.since, pod.attempts, pod.next_try, pod.allocation_id) == (None, None, None, None)
    assert (status.contested, status.left_alone, status.replicas) == (None, None, None)


def test_a_standby_shows_no_number_of_a_pool() -> None:
    world = World()
    world.pool(3)
    leader = Replica(world).lead()
    world.pod("u-1", fixed())
    leader.settle()
    [pool] = status_of(world, Replica(world)).pools
    assert (pool.total, pool.free, pool.waiting, pool.longest_wait_s) == (None, None, None, None)
    [pool] = status_of(world, leader).pools
    assert (pool.total, pool.free, pool.waiting, pool.longest_wait_s) == (3, 2, 0, 0)


def test_a_leader_that_has_not_looked_at_ec2_shows_no_number_of_addresses() -> None:
    world = World()
    world.ec2.fail("DescribeAddresses", AccessDenied("no", code="UnauthorizedOperation"), times=1000)
    leader = Replica(world).lead()
    world.pod("u-1", fixed())
    leader.settle()
    [pool] = (status := status_of(world, leader)).pools
    assert (pool.total, pool.free) == (None, None)
    assert ("comparison with EC2", "UnauthorizedOperation") in {(error.where, error.code) for error in status.errors}


def test_a_time_is_shown_as_the_same_second_each_time() -> None:
    clock, wall = HandClock(), HandClock()
    shown = WallClock(clock, lambda: wall() + 1_700_000_000.9999)
    at = clock()
    first = shown.text(at)
    assert {shown.text(at) for _ in range(2000)} == {first}
    wall.now += 3600
    assert datetime.fromisoformat(shown.text(at)) - datetime.fromisoformat(first) == timedelta(hours=1)


def test_errors_that_are_alike_are_one_row_and_the_rows_are_few() -> None:
    book = RecentErrors()
    for number in range(1000):
        book.note("Associate", PodEipError(f"no eni-{number}", code="InvalidNetworkInterfaceID.NotFound"))
    [row] = book.all()
    assert (row.count, row.text) == (1000, "InvalidNetworkInterfaceID.NotFound: no eni-999")
    for number in range(100):
        book.note(f"step {number}", PodEipError("no"))
    assert [row.where for row in book.all()] == [f"step {number}" for number in range(99, 99 - MOST, -1)]


@pytest.mark.parametrize("secret", ["arn:aws:sts::123456789012:assumed-role/eip/x", "123456789012"])
def test_an_error_does_not_name_the_account(secret: str) -> None:
    book = RecentErrors()
    book.note("Associate", AccessDenied(f"{secret} may not", code="UnauthorizedOperation"))
    assert secret not in book.all()[0].text


def pod_uid(world: World) -> PodUid:
    """The world's only Pod."""
    [uid] = world.pods.pods
    return uid
