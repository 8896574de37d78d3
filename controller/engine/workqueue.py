"""Which Pods to look at next, and when: the field's workqueue, with delays, without duplicates, and with a backoff.

A key is in it once, at its earliest time. Whoever adds a key wakes the loop; what gathers while a tick runs is the
next tick's batch, so batching needs no timer. It counts how often a key failed, until that is forgotten.
"""

import heapq
import random
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from controller.core.measures import NO_MEASURES, Duration, Event, Measures
from controller.core.ports import Clock
from controller.engine.plain import Plain
from state.backoff import Backoff
from state.model import PodUid

BACKOFF = Backoff(base_s=0.5, cap_s=30.0, sure=0.5)


@dataclass(slots=True, kw_only=True)
class Keys(Plain):
    """What is in a workqueue. `held`: due, but busy. `failures`: how often a key failed in a row."""

    due: dict[PodUid, float] = field(default_factory=dict)
    heap: list[tuple[float, PodUid]] = field(default_factory=list)
    held: set[PodUid] = field(default_factory=set)
    failures: dict[PodUid, int] = field(default_factory=dict)
    poked: bool = False


class Workqueue:
    """Thread-safe; times are monotonic seconds of the clock that is given. `chance` gives numbers from [0, 1)."""

    def __init__(
        self,
        clock: Clock,
        chance: Callable[[], float] = random.random,
        keys: Keys | None = None,
        measures: Measures = NO_MEASURES,
    ) -> None:
        self._clock, self._chance, self._measures = clock, chance, measures
        self.keys = keys or Keys()
        self._changed = threading.Condition()

    def add(self, uids: Iterable[PodUid], after_s: float = 0.0) -> None:
        """Look at these Pods `after_s` seconds from now, or earlier if they are due earlier already."""
        when = self._clock() + after_s
        with self._changed:
            for uid in uids:
                if self.keys.due.get(uid, when + 1) > when:
                    self.keys.due[uid] = when
                    heapq.heappush(self.keys.heap, (when, uid))
            self._changed.notify_all()

    def due(self, uid: PodUid) -> float | None:
        """When the Pod is looked at next (monotonic); None: it is not in the queue."""
        return self.keys.due.get(uid)

    # ── what failed ──

    def add_after_failure(self, uid: PodUid, times: float = 1.0) -> None:
        """The Pod failed: look at it after a pause that doubles with each failure (so many times that), for ever."""
        self.add([uid], times * BACKOFF.after(self.failures(uid), self._chance()))
        self._measures.count(Event.RETRIED)
        self.failed(uid)

    def failed(self, uid: PodUid) -> None:
        """Count a failure."""
        self.keys.failures[uid] = self.failures(uid) + 1

    def failures(self, uid: PodUid) -> int:
        """How often the Pod has failed in a row."""
        return self.keys.failures.get(uid, 0)

    def forget(self, uid: PodUid) -> None:
        """The Pod failed no more, or is done with: its next failure is the first."""
        self.keys.failures.pop(uid, None)

    def forget_all(self, but: Collection[PodUid] = ()) -> list[PodUid]:
        """Forget how often Pods failed, but of these; who they are."""
        failing = [uid for uid in list(self.keys.failures) if uid not in but]
        for uid in failing:
            self.forget(uid)
        return failing

    # ── for the loop ──

    def poke(self) -> None:
        """Wake the loop without a key: something else has changed."""
        with self._changed:
            self.keys.poked = True
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> None:
        """Return when a key is due, on a poke, or after `timeout_s`."""
        end = self._clock() + timeout_s
        with self._changed:
            while not self.keys.poked:
                now = self._clock()
                due = self.keys.heap[0][0] if self.keys.heap else end
                left = min(due, end) - now
                if left <= 0:
                    break
                self._changed.wait(left)
            self.keys.poked = False

    def take(self, busy: Collection[PodUid] = ()) -> set[PodUid]:
        """Remove and return the keys that are due; `busy` ones are held back until they are freed."""
        now, keys = self._clock(), self.keys
        taken: dict[PodUid, float] = {}
        with self._changed:
            while keys.heap and keys.heap[0][0] <= now:
                when, uid = heapq.heappop(keys.heap)
                if keys.due.get(uid) != when:
                    continue
                del keys.due[uid]
                if uid in busy:
                    keys.held.add(uid)
                else:
                    taken[uid] = now - when
        for seconds in taken.values():
            self._measures.time(Duration.QUEUED, seconds)
        return set(taken)

    def free(self, uid: PodUid) -> None:
        """This key is not busy any more: if it was held back, it is due now."""
        if uid in self.keys.held:
            self.keys.held.discard(uid)
            self.add([uid])

    def clear(self) -> None:
        """Forget every key: leadership is over."""
        with self._changed:
            for gone in (self.keys.due, self.keys.heap, self.keys.held, self.keys.failures):
                gone.clear()

    def __len__(self) -> int:
        return len(self.keys.due)
