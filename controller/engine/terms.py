"""Begins and ends terms on a thread of its own, so that a slow DynamoDB never holds up a renewal of the Lease.

One thread, one job at a time, in order: `on_stopped` of one term always comes before `begin_term` of the next.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from controller.core.candidacy import EndReason
from controller.core.views import Term
from state.errors import PodEipError
from state.model import Epoch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TermCallbacks:
    """What a term means to the rest of the program. `begin_term` raises the epoch above the Lease's and returns it;
    it and `on_started` may raise PodEipError: then the Lease is released for somebody else."""

    begin_term: Callable[[int], Epoch]
    on_started: Callable[[Term], None]
    on_stopped: Callable[[EndReason], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginOutcome:
    """How an attempt to begin ended; no epoch: it failed."""

    attempt: int
    epoch: Epoch | None = None


class TermRunner:
    """Runs the callbacks. Outcomes are queued in `outcomes`, and `wake` is called for each."""

    def __init__(
        self, callbacks: TermCallbacks, wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.outcomes: queue.SimpleQueue[BeginOutcome] = queue.SimpleQueue()
        self.failures = 0
        self._callbacks = callbacks
        self._wake, self._clock = wake, clock
        self._asked: deque[float] = deque()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._begun = threading.Event()
        self._begun.set()
        self._thread = threading.Thread(target=self._run, name="terms", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def begin(self, attempt: int, epoch: int) -> None:
        """Raise the epoch above this one; the outcome is queued."""
        self._begun.clear()
        self._asked.append(self._clock())
        self._jobs.put(lambda: self._begin(attempt, epoch))

    def started(self, attempt: int, term: Term) -> None:
        """Tell that the term is open; should that fail, a failed outcome is queued."""
        self._jobs.put(lambda: self._attempt(attempt, lambda: self._callbacks.on_started(term)))

    def stopped(self, reason: EndReason) -> None:
        """Tell that the term is over."""
        self._jobs.put(lambda: self._callbacks.on_stopped(reason))

    def finish(self) -> None:
        """End the thread once its jobs are done."""
        self._jobs.put(None)

    def idle(self, timeout_s: float) -> bool:
        """Wait until no epoch is being raised."""
        return self._begun.wait(timeout_s)

    def join(self, timeout_s: float) -> None:
        """Wait for the thread's end."""
        self._thread.join(timeout_s)

    def beginning_s(self) -> float:
        """Seconds for which an epoch is being raised, also for an attempt that was given up; 0: none is."""
        asked = next(iter(tuple(self._asked)), None)
        return 0.0 if asked is None else self._clock() - asked

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:  # the thread's top: one failed callback must not end all later terms
                self.failures += 1
                log.exception("a callback of the election failed")

    def _begin(self, attempt: int, epoch: int) -> None:
        def raise_epoch() -> None:
            self._report(BeginOutcome(attempt=attempt, epoch=self._callbacks.begin_term(epoch)))

        try:
            self._attempt(attempt, raise_epoch)
        finally:
            self._asked.popleft()
            self._begun.set()

    def _attempt(self, attempt: int, act: Callable[[], None]) -> None:
        """Run one attempt; whatever it raises becomes a failed outcome."""
        done = False
        try:
            act()
            done = True
        except PodEipError as error:
            log.warning("cannot lead: %s", error.explain())
        finally:
            if not done:
                self._report(BeginOutcome(attempt=attempt))

    def _report(self, outcome: BeginOutcome) -> None:
        self.outcomes.put(outcome)
        self._wake()
