"""Where EC2's answer to one Pod holds for many, one Pod asks at a growing interval instead of each by itself.

An account over its quota refuses every AllocateAddress. A public pool that does not exist or is empty refuses every one
from it, and a role without the right refuses a namespace's. Calls for hundreds of Pods would use up the account's token
bucket, which others need, and bring nothing new. So after such a refusal one Pod asks at a time; once one is served,
all others may ask. A pool that the account has no address of may be a mistake: there one Pod asks before any refusal,
and one at a time for all such pools of a namespace.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeGuard
from zlib import crc32

from controller.core import allocation
from controller.core.contract import quoted
from controller.core.desire import Serve
from controller.core.ports import Clock
from controller.core.quota import counts
from controller.core.situation import BreakerOpen, Placed, Situation
from controller.engine.plain import Plain
from state.backoff import Backoff
from state.errors import AccessDenied, NoCredentials, PodEipError, PoolNotFound, QuotaExceeded
from state.model import PodUid

PAUSE = Backoff(base_s=2.0, cap_s=60.0)
SHORT_PAUSE = Backoff(base_s=2.0, cap_s=10.0)
"""For the pools of a namespace together, of those that were refused before."""
FIRST_TRY_S = 2.0
"""Seconds after a refusal for another pool of the namespace, for one that was never refused: its name may be right."""
TURN_S, MOST_TURNS = 0.2, 20
"""Seconds by which a pool that was refused later waits longer than one before it, whose Pod may be gone."""
ANSWER_S, SHORTEST_S = 4.0, 0.1
"""Seconds after which a Pod looks again: while another asks, whose address wakes it; and at least. The first is up to
twice as long, so that thousands do not look in the same tick.
"""
KEPT_S = 300.0
"""Seconds for which a cause is remembered that concerns nobody any more."""
QUOTA = "quota"
_CAPACITY = "InsufficientAddressCapacity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A Pod that wants an address of this public IPv4 pool; `border_group`: as in the call, empty for the Region's."""

    uid: PodUid
    namespace: str
    pool: str
    border_group: str = ""


def request_of(s: Situation) -> Request | None:
    """The Pod's, if it is there and is to be served from a pool; whether that is one of EC2's, its plan says."""
    if s.pod is None or not isinstance(s.desire, Serve):
        return None
    group = allocation.elsewhere(s.facts, s.placement) if isinstance(s.placement, Placed) else None
    return Request(uid=s.uid, namespace=s.pod.namespace, pool=s.desire.pool, border_group=group or "")


@dataclass(slots=True)
class Breaker(Plain):
    """One cause: how often it refused in a row, and when last, why, when the next may ask, and who asks.

    wanted_at: when anybody wanted to ask. pools: of a namespace, the causes of those that were refused, and when last.
    """

    why: str
    refusals: int = 0
    refused_at: float = float("-inf")
    next_at: float = 0.0
    asking: Request | None = None
    wanted_at: float = 0.0
    pools: dict[str, float] = field(default_factory=dict)


class CircuitBreakers:
    """Those of one term; used by the loop's thread alone. `tried`: whether the account has an address of a pool."""

    def __init__(self, clock: Clock, breakers: dict[str, Breaker], tried: Callable[[str], bool]) -> None:
        self._clock, self._breakers, self._tried = clock, breakers, tried

    def holds(self, request: Request, acts: Callable[[Request], bool]) -> BreakerOpen | None:
        """Why this Pod may not allocate now; None: it may, if need be as the one that asks for all.

        `acts`: whether another that asks will have an answer before this one could. If not, this one asks.
        """
        self._watch_untried(request)
        causes, now = self._open(request), self._clock()
        for cause, breaker in causes.items():
            breaker.wanted_at = now
            asked_by_other = _is_other(breaker.asking, request) and acts(breaker.asking)
            if asked_by_other or (breaker.asking != request and now < self._next_at(request, cause)):
                return self._said(request, cause)
        for breaker in causes.values():
            breaker.asking = request
        return None

    def ended(self, request: Request) -> None:
        """The Pod's plan has ended, and it waits for no token for another try: it asks no more."""
        for breaker in self._open(request).values():
            if breaker.asking is not None and breaker.asking.uid == request.uid:
                breaker.asking = None

    def refused(self, request: Request, error: PodEipError) -> None:
        """EC2 refused this Pod an address."""
        now = self._clock()
        for cause, pause in _refusing(request, error).items():
            breaker = self._breakers.setdefault(cause, Breaker(why=""))
            breaker.why = _first(request, cause) if cause == _namespace(request) else _why(request, error, cause)
            breaker.wanted_at = breaker.refused_at = now
            if cause == _namespace(request):
                breaker.pools[_pool(request)] = now
            if now >= breaker.next_at:  # the calls that were on their way together count as one
                breaker.refusals += 1
                breaker.next_at = now + pause.after(breaker.refusals - 1)

    def served(self, request: Request) -> bool:
        """EC2 allocated an address of this pool: its breakers close. Returns whether there was one.

        That of the namespace stays: its other pools may be wrong all the same.
        """
        namespace = self._breakers.get(_namespace(request))
        if namespace is not None:
            namespace.pools.pop(_pool(request), None)
        return bool([self._breakers.pop(cause) for cause in _causes(request) if cause in self._breakers])

    def freed(self) -> bool:
        """An address was released, so the quota has room for one. Returns whether a Pod waited for that."""
        breaker = self._breakers.get(QUOTA)
        if breaker is not None:
            breaker.next_at = self._clock()
        return breaker is not None

    def due_in(self, request: Request) -> float:
        """Seconds until this Pod may ask, if no answer to another wakes it before."""
        least, now = SHORTEST_S, self._clock()
        for cause, breaker in self._open(request).items():
            answer_s = ANSWER_S * _spread(request.uid) if _is_other(breaker.asking, request) else 0.0
            least = max(least, self._next_at(request, cause) - now, answer_s)
        return least

    def prune(self) -> None:
        """Forget the causes that have concerned nobody for long."""
        old = self._clock() - KEPT_S
        for cause in [cause for cause, breaker in self._breakers.items() if breaker.wanted_at < old]:
            del self._breakers[cause]
        for breaker in self._breakers.values():
            breaker.pools = {cause: at for cause, at in breaker.pools.items() if cause in self._breakers}

    def _next_at(self, request: Request, cause: str) -> float:
        """When this Pod may ask. In a namespace the pool comes first that was never refused, then the longest ago."""
        breaker = self._breakers[cause]
        if cause != _namespace(request):
            return breaker.next_at
        refused_at = breaker.pools.get(_pool(request))
        if refused_at is None:
            return breaker.refused_at + FIRST_TRY_S
        before = sum(at < refused_at for at in breaker.pools.values())
        return breaker.next_at + TURN_S * min(before, MOST_TURNS)

    def _said(self, request: Request, cause: str) -> BreakerOpen:
        """What its author is told: what EC2 said of its pool, if it said anything, whatever else it waits for."""
        breaker, pool = self._breakers[cause], self._breakers.get(_pool(request))
        if cause != _namespace(request):
            return BreakerOpen(why=breaker.why, soon=not breaker.refusals)
        refused = pool is not None and pool.refusals > 0
        return BreakerOpen(why=pool.why if pool and refused else breaker.why, soon=not refused)

    def _watch_untried(self, request: Request) -> None:
        """The first Pod that asks for a pool which nobody has had an address of asks for all."""
        if self._is_tried(request):
            return
        for cause in (_pool(request), _namespace(request)):
            self._breakers.setdefault(cause, Breaker(why=_first(request, cause), next_at=self._clock()))

    def _open(self, request: Request) -> dict[str, Breaker]:
        """The causes that concern it. Where the account has an address of the pool, its name is right."""
        tried = self._is_tried(request)
        causes = _causes(request) if tried else (*_causes(request), _namespace(request))
        found = {cause: self._breakers[cause] for cause in causes if cause in self._breakers}
        return {cause: breaker for cause, breaker in found.items() if breaker.refusals or not tried}

    def _is_tried(self, request: Request) -> bool:
        return counts(request.pool) or self._tried(request.pool)


def _spread(uid: PodUid) -> float:
    """From 1 to 2, the same for each Pod."""
    return 1.0 + crc32(uid.encode()) / 2**32


def _is_other(asking: Request | None, request: Request) -> TypeGuard[Request]:
    return asking is not None and asking != request


def _pool(request: Request) -> str:
    return f"pool {request.pool} {request.border_group}"


def _namespace(request: Request) -> str:
    return f"namespace {request.namespace}"


def _denied(request: Request) -> str:
    return f"denied {request.namespace} {request.pool}"


def _causes(request: Request) -> tuple[str, ...]:
    """What may refuse it, but for the other pools of its namespace; the quota is for Amazon's own addresses."""
    quota = (QUOTA,) if counts(request.pool) else ()
    return (*quota, _pool(request), _denied(request))


def _refusing(request: Request, error: PodEipError) -> dict[str, Backoff]:
    """The causes that a refusal counts for, each with its pause."""
    match error:
        case PoolNotFound():
            return {_pool(request): PAUSE, _namespace(request): SHORT_PAUSE}
        case QuotaExceeded(code=code):
            return {_pool(request) if code == _CAPACITY else QUOTA: PAUSE}
        case AccessDenied() if not isinstance(error, NoCredentials):
            return {_denied(request): PAUSE, _namespace(request): SHORT_PAUSE}
        case _:
            return {}


def _why(request: Request, error: PodEipError, cause: str) -> str:
    whose = "of the account" if cause == QUOTA else f"of the public IPv4 pool {quoted(request.pool)}"
    return f"no address {whose} can be had now ({error.explain()}); one Pod of all that wait asks again, now and then"


def _first(request: Request, cause: str) -> str:
    if cause == _pool(request):
        return f"the account has no address of the public IPv4 pool {quoted(request.pool)} yet: one Pod asks for all"
    return "the account has no address of these public IPv4 pools yet: one Pod of the namespace asks at a time"
