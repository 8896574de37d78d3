"""The only thread that writes, and its queue.

The changes that are queued while a transaction is on its way are the next group. So an idle ledger writes at once, and
a busy one in groups of up to 100 items, without a timer. A key occurs only once in a transaction, which DynamoDB would
refuse otherwise. So a second change of an item waits for the next group, and so do changes that must follow it.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from state.connection import Key
from state.errors import Fenced, NotLeading, PodEipError, Unavailable
from state.group import again
from state.operations import Entry
from state.transaction import LIMIT, WriteTerm

log = logging.getLogger(__name__)

Commit = Callable[[WriteTerm, Sequence[Entry]], None]


def gather(queue: deque[Entry]) -> list[Entry]:
    """Take the next group from the queue: in order, no key twice, 99 items at most (the fence is the hundredth)."""
    group: list[Entry] = []
    later: list[Entry] = []
    seen: set[Key] = set()
    room = LIMIT - 1
    while queue and room >= len(queue[0].operations):
        entry = queue.popleft()
        if seen & entry.keys:
            later.append(entry)
        else:
            group.append(entry)
            room -= len(entry.operations)
        seen |= entry.keys
    queue.extendleft(reversed(later))
    return group


class Writer:
    """Takes changes while a term is open and hands them, in groups, to `commit` in a thread of its own."""

    def __init__(self, commit: Commit, *, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._commit, self._name, self._clock = commit, name, clock
        self._state = threading.Condition()
        self._queue: deque[Entry] = deque()
        self._term: WriteTerm | None = None
        self._busy = False
        self._busy_since = 0.0
        self._closed = False
        self._thread: threading.Thread | None = None

    def open(self, term: WriteTerm) -> None:
        """Take changes from now on. The thread is started here, so after a fork. The last term must have ended."""
        with self._state:
            self._term = term
            if self._thread is None:
                self._closed = False
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def submit(self, entry: Entry) -> None:
        """Queue a change. Raises NotLeading outside of a term, and Fenced once its epoch has passed."""
        with self._state:
            refusal = self._refusal()
            if refusal:
                raise refusal
            entry.queued_at = self._clock()
            self._queue.append(entry)
            self._state.notify_all()

    def queued(self) -> int:
        """How many changes wait for the next group."""
        with self._state:
            return len(self._queue)

    def waiting_s(self) -> float:
        """Seconds for which the oldest change has waited for its answer, on its way or in the queue; 0: there is none.

        A change that is still on its way when its term ends counts too: until it is answered, no other can be written.
        """
        with self._state:
            since = [self._busy_since] if self._busy else []
            since += [self._queue[0].queued_at] if self._queue else []
            return self._clock() - min(since) if since else 0.0

    def _refusal(self) -> PodEipError | None:
        if self._term is None:
            return NotLeading("This replica does not lead, so it writes nothing to the ledger")
        if self._term.fenced:
            return Fenced(f"Epoch {self._term.epoch} has passed; a new one is needed to write")
        return None

    def end(self, limit_s: float) -> bool:
        """End the term: fail what is queued with NotLeading, and wait for what is on its way; False: it still is."""
        with self._state:
            if self._term is not None:
                self._term.ended.set()
                self._term = None
            self._drain(NotLeading("The term of leadership ended before this was written"))
            if threading.current_thread() is self._thread:
                return False
            return self._state.wait_for(lambda: not self._busy, limit_s)

    def close(self, limit_s: float) -> None:
        """End the term and the thread."""
        self.end(limit_s)
        with self._state:
            self._closed = True
            thread, self._thread = self._thread, None
            self._state.notify_all()
        if thread is not None and thread is not threading.current_thread():
            thread.join(limit_s)

    def _drain(self, error: PodEipError) -> None:
        while self._queue:
            self._queue.popleft().result.set_exception(again(error))

    def _run(self) -> None:
        while (work := self._next()) is not None:
            term, group = work
            try:
                self._commit(term, group)
            except Exception:
                log.exception("the ledger's writer failed on a group of %d", len(group))
            self._done(term, group)

    def _next(self) -> tuple[WriteTerm, list[Entry]] | None:
        with self._state:
            self._state.wait_for(lambda: self._closed or (self._term is not None and self._queue))
            if self._closed or self._term is None:
                return None
            self._busy = True
            self._busy_since = self._queue[0].queued_at
            return self._term, gather(self._queue)

    def _done(self, term: WriteTerm, group: Sequence[Entry]) -> None:
        """Answer every entry that has no answer yet, so that no caller waits."""
        for entry in group:
            if not entry.result.done():
                entry.result.set_exception(Unavailable("It is not known whether this was written", code="Internal"))
        with self._state:
            self._busy = False
            if term.fenced and term is self._term:
                self._drain(Fenced(f"Epoch {term.epoch} has passed before this was sent"))
            self._state.notify_all()
