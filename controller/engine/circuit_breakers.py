"""After a refusal that holds for all Pods, one Pod asks at a growing interval instead of each by itself.

An account over its quota refuses every AllocateAddress. A public pool that does not exist or is empty refuses every one
from it. Calls for hundreds of Pods would use up the account's token bucket, which others need, and bring nothing new.
So after such a refusal one Pod asks at a time; once one is served, all others may ask.
"""

from collections.abc import Callable
from dataclasses import dataclass

from controller.core.contract import quoted
from controller.core.ports import Clock
from controller.engine.plain import Plain
from state.backoff import Backoff
from state.errors import PodEipError, PoolNotFound, QuotaExceeded
from state.model import PodUid

PAUSE = Backoff(base_s=2.0, cap_s=60.0)
QUOTA = "quota"
_CAPACITY = "InsufficientAddressCapacity"


@dataclass(slots=True)
class Breaker(Plain):
    """One cause: how often it refused in a row, why, when the next may ask, and who asks now."""

    why: str
    refusals: int = 0
    next_at: float = 0.0
    asking: PodUid | None = None


class CircuitBreakers:
    """Those of one term; used by the loop's thread alone. Causes are the account's quota, and each public pool."""

    def __init__(self, clock: Clock, breakers: dict[str, Breaker]) -> None:
        self._clock, self._breakers = clock, breakers

    def holds(self, uid: PodUid, pool: str, acts: Callable[[PodUid], bool]) -> str:
        """Why this Pod may not allocate from this pool now; empty: it may, if need be as the one that asks for all.

        `acts`: whether a Pod has a plan on its way, or waits for a token. If the one that asks does neither, another
        may ask.
        """
        causes = [breaker for cause in (QUOTA, pool) if (breaker := self._breakers.get(cause)) is not None]
        for breaker in causes:
            asked_by_other = breaker.asking is not None and breaker.asking != uid and acts(breaker.asking)
            if asked_by_other or (breaker.asking != uid and self._clock() < breaker.next_at):
                return breaker.why
        for breaker in causes:
            breaker.asking = uid
        return ""

    def refused(self, uid: PodUid, pool: str, error: PodEipError) -> None:
        """EC2 refused this Pod an address of this pool."""
        cause = _cause(pool, error)
        if cause is None:
            return
        breaker = self._breakers.setdefault(cause, Breaker(why=_why(pool, error)))
        if breaker.asking == uid:
            breaker.asking = None
        if self._clock() >= breaker.next_at:  # the calls that were on their way together count as one
            pause = PAUSE.after(breaker.refusals)
            breaker.refusals, breaker.next_at = breaker.refusals + 1, self._clock() + pause

    def served(self, pool: str) -> bool:
        """EC2 allocated an address of this pool: its breaker closes. Returns whether there was one."""
        return bool([self._breakers.pop(cause) for cause in (QUOTA, pool) if cause in self._breakers])

    def freed(self) -> bool:
        """An address was released, so the quota has room for one. Returns whether a Pod waited for that."""
        breaker = self._breakers.get(QUOTA)
        if breaker is not None:
            breaker.next_at = self._clock()
        return breaker is not None

    def due_in(self, pool: str) -> float:
        """Seconds until a Pod may ask for an address of this pool."""
        dues = [self._breakers[cause].next_at for cause in (QUOTA, pool) if cause in self._breakers]
        return max([0.1, *(due - self._clock() for due in dues)])


def _cause(pool: str, error: PodEipError) -> str | None:
    """The cause that a refusal counts for: the account for a quota, the pool where it is empty or does not exist."""
    if isinstance(error, PoolNotFound) or (isinstance(error, QuotaExceeded) and error.code == _CAPACITY):
        return pool
    return QUOTA if isinstance(error, QuotaExceeded) else None


def _why(pool: str, error: PodEipError) -> str:
    whose = "of the account" if _cause(pool, error) == QUOTA else f"of the public IPv4 pool {quoted(pool)}"
    return f"no address {whose} can be had now ({error.explain()}); one Pod of all that wait asks again, now and then"
