"""The clock of a replica: all its parts must count by the same, for they compare each other's times."""

import time


def _boottime() -> float:
    """Seconds since the boot, suspensions included: a machine that was suspended must not believe its old deadline."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


CLOCK = _boottime if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic
