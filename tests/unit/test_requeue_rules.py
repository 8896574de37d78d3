"""When a Pod is looked at again: nobody is forgotten, whatever its plan ended with.

That a new reason needs a decision, mypy says: the `match` over WaitReason in `core/requeue_rules` ends in
`assert_never`. What that is worth at run time is shown here, with a reason that there is not.
"""

from enum import StrEnum
from typing import cast

import pytest

from controller.core.actions import WaitReason
from controller.core.requeue_rules import RequeueInput, RequeueResult, WokenBy, after_error, after_success, after_wait
from controller.engine.waiters import Waiters
from state import errors
from state.errors import (
    AlreadyAssociated,
    ConditionLost,
    LedgerSilent,
    NotSent,
    PodEipError,
    QuotaExceeded,
    Refused,
    Throttled,
    Unavailable,
)
from state.model import PodUid

NOW = 1000.0
KNOWN = RequeueInput(now=NOW, looked_at=NOW - 1, breaker_s=2.0)
CERTAIN = {WokenBy.NEWS, WokenBy.POLICY, WokenBy.NAMESPACE, WokenBy.INSTALL}
"""Who waits for these may wait for them alone: each is told for certain."""


def is_alive(then: RequeueResult) -> bool:
    """Whether there is a time at which the Pod is looked at, or something that is told for certain."""
    return then.after_s is not None or then.backoff > 0 or bool(then.woken_by & CERTAIN)


@pytest.mark.parametrize("reason", WaitReason)
@pytest.mark.parametrize("did", [False, True])
def test_nobody_who_waits_is_forgotten(reason: WaitReason, did: bool) -> None:
    then = after_wait(reason, KNOWN, did=did)
    assert is_alive(then)
    assert then.because == reason


@pytest.mark.parametrize("error", [one for one in vars(errors).values() if isinstance(one, type)])
@pytest.mark.parametrize("known", [KNOWN, RequeueInput(now=NOW, failures=9, losses=9)])
def test_nobody_who_fails_is_forgotten(error: type[object], known: RequeueInput) -> None:
    if not issubclass(error, PodEipError):
        return
    then = after_error(error("it failed"), None, known)
    assert then.after_s is not None or then.backoff > 0


def test_a_reason_that_nobody_handles_is_refused() -> None:
    class Another(StrEnum):
        NEW = "something new"

    with pytest.raises(AssertionError):
        after_wait(cast("WaitReason", Another.NEW), KNOWN, did=False)


@pytest.mark.parametrize("by", WokenBy)
def test_who_is_woken_by_something_is_noted_and_leaves_it_again(by: WokenBy) -> None:
    waiters = Waiters()
    waiters.enter(PodUid("p"), by, "ns")
    noted = waiters != Waiters()
    assert noted is (by not in (WokenBy.NEWS, WokenBy.TOKEN))
    waiters.leave(PodUid("p"))
    assert waiters == Waiters()


def test_a_plan_that_did_something_is_made_once_more() -> None:
    assert after_success(did=True).after_s == 0.0
    assert after_success(did=False).after_s is None


def test_a_pool_is_looked_at_soon_then_less_often() -> None:
    polls, poll_s = list[float | None](), 0.0
    for _ in range(6):
        then = after_wait(WaitReason.POOL, RequeueInput(now=NOW, looked_at=NOW, poll_s=poll_s), did=False)
        polls.append(then.poll_s)
        poll_s = then.poll_s or 0.0
    assert polls == [1, 2, 4, 8, 15, 15]


def test_releases_wait_for_company_unless_the_quota_is_short() -> None:
    first = after_wait(WaitReason.RELEASE, RequeueInput(now=NOW, cut_at=NOW - 3), did=True)
    assert (first.after_s, first.release_due, first.looked_since) == (15.0, NOW + 15, NOW - 3)
    second = after_wait(WaitReason.RELEASE, RequeueInput(now=NOW + 5, release_due=NOW + 15), did=True)
    assert (second.after_s, second.release_due) == (10.0, NOW + 15)
    short = after_wait(WaitReason.RELEASE, RequeueInput(now=NOW, release_due=NOW + 9, quota_is_short=True), did=True)
    assert short.after_s == 0.0


def test_a_look_that_says_nothing_new_counts_twice() -> None:
    first = after_wait(WaitReason.LOOK, RequeueInput(now=NOW), did=False)
    assert (first.after_s, first.backoff, first.failed, first.looked_since) == (0.0, 0, 1, NOW)
    later = after_wait(WaitReason.LOOK, RequeueInput(now=NOW, failures=1), did=False)
    assert (later.after_s, later.backoff, later.failed) == (None, 1, 1)


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (NotSent("x"), (0.5, 0, 0, False)),
        (LedgerSilent("x"), (0.5, 0, 0, False)),
        (AlreadyAssociated("x"), (0.0, 0, 1, False)),
        (QuotaExceeded("x"), (None, 1, 0, True)),
        (Throttled("x"), (None, 1, 0, False)),
        (Unavailable("x"), (None, 1, 0, False)),
        (Refused("x"), (None, 1, 0, False)),
        (ConditionLost("x"), (0.0, 0, 0, False)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_a_failure_asks_for(error: PodEipError, then: tuple[float | None, float, int, bool]) -> None:
    found = after_error(error, None, KNOWN)
    assert (found.after_s, found.backoff, found.failed, found.shortens) == then


def test_lost_conditions_are_tried_at_once_five_times() -> None:
    assert [after_error(ConditionLost("x"), None, RequeueInput(now=NOW, losses=n)).after_s for n in (4, 5)] == [
        0.0,
        None,
    ]


def test_what_was_believed_wrongly_is_tried_at_once_the_first_time_only() -> None:
    assert after_error(AlreadyAssociated("x"), None, RequeueInput(now=NOW, failures=1)).backoff == 1
