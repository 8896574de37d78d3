"""Where the simulation gets its time, so that a test can hold it still.

Monotonic seconds order and measure; wall-clock seconds are only for people and for joining logs of several processes.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Time, in seconds."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        ...

    def wall(self) -> float:
        """Seconds since the Unix epoch."""
        ...

    def sleep(self, seconds: float) -> None:
        """Returns so many seconds later."""
        ...


class SystemClock:
    """The machine's own time; its monotonic clock is the same for every process of the machine."""

    def monotonic(self) -> float:
        """Seconds since the machine started."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread."""
        if seconds > 0:
            time.sleep(seconds)
