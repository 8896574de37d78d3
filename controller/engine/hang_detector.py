"""Watches how long the parts of a replica wait for APIs: a part that hangs must be shown, not look idle."""

from collections.abc import Callable
from dataclasses import dataclass

from controller.core import hangs
from controller.core.hangs import Bounds, Waits


def writer_bound_s(call_timeout_s: float) -> float:
    """Seconds from which the ledger's writer counts as hanging: twice the longest time that a change can take.

    A change waits for the group before it and for its own. Each group is tried for two calls' time, and takes one more
    to be sent and one to be read back."""
    return 2 * 2 * (2 + 1 + 1) * call_timeout_s


@dataclass(frozen=True, slots=True, kw_only=True)
class HangDetector:
    """Asks each part how long it has waited, in seconds; none of them blocks. Thread-safe.

    `watch_limit_s`: how long nothing may be heard of Pods while all is well.
    """

    watch: Callable[[], float]
    watch_limit_s: float
    writer: Callable[[], float]
    term: Callable[[], float]
    credentials: Callable[[], float | None]
    call_timeout_s: float
    lease_duration_s: float

    def waits(self) -> Waits:
        """How long each part waits now."""
        return Waits(
            watch_silent_s=round(self.watch(), 1),
            writer_waiting_s=round(self.writer(), 1),
            term_beginning_s=round(self.term(), 1),
            credentials_expire_s=self.credentials(),
        )

    def overdue(self) -> str:
        """What hangs, in words; empty if nothing does."""
        return hangs.overdue(self.waits(), self._bounds())

    def _bounds(self) -> Bounds:
        return Bounds(
            watch_silent_s=2 * self.watch_limit_s,
            writer_waiting_s=writer_bound_s(self.call_timeout_s),
            term_beginning_s=2 * self.lease_duration_s,
        )
