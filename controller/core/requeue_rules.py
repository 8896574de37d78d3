"""When a Pod is looked at again after its plan has ended, why, and what wakes it before: one value for each way to end.

Nobody may be forgotten: a reason to wait that is not handled here would let its Pods sleep until the next comparison
with EC2, so mypy refuses it (`assert_never`), and every value says a time or what wakes the Pod.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Literal, assert_never

from controller.core import actions as act
from controller.core.actions import WaitReason
from state.errors import (
    AlreadyAssociated,
    ConditionLost,
    InterfaceNotFound,
    InvalidTarget,
    NotSent,
    PodEipError,
    QuotaExceeded,
)

RELEASE_WAIT_S = 15.0
FIRST_POLL_S = 1.0
SLOW_S = 60.0
NOT_SENT_S = 0.5
SHORTEST_S = 0.1
QUICK_RETRIES = 5


class WokenBy(Enum):
    """What wakes a Pod before its time."""

    NEWS = auto()  # the watch
    POLICY = auto()
    NAMESPACE = auto()  # room in its namespace
    INSTALL = auto()  # room in what all may have
    POOL = auto()  # a look at EC2, or an address of a pool that is given up
    RELEASE = auto()  # a look at EC2, or that the quota is short
    TARGET = auto()  # another that leaves its IP
    BREAKER = auto()  # EC2 gives addresses again
    QUOTA = auto()  # an address that is released
    TOKEN = auto()  # its turn


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueInput:
    """What is remembered, as far as it bears on when to look again. Times are monotonic, and seconds from `now`.

    failures, losses: of this Pod in a row, and how many of its conditions were lost.
    looked_at: EC2. cut_at: the last cut for this Pod. release_due: when those who release look together.
    breaker_s, flap_s, repair_s: until somebody may ask EC2 for all; until the Pod's next beginning; until its next
    repair.
    """

    now: float
    failures: int = 0
    losses: int = 0
    poll_s: float = 0.0
    poll_interval_s: float = 15.0
    consistency_s: float = 60.0
    looked_at: float = 0.0
    cut_at: float = 0.0
    release_due: float = 0.0
    quota_is_short: bool = False
    breaker_s: float = 0.0
    flap_s: float = 0.0
    repair_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequeueResult:
    """What becomes of a Pod whose plan has ended.

    because: for whom reads it. after_s: seconds from now; None: there is no such time.
    backoff: look after so many times the pause that grows with each failure. failed: failures to count beyond that.
    forgets: it failed no more. lost: another condition was lost. looked_since: EC2 is to be looked at after this.
    poll_s: how old a view of its pool may be next time. release_due: those who release look together then.
    shortens: the account has no room, so releases do not wait for company. rivals: who claims its IP is to look, too.
    """

    because: str
    after_s: float | None = None
    backoff: float = 0.0
    failed: int = 0
    forgets: bool = False
    lost: bool = False
    looked_since: float | None = None
    poll_s: float | None = None
    release_due: float | None = None
    shortens: bool = False
    rivals: bool = False
    woken_by: frozenset[WokenBy] = frozenset()


def after_success(*, did: bool) -> RequeueResult:
    """A plan that did something is made once more: an empty one proves that all is done."""
    why = "an empty plan is the proof" if did else "all is done: the watch will tell"
    return RequeueResult(
        because=why, after_s=0.0 if did else None, forgets=True, poll_s=0.0, woken_by=_by(WokenBy.NEWS)
    )


def after_wait(reason: WaitReason, known: RequeueInput, *, did: bool) -> RequeueResult:
    """What a Pod that waits for this needs."""
    match reason:
        case WaitReason.NO_IP | WaitReason.SCOPE:
            return _news(reason, WokenBy.NEWS, did=did)
        case WaitReason.REFUSED:
            return _news(reason, WokenBy.POLICY, did=did)
        case WaitReason.ROOM:
            return _news(reason, WokenBy.NAMESPACE, did=did)
        case WaitReason.FULL:
            return _news(reason, WokenBy.INSTALL, did=did)
        case WaitReason.POOL:
            return _poll(reason, known)
        case WaitReason.QUOTA:
            return replace(_poll(reason, known), woken_by=_by(WokenBy.POOL, WokenBy.QUOTA), shortens=True)
        case WaitReason.RELEASE:
            return _release(reason, known)
        case WaitReason.TARGET:
            return RequeueResult(because=reason, backoff=1, rivals=True, woken_by=_by(WokenBy.TARGET))
        case WaitReason.BREAKER:
            return RequeueResult(because=reason, after_s=known.breaker_s, woken_by=_by(WokenBy.BREAKER))
        case WaitReason.TOKEN:
            return RequeueResult(because=reason, after_s=SLOW_S, woken_by=_by(WokenBy.TOKEN))
        case _:
            return _after_time(reason, known)


_Timed = Literal[
    WaitReason.IN_DOUBT,
    WaitReason.SETTLE,
    WaitReason.LOOK,
    WaitReason.GONE,
    WaitReason.FLAPPING,
    WaitReason.LABELS,
    WaitReason.PLACEMENT,
    WaitReason.FOREIGN,
]


def _after_time(reason: _Timed, known: RequeueInput) -> RequeueResult:
    """What nobody notices: it is looked at."""
    match reason:
        case WaitReason.IN_DOUBT | WaitReason.SETTLE:
            return RequeueResult(
                because=reason, after_s=min(5.0, known.consistency_s / 4 + 0.1), looked_since=known.now
            )
        case WaitReason.LOOK if known.failures == 0:
            return RequeueResult(because=reason, after_s=0.0, failed=1, looked_since=known.now)
        case WaitReason.LOOK:  # a look that says nothing new counts twice
            return RequeueResult(because=reason, backoff=1, failed=1, looked_since=known.now)
        case WaitReason.GONE:
            return RequeueResult(because=reason, after_s=known.consistency_s, looked_since=known.now)
        case WaitReason.FLAPPING:
            return RequeueResult(because=reason, after_s=max(known.flap_s, SHORTEST_S))
        case WaitReason.LABELS:
            return RequeueResult(because=reason, after_s=max(known.repair_s, SHORTEST_S))
        case WaitReason.PLACEMENT:
            return RequeueResult(because=reason, backoff=1)
        case WaitReason.FOREIGN:
            return RequeueResult(because=reason, backoff=2, looked_since=known.now)
        case _:
            assert_never(reason)


def after_error(error: PodEipError, failed: act.Action | None, known: RequeueInput) -> RequeueResult:
    """What a Pod needs whose plan came to this action and no further."""
    why = error.explain()
    if isinstance(error, NotSent):
        return RequeueResult(because=why, after_s=NOT_SENT_S)
    if isinstance(error, ConditionLost):
        woken = _by(WokenBy.POOL) if isinstance(failed, act.Claim) else _by()
        lost = RequeueResult(because=why, lost=True, woken_by=woken)
        return replace(lost, after_s=0.0) if known.losses < QUICK_RETRIES else replace(lost, backoff=1)
    if isinstance(error, AlreadyAssociated | InvalidTarget | InterfaceNotFound) and known.failures == 0:
        return RequeueResult(because=why, after_s=0.0, failed=1)  # what we believed was wrong, and is believed no more
    return RequeueResult(because=why, backoff=1, shortens=isinstance(error, QuotaExceeded))


def _news(why: WaitReason, by: WokenBy, *, did: bool) -> RequeueResult:
    """Nothing is looked at meanwhile. But the answer to a patch of ours may have been the news that the watch then does
    not tell any more.
    """
    return RequeueResult(because=why, after_s=0.0 if did else None, woken_by=_by(by))


def _poll(why: WaitReason, known: RequeueInput) -> RequeueResult:
    """The pool is looked at soon at first, for it may just be being tagged, then less often: one look for all."""
    poll_s = min(known.poll_interval_s, 2 * known.poll_s or FIRST_POLL_S)
    due_s = max(known.looked_at + poll_s + 0.01 - known.now, SHORTEST_S)
    return RequeueResult(because=why, after_s=due_s, poll_s=poll_s, forgets=True, woken_by=_by(WokenBy.POOL))


def _release(why: WaitReason, known: RequeueInput) -> RequeueResult:
    """Releases share the next look at EC2, and take one of their own only after a while or if quota is short."""
    due = known.release_due if known.release_due > known.now else known.now + RELEASE_WAIT_S
    due = known.now if known.quota_is_short else due
    return RequeueResult(
        because=why,
        after_s=due - known.now,
        release_due=due,
        looked_since=known.cut_at,
        woken_by=_by(WokenBy.RELEASE),
    )


def _by(*those: WokenBy) -> frozenset[WokenBy]:
    return frozenset(those)
