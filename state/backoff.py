"""How long to wait before the next try: one formula for the whole program.

It stands in the lowest layer, for all use it: the ledger, the adapters, the election and the engine. It is pure: chance
is handed in by who calls.
"""

from dataclasses import dataclass
from math import inf

_MOST_DOUBLINGS = 60  # more than any cap allows, and a float still holds it


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """A pause that doubles with each failure, from `base_s` up to `cap_s` seconds.

    sure: the share of it that is never left to chance; 1: all of it, 0: none ("full jitter").
    """

    base_s: float
    cap_s: float = inf
    sure: float = 1.0

    def after(self, failures: int, chance: float = 1.0) -> float:
        """Seconds to wait, with `base_s` doubled so many times; `chance` is from [0, 1)."""
        whole = min(self.cap_s, self.base_s * 2.0 ** min(failures, _MOST_DOUBLINGS))
        return whole * (self.sure + (1.0 - self.sure) * chance)
