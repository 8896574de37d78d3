"""Events in a flood: who is told, who is dropped, and that no namespace pays for another."""

from dataclasses import dataclass

import pytest

from controller.kube.backlog import CAPACITY, IN_NAMESPACE, REMEMBERED, Backlog, Dropped
from controller.kube.budgets import BURST, REFILL_S, Budgets
from controller.kube.budgets import REMEMBERED as PODS_REMEMBERED
from controller.kube.eventapi import Said


@dataclass
class Time:
    """A clock that a test turns."""

    now: float = 1_000.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def said(namespace: str, number: int = 0, *, pod: str = "") -> Said:
    """Something about a Pod of its own, or about this one."""
    uid = pod or f"{namespace}-{number}"
    return Said(uid=uid, namespace=namespace, name=uid, type="Warning", reason="EIPWaiting", message=str(number))


def flood(backlog: Backlog, namespace: str, count: int) -> list[Dropped | None]:
    """One event of each of so many Pods."""
    return [backlog.add(said(namespace, number), "t") for number in range(count)]


def drained(backlog: Backlog) -> list[Said]:
    """What is told, in order, without waiting for anything."""
    backlog.close()
    told = []
    while taken := backlog.take():
        told.append(taken[0])
        backlog.done(taken[0], told=taken[1].untold, counted=taken[1].untold, next_send=0.0)
    return told


@pytest.fixture
def time() -> Time:
    """The test's clock."""
    return Time()


@pytest.fixture
def backlog(time: Time) -> Backlog:
    """An empty one."""
    return Backlog(time)


def test_a_pod_has_a_burst_and_then_one_each_five_minutes(time: Time) -> None:
    budgets = Budgets(time)
    assert [budgets.spend("a") for _ in range(BURST + 1)] == [True] * BURST + [False]
    assert budgets.spend("b")
    time.now += REFILL_S
    assert [budgets.spend("a") for _ in range(2)] == [True, False]
    time.now += 100 * BURST * REFILL_S
    assert [budgets.spend("a") for _ in range(BURST + 1)] == [True] * BURST + [False]


def test_the_memory_of_pods_budgets_is_bounded(time: Time) -> None:
    budgets = Budgets(time)
    for number in range(2 * PODS_REMEMBERED):
        budgets.spend(str(number))
    assert len(budgets) == PODS_REMEMBERED


def test_namespaces_take_turns(backlog: Backlog) -> None:
    flood(backlog, "loud", 500)
    flood(backlog, "quiet", 2)
    flood(backlog, "other", 1)
    assert [one.namespace for one in drained(backlog)[:5]] == ["loud", "quiet", "other", "loud", "quiet"]


def test_a_namespace_has_room_for_a_part_only(backlog: Backlog) -> None:
    assert flood(backlog, "loud", IN_NAMESPACE + 5) == [None] * IN_NAMESPACE + [Dropped.NAMESPACE] * 5
    assert flood(backlog, "quiet", 5) == [None] * 5
    assert backlog.dropped == {"namespace": 5}


def test_where_all_is_full_the_largest_gives_up_its_newest(backlog: Backlog) -> None:
    for number in range(CAPACITY // IN_NAMESPACE):
        flood(backlog, f"loud-{number}", IN_NAMESPACE)
    assert flood(backlog, "quiet", 3) == [Dropped.FULL] * 3
    told = drained(backlog)
    assert len(told) == CAPACITY
    assert [one for one in told if one.namespace == "quiet"] == [said("quiet", number) for number in range(3)]
    assert said("loud-0", 0) in told
    assert backlog.dropped == {"full": 3}


def test_who_has_most_drops_its_own(backlog: Backlog) -> None:
    """Two Pods a namespace fill it: a third of one of them is not taken in another's place."""
    for number in range(CAPACITY // 2):
        flood(backlog, f"ns-{number}", 2)
    assert backlog.add(said("ns-7", 2), "t") is Dropped.FULL
    assert said("ns-7", 2) not in drained(backlog)


def test_what_could_not_be_told_takes_turns_too(backlog: Backlog, time: Time) -> None:
    """An API server that was away: a thousand retries of one namespace are not told before another's first."""
    flood(backlog, "loud", IN_NAMESPACE)
    for _ in range(IN_NAMESPACE):
        taken = backlog.take()
        assert taken is not None
        backlog.done(taken[0], told=0, counted=0, next_send=time.now + 10)
    flood(backlog, "quiet", 1)
    time.now += 10
    first, second = backlog.take(), backlog.take()
    assert first is not None
    assert second is not None
    assert "quiet" in {first[0].namespace, second[0].namespace}


def test_an_evicted_retry_is_not_told_and_may_come_again(backlog: Backlog, time: Time) -> None:
    backlog.add(said("a", 0), "t")
    taken = backlog.take()
    assert taken is not None
    backlog.done(taken[0], told=0, counted=0, next_send=time.now + 10)
    for number in range(CAPACITY // 2):
        flood(backlog, f"ns-{number}", 2)
    assert backlog.dropped
    backlog.add(said("a", 0), "t")
    assert drained(backlog).count(said("a", 0)) == 1


def test_what_is_said_again_costs_no_budget_while_it_waits(backlog: Backlog) -> None:
    assert {backlog.add(said("a"), "t") for _ in range(10 * BURST)} == {None}
    taken = backlog.take()
    assert taken is not None
    assert taken[1].untold == 10 * BURST
    assert backlog.add(said("a"), "t") is None
    backlog.done(taken[0], told=10 * BURST, counted=10 * BURST, next_send=0.0)
    again = backlog.take()
    assert again is not None
    assert (again[1].told, again[1].untold) == (10 * BURST, 1)


def test_the_memory_of_what_was_told_is_bounded(backlog: Backlog, time: Time) -> None:
    for number in range(2 * REMEMBERED):
        backlog.add(said("a", number), "t")
        taken = backlog.take()
        assert taken is not None
        backlog.done(taken[0], told=1, counted=1, next_send=time.now + 10)
    assert len(backlog) <= REMEMBERED


def test_what_gathers_during_the_last_send_is_told_before_the_end(backlog: Backlog, time: Time) -> None:
    backlog.add(said("ns"), "t")
    assert backlog.take() is not None
    backlog.add(said("ns"), "t")
    backlog.close()
    backlog.done(said("ns"), told=1, counted=1, next_send=time.now + 10)
    assert drained(backlog) == [said("ns")]


def test_what_could_not_be_told_at_the_end_is_not_tried_again(backlog: Backlog, time: Time) -> None:
    backlog.add(said("ns"), "t")
    assert backlog.take() is not None
    backlog.close()
    backlog.done(said("ns"), told=0, counted=0, next_send=time.now + 10)
    assert drained(backlog) == []
