"""Which Pods to look at next, and when: the field's workqueue, with delays and without duplicates.

A key is in it once, at its earliest time. Whoever adds a key wakes the loop; what gathers while a tick runs is the
next tick's batch, so batching needs no timer.
"""

import heapq
import threading
from collections.abc import Collection, Iterable

from controller.core.ports import Clock
from state.model import PodUid


class Workqueue:
    """Thread-safe; times are monotonic seconds of the clock that is given."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[PodUid, float] = {}
        self._heap: list[tuple[float, PodUid]] = []
        self._held: set[PodUid] = set()
        self._changed = threading.Condition()
        self._poked = False

    def add(self, uids: Iterable[PodUid], after_s: float = 0.0) -> None:
        """Look at these Pods `after_s` seconds from now, or earlier if they are due earlier already."""
        when = self._clock() + after_s
        with self._changed:
            for uid in uids:
                if self._due.get(uid, when + 1) > when:
                    self._due[uid] = when
                    heapq.heappush(self._heap, (when, uid))
            self._changed.notify_all()

    def poke(self) -> None:
        """Wake the loop without a key: something else has changed."""
        with self._changed:
            self._poked = True
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Return when a key is due, on a poke, or after `timeout_s`."""
        end = self._clock() + timeout_s
        with self._changed:
            while not self._poked:
                now = self._clock()
                due = self._heap[0][0] if self._heap else end
                left = min(due, end) - now
                if left <= 0:
                    break
                self._changed.wait(left)
            self._poked = False

    def take(self, busy: Collection[PodUid] = ()) -> set[PodUid]:
        """Remove and return the keys that are due; `busy` ones are held back until they are freed."""
        now = self._clock()
        taken: set[PodUid] = set()
        with self._changed:
            while self._heap and self._heap[0][0] <= now:
                when, uid = heapq.heappop(self._heap)
                if self._due.get(uid) != when:
                    continue
                del self._due[uid]
                (self._held if uid in busy else taken).add(uid)
        return taken

    def free(self, uid: PodUid) -> None:
        """This key is not busy any more: if it was held back, it is due now."""
        if uid in self._held:
            self._held.discard(uid)
            self.add([uid])

    def clear(self) -> None:
        """Forget every key: leadership is over."""
        with self._changed:
            self._due.clear()
            self._heap.clear()
            self._held.clear()

    def __len__(self) -> int:
        return len(self._due)
