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
class Brake(Plain):
    """One cause: how often it refused in a row, why, when the next may ask, and who asks now."""

    why: str
    refusals: int = 0
    next_at: float = 0.0
    asking: PodUid | None = None


class Brakes:
    """One term's brakes; used by the loop's thread alone. Causes are the account's quota, and each public pool."""

    def __init__(self, clock: Clock, brakes: dict[str, Brake]) -> None:
        self._clock, self._brakes = clock, brakes

    def holds(self, uid: PodUid, pool: str, acts: Callable[[PodUid], bool]) -> str:
        """Why this Pod may not allocate from this pool now; empty: it may, if need be as the one that asks for all.

        `acts`: whether a Pod has a plan on its way, or waits for a token. If the one that asks does neither, another
        may ask.
        """
        causes = [brake for cause in (QUOTA, pool) if (brake := self._brakes.get(cause)) is not None]
        for brake in causes:
            asked_by_other = brake.asking is not None and brake.asking != uid and acts(brake.asking)
            if asked_by_other or (brake.asking != uid and self._clock() < brake.next_at):
                return brake.why
        for brake in causes:
            brake.asking = uid
        return ""

    def refused(self, uid: PodUid, pool: str, error: PodEipError) -> None:
        """EC2 refused this Pod an address of this pool."""
        cause = _cause(pool, error)
        if cause is None:
            return
        brake = self._brakes.setdefault(cause, Brake(why=_why(pool, error)))
        if brake.asking == uid:
            brake.asking = None
        if self._clock() >= brake.next_at:  # the calls that were on their way together count as one
            pause = PAUSE.after(brake.refusals)
            brake.refusals, brake.next_at = brake.refusals + 1, self._clock() + pause

    def served(self, pool: str) -> bool:
        """EC2 allocated an address of this pool: its brake ends. Returns whether there was one."""
        return bool([self._brakes.pop(cause) for cause in (QUOTA, pool) if cause in self._brakes])

    def freed(self) -> bool:
        """An address was released, so the quota has room for one. Returns whether a Pod waited for that."""
        brake = self._brakes.get(QUOTA)
        if brake is not None:
            brake.next_at = self._clock()
        return brake is not None

    def due_in(self, pool: str) -> float:
        """Seconds until a Pod may ask for an address of this pool."""
        dues = [self._brakes[cause].next_at for cause in (QUOTA, pool) if cause in self._brakes]
        return max([0.1, *(due - self._clock() for due in dues)])


def _cause(pool: str, error: PodEipError) -> str | None:
    """The cause that a refusal counts for: the account for a quota, the pool where it is empty or does not exist."""
    if isinstance(error, PoolNotFound) or (isinstance(error, QuotaExceeded) and error.code == _CAPACITY):
        return pool
    return QUOTA if isinstance(error, QuotaExceeded) else None


def _why(pool: str, error: PodEipError) -> str:
    whose = "of the account" if _cause(pool, error) == QUOTA else f"of the public IPv4 pool {quoted(pool)}"
    return f"no address {whose} can be had now ({error.explain()}); one Pod of all that wait asks again, now and then"
