"""The loop: wake, observe, plan, execute; the same tick for one Pod and for a thousand.

Its thread calls nobody: looks, comparisons, actions and chores run beside it and come back as news, so nothing that
a tenant, a slow API or a large VPC does can stop it. What happens while a tick runs is the next tick's batch.
"""

import logging
import threading
from collections.abc import Iterable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from controller.core.actions import Wait, WaitReason
from controller.core.desire import Unproven
from controller.core.measures import Duration
from controller.core.plan import plan
from controller.core.situation import Situation
from controller.core.takes import target_of
from controller.core.views import Term
from controller.engine.background import Background
from controller.engine.calls import first_call
from controller.engine.execute import Executor
from controller.engine.housekeeping import Housekeeping
from controller.engine.news import News
from controller.engine.opening import OpenTerm, open_term
from controller.engine.parts import TermParts
from controller.engine.peers import Peers
from controller.engine.permits import InFlight, permitted
from controller.engine.plain import Plain
from controller.engine.run import PlanOutcome
from controller.engine.sightings import Sightings
from controller.engine.term import TermState
from controller.engine.tuning import Ports, Tuning
from controller.engine.workqueue import Keys, Workqueue
from state.errors import PodEipError
from state.model import PodUid

log = logging.getLogger(__name__)

IDLE_S = 1.0


@dataclass(slots=True, kw_only=True)
class LoopState(Plain):
    """All that a loop remembers: whom to look at, whose plans are on their way, what has come in, and its term."""

    keys: Keys = field(default_factory=Keys)
    in_flight: InFlight = field(default_factory=InFlight)
    news: News = field(default_factory=News)
    sightings: Sightings = field(default_factory=Sightings)
    term: TermState | None = None


class Reconciler:
    """One replica's loop. It idles until leadership opens a term, and drops everything of a term that has ended."""

    def __init__(
        self, ports: Ports, tuning: Tuning, peers: Peers, executor: Executor, known: LoopState | None = None
    ) -> None:
        self._ports, self._tuning, self._peers, self._executor = ports, tuning, peers, executor
        self._pods, self._ledger, self._leadership = ports.pods, ports.ledger, ports.leadership
        self._clock, self._next_call_s = ports.clock, IDLE_S
        self.known = known or LoopState()
        self._news, self._in_flight = self.known.news, self.known.in_flight
        self._queue = Workqueue(self._clock, ports.chance, self.known.keys, ports.measures)
        self._background = Background(executor, self._queue, self._clock, self._news)
        self._stopping, self._retry_all_asked = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._woke_at = self._clock()
        self.failures = 0
        self.chore: Future[None] | None = None
        self.opened: OpenTerm | None = None
        if self.known.term is not None:
            self._open(self.known.term.term, self.known.term)

    # ── for whoever starts, wakes, stops and shows it ──

    def start(self) -> None:
        """Start the loop's thread."""
        self._thread = threading.Thread(target=self._run, name="reconcile", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the loop; what is in flight ends by itself."""
        self._stopping.set()
        self._queue.poke()
        self._executor.stop()

    def poke(self) -> None:
        """Leadership has changed: look at once."""
        self._queue.poke()

    def retry_all(self) -> None:
        """What made Pods fail may be over: try all of them again at once."""
        self._retry_all_asked.set()
        self._queue.poke()

    def wake(self, uids: Iterable[PodUid]) -> None:
        """These Pods have changed; the ones that nothing is wanted of, or held by, are passed over."""
        opened, uids = self.opened, set(uids)
        if self._ports.tracing.on:
            for uid in uids:
                self.known.sightings.note(uid, self._pods.get(uid), self._clock())
        if opened is None:
            return
        relevant: set[PodUid] = set()
        for uid in uids:
            relevant.update(self._concerned(opened.state, uid))
        if relevant:
            self._due(relevant)
            self._queue.add(relevant)

    def _due(self, uids: set[PodUid]) -> None:
        if self._ports.tracing.on:
            self.known.sightings.is_due(uids, self._clock())

    def progress(self) -> float:
        """When the loop last woke (monotonic)."""
        return self._woke_at

    def background_idle(self, limit_s: float) -> bool:
        """Wait until nothing is looked up, compared or told beside the plans, at most so long; whether nothing is."""
        chore = self.chore is None or not wait([self.chore], limit_s).not_done
        return chore and self._background.wait_idle(limit_s)

    @property
    def has_news(self) -> bool:
        """Whether something has come in that the loop has not taken yet."""
        return bool(self._news)

    def in_flight_idle(self, limit_s: float) -> bool:
        """Wait for the plans in flight, at most so long; whether none is left."""
        return self._executor.wait_idle(limit_s)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def in_flight(self) -> int:
        """How many Pods have a plan on its way."""
        return len(self._in_flight.uids)

    @property
    def queued(self) -> int:
        """How many Pods are in the workqueue."""
        return len(self._queue)

    # ── the tick ──

    def tick(self) -> None:
        """One tick, without a wait."""
        self._woke_at = self._clock()
        self._follow_leadership()
        self._take_in()
        opened = self.opened
        if opened is None:
            self._background.drop()
            return
        parts = opened.parts
        self._background.take(opened, self._unseen, self._in_flight.uids)
        if self._leadership.closing or not self._pods.synced:
            return
        if self._retry_all_asked.is_set():
            self._retry_all_asked.clear()
            self._queue.add(self._queue.forget_all())
        self._chores(parts, opened.housekeeping)
        if parts.admission.begin(self._in_flight.uids | parts.calls.uids):
            self._queue.add([*opened.requeue.refused(), *self._in_flight.uids])
        turns, self._next_call_s = parts.calls.due()
        self._queue.add(turns)
        uids = self._queue.take(self._in_flight.uids)
        if uids:
            self._serve_all(opened, uids)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                began = self._clock()
                self.tick()
                self._ports.measures.time(Duration.TICK, self._clock() - began)
            except Exception:  # the thread's top: the loop must outlive any fault in a tick
                self.failures += 1
                log.exception("a tick of the loop failed")
                self._stopping.wait(IDLE_S)
            if not self.has_news:
                self._queue.wait(self._patience())

    def _patience(self) -> float:
        chores = self.opened.housekeeping.due_in if self.opened and self._pods.synced else IDLE_S
        return min(IDLE_S, chores, self._next_call_s)

    def hand_in(self, outcome: PlanOutcome) -> None:
        """A plan has ended so."""
        self._news.outcomes.append(outcome)
        self._queue.poke()

    def _follow_leadership(self) -> None:
        term = self._leadership.term
        if self.opened is not None and (term is None or term.epoch != self.opened.state.term.epoch):
            self.opened.state.over = True
            self.opened.parts.spans.end()
            self.opened.parts.calls.close()
            self.known.term = self.opened = None
            self._background.end()
            self._queue.clear()
        if term is not None and self.opened is None:
            self._open(term)
            log.info("leading", extra={"epoch": term.epoch})

    def _open(self, term: Term, state: TermState | None = None) -> None:
        opened = open_term(term, self._ports, self._tuning, self._queue, self._peers, state, self.known.sightings)
        self._background.begin(opened.parts)
        self.known.term, self.opened = opened.state, opened

    def _take_in(self) -> None:
        """The outcomes of plans that have ended; those of a term that is over only free their Pods."""
        while self._news.outcomes:
            outcome = self._news.outcomes.popleft()
            self._in_flight.end(outcome.uid)
            self._queue.free(outcome.uid)
            if self.opened is None:
                continue
            if outcome.epoch == self.opened.state.term.epoch:
                self.opened.requeue.take_in(outcome)
            else:
                self._queue.add([outcome.uid])
        if self.opened is not None:
            self.opened.requeue.share_room(self._in_flight.uids)

    def _chores(self, parts: TermParts, house: Housekeeping) -> None:
        if house.first:
            self._queue.add(house.everyone())
        if house.beat_due() and (self.chore is None or self.chore.done()):
            # Aside: a DynamoDB that hangs would hold up the loop for longer than the Lease lives.
            self.chore = self._executor.run_chore(house.beat)
        parts.pools.learn(house.peers, self._tuning.silence_s)
        if house.resync_due():
            self._background.compare(house, parts.term.epoch)

    def _serve_all(self, opened: OpenTerm, uids: set[PodUid]) -> None:
        """Serve these together; if that stumbles, one by one, so that one Pod that we fail on stops no other."""
        try:
            self._serve(opened, uids)
        except Exception as error:  # a fault of ours: the Pod that shows it is tried again as after any failure
            left, epoch = sorted(uids - self._in_flight.uids), opened.state.term.epoch
            for uid in left if len(uids) > 1 else ():
                self._serve_all(opened, {uid})
            if len(uids) == 1:
                self.failures += 1
                log.exception("a Pod could not be planned for", extra={"pod_uid": left})
                fault = PodEipError(f"{type(error).__name__}: {error}", code="InternalError")
                for uid in left:
                    unseen = self._unseen(uid)
                    opened.requeue.take_in(PlanOutcome(uid=uid, epoch=epoch, situation=unseen, error=fault))

    def _serve(self, opened: OpenTerm, uids: set[PodUid]) -> None:
        self._due(uids)
        seen = opened.parts.observer.observe(uids, self._in_flight.reserved())
        self._background.ask(opened.parts, seen.parked)
        for s in sorted(seen.situations, key=_urgency):
            self._plan(opened, s)

    def _plan(self, opened: OpenTerm, s: Situation) -> None:
        parts, epoch = opened.parts, opened.state.term.epoch
        parts.log.sees(s)
        actions = permitted(parts, s, plan(s), self._in_flight)
        if not actions:
            opened.requeue.take_in(PlanOutcome(uid=s.uid, epoch=epoch, situation=s))
            if s.pod is None and s.record is None:
                parts.memory.forget(s.uid)
                self._queue.forget(s.uid)
            return
        call = first_call(actions)
        if call is not None and not parts.calls.reserve(call, s):
            wait = Wait(reason=WaitReason.TOKEN)
            waits = PlanOutcome(uid=s.uid, epoch=epoch, situation=s, wait=wait, for_token=type(call))
            opened.requeue.take_in(waits)
            return
        self._in_flight.begin(s, target_of(actions))
        self._executor.start(parts, s, actions, self.hand_in)

    def _unseen(self, uid: PodUid) -> Situation:
        assert self.opened is not None
        return Situation(uid=uid, desire=Unproven(), facts=self.opened.state.facts, pod=self._pods.get(uid))

    def _concerned(self, state: TermState, uid: PodUid) -> set[PodUid]:
        """This Pod, if it asks for or holds something, and the Pods whose claims are for its IP."""
        pod = self._pods.get(uid)
        found = set(state.claims.at_ip(pod.ip)) if pod is not None and pod.ip else set()
        asks = pod is not None and (pod.annotations or pod.labels)
        if asks or self._ledger.pod(uid) is not None or (pod is None and uid in state.memory.pods):
            found.add(uid)
        return found


def _urgency(s: Situation) -> tuple[bool, str, str]:
    """Those who lose an address first, for a stranger may have their IP soon; then the oldest."""
    return (s.record is None, s.pod.created if s.pod else "", s.uid)
