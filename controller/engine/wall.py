"""The engine's times as people read them: it counts monotonic seconds, the status document shows RFC 3339.

Two readings of two clocks are never taken at one moment. So the difference between the clocks is kept until it has
really changed (somebody set the wall clock): the same monotonic time is shown as the same second each time.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from controller.core.ports import Clock

MOVED_S = 1.0


class WallClock:
    """Turns monotonic times into text. To be shown only, never compared."""

    def __init__(self, clock: Clock, wall: Callable[[], float] = time.time) -> None:
        self._clock, self._wall = clock, wall
        self._ahead_s = wall() - clock()

    def text(self, at: float) -> str:
        """This monotonic time as RFC 3339 in UTC, to the second."""
        ahead_s = self._wall() - self._clock()
        if abs(ahead_s - self._ahead_s) > MOVED_S:
            self._ahead_s = ahead_s
        return moment(at + self._ahead_s)

    def now(self) -> str:
        """The wall clock's time."""
        return moment(self._wall())


def moment(seconds: float) -> str:
    """Seconds since the epoch of Unix as RFC 3339 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
