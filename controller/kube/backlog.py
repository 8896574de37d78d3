"""The events that wait to be sent, in turn by namespace: many events of one must not drop or delay another's.

An event that is emitted again while it waits is counted, and takes no more room. A namespace has room for a part of the
whole only. When the whole is full, the newest event of the namespace with the most waiting events is dropped.
"""

import contextvars
import heapq
import itertools
import threading
from collections import Counter as Tally
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from controller.core.ports import Clock
from controller.kube.budgets import Budgets
from controller.kube.eventapi import Said

CAPACITY = 4_000
IN_NAMESPACE = 1_000
REMEMBERED = 8_000


class Dropped(StrEnum):
    """Why an event was dropped: the Pod's budget, its namespace's room, the whole room, or the API server's refusal."""

    POD = "pod"
    NAMESPACE = "namespace"
    FULL = "full"
    REFUSED = "refused"


@dataclass(slots=True)
class Series:
    """One event. `told`: its count at the API server (0: unknown); `untold`: the count that has gathered here since.

    `ticket`: its place in the queue; 0: it is in none. `sending`: it is being sent just now.
    `context`: of whoever emitted it, so that the call belongs to the trace of its Pod; None once it was sent.
    """

    first: str
    last: str
    told: int = 0
    untold: int = 0
    next_send: float = 0.0
    ticket: int = 0
    sending: bool = False
    context: contextvars.Context | None = None


class Backlog:
    """A bounded queue of events, fair by namespace. Thread-safe; `take` is for one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock, self._budgets = clock, Budgets(clock)
        self._state = threading.Condition()
        self._series: OrderedDict[Said, Series] = OrderedDict()
        self._waiting: dict[str, OrderedDict[Said, None]] = {}
        self._ready: OrderedDict[str, OrderedDict[Said, None]] = OrderedDict()
        self._later: list[tuple[float, int, Said]] = []
        self._tickets = itertools.count(1)
        self._size = 0
        self._closed = False
        self._dropped: Tally[str] = Tally()

    def __len__(self) -> int:
        """How many events are remembered: those that wait, and those that were told lately."""
        with self._state:
            return len(self._series)

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many were dropped, by `Dropped`."""
        with self._state:
            return dict(self._dropped)

    def add(self, said: Said, at: str) -> Dropped | None:
        """Queue an event. Never waits. Returns why an event was dropped, this one or another; None: none was."""
        with self._state:
            self._state.notify()
            series = self._series.get(said)
            if series is not None and (series.ticket or series.sending):
                series.untold, series.last = series.untold + 1, at
                return None
            why = self._refusal(said)
            if why is None or (why is Dropped.FULL and self._make_room(said.namespace)):
                self._note(said, at)
            if why is not None:
                self._dropped[why] += 1
            return why

    def take(self) -> tuple[Said, Series] | None:
        """Wait for the next event that is due, in turn by namespace; None: closed, and empty.

        Once closed, events are not waited for until they are due. The caller must call `done` afterwards.
        """
        with self._state:
            while True:
                self._ripen()
                if self._ready:
                    return self._next()
                if self._closed:
                    return None
                self._state.wait(max(self._later[0][0] - self._clock(), 0.0) if self._later else None)

    def done(self, said: Said, *, told: int, counted: int, next_send: float) -> None:
        """The event's count at the server was raised by `counted` to `told`; it waits again if more has gathered.

        Once closed, only after a success: an API server that is down is not asked again and again at the end.
        """
        with self._state:
            series = self._series[said]
            series.sending, series.told, series.next_send = False, told, next_send
            series.untold -= counted
            if series.untold and (counted or not self._closed):
                self._enqueue(said, series)
            self._forget_some()

    def refused(self, said: Said, *, next_send: float) -> None:
        """The API server will never accept it: drop what has gathered."""
        with self._state:
            series = self._series[said]
            series.sending, series.told, series.untold, series.next_send = False, 0, 0, next_send
            self._dropped[Dropped.REFUSED] += 1

    def close(self) -> None:
        """From now on do not wait until events are due."""
        with self._state:
            self._closed = True
            self._state.notify_all()

    def _refusal(self, said: Said) -> Dropped | None:
        if not self._budgets.spend(said.uid):
            return Dropped.POD
        if len(self._waiting.get(said.namespace, ())) >= IN_NAMESPACE:
            return Dropped.NAMESPACE
        return Dropped.FULL if self._size >= CAPACITY else None

    def _make_room(self, namespace: str) -> bool:
        """Drop the newest event of the namespace that has most, unless that is the one that asks."""
        largest = max(self._waiting, key=lambda name: len(self._waiting[name]))
        if len(self._waiting[largest]) <= len(self._waiting.get(namespace, ())) + 1:
            return False
        newest = next(reversed(self._waiting[largest]))
        self._leave(newest)
        del self._series[newest]
        return True

    def _note(self, said: Said, at: str) -> None:
        series = self._series.setdefault(said, Series(first=at, last=at))
        self._series.move_to_end(said)
        series.untold, series.last = series.untold + 1, at
        series.context = contextvars.copy_context()
        self._enqueue(said, series)
        self._forget_some()

    def _enqueue(self, said: Said, series: Series) -> None:
        series.ticket = next(self._tickets)
        self._waiting.setdefault(said.namespace, OrderedDict())[said] = None
        self._size += 1
        heapq.heappush(self._later, (series.next_send, series.ticket, said))

    def _leave(self, said: Said) -> None:
        self._series[said].ticket = 0
        self._size -= 1
        for lines in (self._waiting, self._ready):
            line = lines.get(said.namespace)
            if line is not None:
                line.pop(said, None)
                if not line:
                    del lines[said.namespace]

    def _ripen(self) -> None:
        """Move the events that are due into their namespaces' queues; entries with an outdated ticket are skipped."""
        while self._later and (self._closed or self._later[0][0] <= self._clock()):
            _, ticket, said = heapq.heappop(self._later)
            series = self._series.get(said)
            if series is not None and series.ticket == ticket:
                self._ready.setdefault(said.namespace, OrderedDict())[said] = None

    def _next(self) -> tuple[Said, Series]:
        namespace, line = next(iter(self._ready.items()))
        said = next(iter(line))
        self._ready.move_to_end(namespace)
        self._leave(said)
        series = self._series[said]
        series.sending = True
        return said, series

    def _forget_some(self) -> None:
        """Forget the oldest that do not wait; if such an event comes again, its count is read from the API server."""
        while len(self._series) > REMEMBERED:
            idle = (said for said, series in self._series.items() if not (series.ticket or series.sending))
            self._series.pop(next(idle), None)
