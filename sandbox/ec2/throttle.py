"""Request throttling: one token bucket for each API, per account and Region.

A call takes a token or is refused; a refused call costs none. Buckets start full and fill by the clock, so a burst of
the capacity passes and then the refill rate holds. Source: "Request throttling for the Amazon EC2 API".
"""

import threading
from collections.abc import Mapping

from sandbox.ec2.settings import Bucket


class Throttle:
    """Counts tokens by key; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def admit(self, key: str, buckets: Mapping[str, Bucket], now: float) -> bool:
        """Takes a token of this key's bucket if there is one; a key without a bucket is always admitted."""
        bucket = buckets.get(key)
        if bucket is None:
            return True
        with self._lock:
            level, at = self._levels.get(key, (bucket.capacity, now))
            level = min(bucket.capacity, level + (now - at) * bucket.refill_per_s)
            admitted = level >= 1
            self._levels[key] = (level - 1 if admitted else level, now)
            return admitted

    def refill(self) -> None:
        """Fills every bucket."""
        with self._lock:
            self._levels.clear()
