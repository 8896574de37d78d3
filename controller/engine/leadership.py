"""Whether this process may still send mutations: the deadline, checked as the last thing before each.

The election writes the deadline, every thread that sends a mutation reads it. It is apart from the election, so that it
passes by itself when the election's thread hangs or is dead.
"""

import threading
from collections.abc import Callable

from controller.core.ports import Clock
from controller.core.views import Term
from state.errors import NotLeading
from state.model import Epoch

_NEVER = float("-inf")


class Leadership:
    """The Guard of all mutations. A term opens, is extended by renewals, and ends; after `close` none opens again."""

    def __init__(self, clock: Clock, call_timeout: float) -> None:
        self._clock = clock
        self._call_timeout = call_timeout
        self._lock = threading.Lock()
        self._term: Term | None = None
        self._deadline = _NEVER
        self._fenced_at = _NEVER
        self._closing = False
        self._on_fence: Callable[[], None] = lambda: None

    @property
    def term(self) -> Term | None:
        """The open term. It may be past its deadline: ask `check` before acting on it."""
        with self._lock:
            return self._term

    @property
    def deadline(self) -> float:
        """Monotonic; no mutation may be under way after it."""
        with self._lock:
            return self._deadline

    @property
    def fenced_at(self) -> float:
        """When the last term was fenced (monotonic)."""
        with self._lock:
            return self._fenced_at

    @property
    def closing(self) -> bool:
        """Whether `close` was called: nothing new may start any more."""
        with self._lock:
            return self._closing

    def check(self) -> None:
        """Raise NotLeading unless a call that starts now ends, at its time limit, before the deadline."""
        if self.closing:
            raise NotLeading("this replica is shutting down")
        self.check_conclusion()

    def check_conclusion(self) -> None:
        """The same check for recording what was done already: it passes after `close` too."""
        with self._lock:
            if self._term is None:
                raise NotLeading("this replica does not lead")
            left = self._deadline - self._clock()
        if left < self._call_timeout:
            raise NotLeading(f"{left:.1f} s are left of this replica's leadership, a call may take longer")

    def fence(self, epoch: Epoch) -> None:
        """A newer epoch than this exists: if it is the current term's, the deadline is now."""
        with self._lock:
            if self._term is None or self._term.epoch != epoch:
                return
            self._fenced_at = self._clock()
            self._end()
        self._on_fence()

    def close(self) -> None:
        """Nothing new starts from now on; what is in flight may finish."""
        with self._lock:
            self._closing = True

    def on_fence(self, wake: Callable[[], None]) -> None:
        """Have `wake` called, from the thread that was fenced, whenever a term is fenced."""
        self._on_fence = wake

    def open(self, term: Term, deadline: float) -> None:
        """Start a term; after `close` this has no effect on the Guard."""
        with self._lock:
            self._term, self._deadline = term, deadline

    def extend(self, deadline: float) -> None:
        """A renewal succeeded: the open term's deadline moves, never backwards and never for an ended term."""
        with self._lock:
            if self._term is not None:
                self._deadline = max(self._deadline, deadline)

    def end(self) -> None:
        """The term is over: the deadline is now."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        self._term = None
        self._deadline = min(self._deadline, self._clock())
