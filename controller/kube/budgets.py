"""How many events a Pod may have: a Pod that flaps must not cost the API server a call each time.

The numbers are those of client-go's spam filter: 25 at once, then one each 5 minutes.
"""

from collections import OrderedDict

from controller.core.ports import Clock

BURST = 25
REFILL_S = 300.0
REMEMBERED = 4_096


class Budgets:
    """A bucket of tokens for each Pod. The buckets used longest ago are forgotten; a forgotten bucket is full again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, uid: str) -> bool:
        """Take one of this Pod's tokens; False: it has none left. Not thread-safe."""
        now = self._clock()
        spent, at = self._spent.get(uid, (0.0, now))
        spent = max(0.0, spent - (now - at) / REFILL_S)
        allowed = spent + 1.0 <= BURST
        self._spent[uid] = (spent + allowed, now)
        self._spent.move_to_end(uid)
        if len(self._spent) > REMEMBERED:
            self._spent.popitem(last=False)
        return allowed

    def __len__(self) -> int:
        """How many Pods are remembered."""
        return len(self._spent)
