"""Runs the election: reads and writes the Lease as `core.election` decides, and opens and ends our terms.

The decision is pure, in `core.election`; here are the thread, the calls and their outcomes. If this thread hangs or
dies, the deadline passes and nothing is changed any more: `Leadership` does not depend on it.
"""

import datetime
import logging
import queue
import random
import threading
from collections.abc import Callable
from dataclasses import replace

from controller.core import candidacy
from controller.core.candidacy import EndReason, Stage, Timings, View
from controller.core.election import (
    Acquire,
    Begin,
    Decision,
    Follow,
    Hold,
    Look,
    ReleaseLease,
    Renew,
    Resign,
    released,
    step,
)
from controller.core.lease import Lease, LeaseStore
from controller.core.ports import Clock
from controller.core.views import Term
from controller.engine.leadership import Leadership
from controller.engine.lease_watch import LeaseWatch
from controller.engine.terms import TermCallbacks, TermRunner
from state.errors import ObjectConflict, ObjectNotFound, PodEipError

log = logging.getLogger(__name__)


def wall_clock() -> str:
    """Now, as the Lease shows it: RFC 3339 with microseconds (meta/v1 MicroTime)."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Elector:
    """One replica's part in the election.

    `progress` is the monotonic time when the loop last woke; `able` says whether AWS can be called from here.
    """

    def __init__(
        self,
        *,
        store: LeaseStore,
        identity: str,
        timings: Timings,
        clock: Clock,
        leadership: Leadership,
        callbacks: TermCallbacks,
        progress: Callable[[], float],
        able: Callable[[], bool] = lambda: True,
        stamp: Callable[[], str] = wall_clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._view = View(identity=identity, timings=timings)
        self._store = store
        self._clock = clock
        self._leadership = leadership
        self._progress, self._able = progress, able
        self._stamp = stamp
        self._jitter = jitter
        self._errors = 0
        self._turned_at = clock()
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._heard: queue.SimpleQueue[Lease | None] = queue.SimpleQueue()
        self._terms = TermRunner(callbacks, self._wake.set, clock)
        pace = {"silence_s": timings.lease_duration, "pause_s": timings.retry_period}
        self._watch = LeaseWatch(store, clock, self._hear, **pace)
        self._thread = threading.Thread(target=self._run, name="election", daemon=True)
        leadership.on_fence(self._wake.set)

    # ── for the callers that start, stop and show it ──

    def start(self) -> None:
        """Start competing."""
        for part in (self._terms, self._watch, self._thread):
            part.start()

    def release(self, in_flight_idle: Callable[[float], bool]) -> bool:
        """Shut down: start nothing new, let calls in flight end, release the Lease. Returns whether it was released.

        `in_flight_idle(limit_s)` waits for the calls in flight and says whether they have ended. If not, the Lease is
        left to expire. Takes milliseconds when idle, at worst four times a call's limit.
        """
        limit = self._view.timings.call_timeout
        until = self._clock() + limit
        self._leadership.close()
        self._stop()
        idle = in_flight_idle(limit) and self._terms.idle(max(0.0, until - self._clock()))
        self._thread.join(max(0.5, until - self._clock()))
        freed = idle and not self._thread.is_alive() and self._give_up_lease()
        if self._leadership.term is not None:
            self._leadership.end()
            self._terms.stopped(EndReason.RELEASED)
        self._terms.finish()
        return freed

    def stop(self) -> None:
        """End the threads and leave the Lease as it is: for a process that cannot release it any more."""
        self._leadership.close()
        self._stop()
        self._terms.finish()

    def holder(self) -> str:
        """The holder's identity as last seen; empty: none."""
        lease = self._view.lease
        return lease.holder if lease else ""

    def epoch(self) -> int:
        """The epoch that stands on the Lease as last seen; 0: none."""
        lease = self._view.lease
        return lease.epoch if lease else 0

    @property
    def lease(self) -> Lease | None:
        """The Lease as last seen."""
        return self._view.lease

    def beginning_s(self) -> float:
        """Seconds for which a term has been beginning; 0: none is. If it takes too long, the Lease is given up."""
        return self._terms.beginning_s()

    @property
    def stuck(self) -> bool:
        """Whether we gave up because the loop hung, and it has not woken since."""
        return replace(self._view, progress=self._progress()).stuck

    @property
    def alive(self) -> bool:
        """Whether all threads run."""
        return self._thread.is_alive() and self._watch.alive and self._terms.alive

    @property
    def running(self) -> bool:
        """Whether any thread still runs."""
        return self._thread.is_alive() or self._watch.alive or self._terms.alive

    @property
    def turned_at(self) -> float:
        """When the election last finished a step (monotonic). If that is long ago, it hangs."""
        return self._turned_at

    @property
    def failures(self) -> int:
        """How many errors of ours (not of the network) the threads survived, and how often the watch broke."""
        return self._errors + self._watch.failures + self._terms.failures

    def failures_by_thread(self) -> dict[str, int]:
        """The same, of each thread."""
        return {"election": self._errors, "lease-watch": self._watch.failures, "terms": self._terms.failures}

    # ── one step ──

    def _turn(self) -> float:
        """Process the outcomes, take one step, and return for how many seconds there is nothing to do."""
        self._take_in()
        decision = step(self._view, self._clock(), self._stamp())
        self._do(decision)
        self._turned_at = self._clock()
        return max(0.0, decision.until - self._turned_at) if isinstance(decision, Follow | Hold) else 0.0

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._wake.wait(self._guarded_turn())
                self._wake.clear()
        finally:
            if not self._leadership.closing:
                self._leadership.end()

    def _guarded_turn(self) -> float:
        try:
            return self._turn()
        except Exception:  # the thread's top: if this goes on, no renewal succeeds and the deadline ends the term
            self._errors += 1
            log.exception("a step of the election failed")
            return self._view.timings.retry_period

    def _take_in(self) -> None:
        able = self._able() and self.beginning_s() <= 2 * self._view.timings.lease_duration
        self._view = candidacy.able(replace(self._view, progress=self._progress()), able, self._clock())
        if self._view.stage is Stage.OPEN and self._leadership.term is None:
            self._view = candidacy.fenced(self._view, self._leadership.fenced_at)
            self._terms.stopped(EndReason.FENCED)
        while not self._heard.empty():
            self._view = candidacy.hear(self._view, self._heard.get(), self._clock())
        while not self._terms.outcomes.empty():
            self._conclude()

    def _conclude(self) -> None:
        """Process the outcome of an attempt to begin; outcomes of attempts that were given up change nothing."""
        outcome = self._terms.outcomes.get()
        if outcome.attempt != self._view.attempt or self._view.renewed_at is None:
            return
        if outcome.epoch is None:
            self._view = candidacy.begin_failed(self._view)
            return
        self._view = candidacy.began(self._view, outcome.epoch, self._clock())
        term = Term(identity=self._view.identity, epoch=outcome.epoch, since=self._stamp())
        self._leadership.open(term, self._view.deadline)
        self._terms.started(outcome.attempt, term)

    def _do(self, decision: Decision) -> None:
        match decision:
            case Look():
                self._look()
            case Acquire(lease=lease) | Renew(lease=lease):
                self._write(lease)
            case Begin(epoch=epoch):
                self._view = candidacy.beginning(self._view, self._clock())
                self._terms.begin(self._view.attempt, epoch)
            case Resign(why=why):
                self._resign(why)
            case ReleaseLease(lease=lease):
                self._release(lease)

    def _look(self) -> bool:
        """Whether the Lease could be read."""
        try:
            lease = self._store.get()
        except PodEipError as error:
            log.warning("cannot read the Lease: %s", error.explain())
            self._view = candidacy.unseen(self._view, self._clock())
            return False
        self._view = candidacy.observe(self._view, lease, self._clock())
        return True

    def _write(self, lease: Lease) -> None:
        """The deadline counts from before the call: the API server may have applied it that early."""
        self._view = candidacy.sending(self._view, lease)
        sent = self._clock()
        try:
            written = self._store.update(lease) if lease.version else self._store.create(lease)
        except PodEipError as error:
            self._not_written(lease, error, sent)
        else:
            self._view = candidacy.acknowledged(self._view, written, sent, self._jitter())
            self._leadership.extend(self._view.deadline)

    def _not_written(self, lease: Lease, error: PodEipError, sent: float) -> None:
        """After a lost race the Lease is read at once. (404 for a new Lease is a missing namespace, not a race.)"""
        if isinstance(error, ObjectConflict) or (isinstance(error, ObjectNotFound) and lease.version):
            self._view = candidacy.refused(self._view, self._clock())
            return
        log.warning("cannot write the Lease: %s", error.explain())
        self._view = candidacy.unanswered(self._view, sent)

    def _resign(self, why: EndReason) -> None:
        self._leadership.end()
        log.warning("not the leader any more: %s", why)
        was_open = self._view.stage is Stage.OPEN
        self._view = candidacy.resigned(self._view, why, self._clock(), self._jitter())
        if was_open:
            self._terms.stopped(why)

    def _release(self, lease: Lease) -> bool:
        """Whether the Lease is known to be free now; otherwise it will expire."""
        freed = None
        try:
            freed = self._store.update(lease)
        except ObjectConflict:
            log.info("the Lease was written meanwhile")
        except PodEipError as error:
            log.warning("cannot release the Lease, it will expire: %s", error.explain())
        self._view = candidacy.release_tried(self._view, freed, self._clock())
        return freed is not None

    # ── shutdown ──

    def _hear(self, lease: Lease | None) -> None:
        self._heard.put(lease)
        self._wake.set()

    def _stop(self) -> None:
        self._stopping.set()
        self._watch.stop()
        self._wake.set()

    def _give_up_lease(self) -> bool:
        """One PUT; a GET before it where the last write had no reply, and a GET after it where it met a conflict."""
        if not self._view.writes:
            return False
        return self._release_if_ours() or (self._look() and self._release_if_ours())

    def _release_if_ours(self) -> bool:
        lease = self._view.lease
        ours = lease is not None and self._view.wrote(lease)
        return lease is not None and ours and self._release(released(self._view, lease, self._stamp()))
