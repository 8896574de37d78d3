"""What follows from how a plan ended: when the Pod is looked at again, who else is woken, and what its author hears.

A failure is never a drop: each Pod is tried again for ever, with a backoff of its own. Waiting is not failing: what
waits for something that can be noticed is woken by it, and looked at slowly otherwise.
"""

import copy
import logging
from collections.abc import Collection

from controller.core import actions as act
from controller.core import contract, requeue_rules, waiting
from controller.core.actions import WaitReason
from controller.core.desire import Pending, Serve
from controller.core.measures import Event, Leak, Measures, Result
from controller.core.modes import SPECS, AddressSource
from controller.core.ports import Clock, Events
from controller.core.requeue_rules import RequeueInput, RequeueResult
from controller.core.situation import Placed
from controller.core.sweep import is_orphan
from controller.core.views import EventType, PodEvent
from controller.engine.circuit_breakers import request_of
from controller.engine.memory import PodProgress
from controller.engine.parts import TermParts
from controller.engine.pod_notes import PodNote
from controller.engine.recent_errors import RecentErrors
from controller.engine.run import PlanOutcome
from controller.engine.waiters import ANY
from state.errors import ConditionLost, LedgerSilent, NotSent, ObjectConflict, PodEipError, Throttled
from state.model import Phase, PodUid

log = logging.getLogger(__name__)

QUOTA_SHORT_S = 60.0
TELL_AFTER_S = 30.0
"""A wait that is over sooner is nobody's business; one of a minute must have been told."""


class Requeue:
    """Used by the loop's thread alone; one for each term."""

    def __init__(
        self,
        *,
        parts: TermParts,
        events: Events,
        errors: RecentErrors,
        clock: Clock,
        poll_interval_s: float,
        measures: Measures,
    ) -> None:
        self._parts, self._queue, self._events, self._clock = parts, parts.queue, events, clock
        self._errors, self._measures = errors, measures
        self._poll_interval_s = poll_interval_s
        self._memory, self._waiters = parts.memory, parts.state.waiters

    def take_in(self, outcome: PlanOutcome) -> None:
        """Draw the consequences of one outcome."""
        self._parts.spans.takes_in(outcome.situation, outcome.error, outcome.wait)
        self._waiters.leave(outcome.uid)
        self._count(outcome)
        self._let_go(outcome)
        waited = self._parts.calls.waits(outcome.uid)
        self._parts.calls.leave(outcome.uid, but=outcome.for_token)
        mine = self._memory.of(outcome.uid)
        self._queue_up(outcome)
        if outcome.error is not None:
            self._failed(outcome, outcome.error, mine)
        elif outcome.wait is not None:
            self._waits(outcome, outcome.wait, mine)
        else:
            self._done(outcome, mine)
        if outcome.uid not in self.refused():
            self._make_room(outcome, waited=waited)

    def _count(self, outcome: PlanOutcome) -> None:
        self._measures.count(Event.RECONCILED, _result(outcome))
        if outcome.error is not None:
            self._measures.count(Event.FAILED, type(outcome.error).__name__)
        if isinstance(outcome.error, ConditionLost) and outcome.failed is not None:
            self._measures.count(Event.CONDITION_LOST, type(outcome.failed).__name__)

    def _let_go(self, outcome: PlanOutcome) -> None:
        """What EC2 refused, gave or took back may hold for all who wait for an address of its own."""
        s, asks, breakers = outcome.situation, request_of(outcome.situation), self._parts.breakers
        if asks is not None and outcome.for_token is not act.Allocate:
            breakers.ended(asks)
        if asks is not None and outcome.error is not None and isinstance(outcome.failed, act.Allocate):
            breakers.refused(asks, outcome.error)
        elif asks is not None and outcome.allocated and breakers.served(asks):
            self._queue.add(self._waiters.breaker)
        released = s.record is not None and s.record.phase is Phase.RELEASING and outcome.did and outcome.error is None
        if released and is_orphan(outcome.uid):
            self._measures.count(Event.LEAK_MENDED, Leak.ADDRESS)
        if released:
            self._queue.add(self._waiters.short | (self._waiters.breaker if breakers.freed() else set()))

    def looked(self) -> None:
        """EC2 was looked at: whoever waits for that is planned anew."""
        self._queue.add(self._waiters.pool | self._waiters.release)

    def everyone_is_due(self) -> None:
        """All Pods are about to be looked at: who is refused then is noted anew, and who is gone is noted no more."""
        self._queue.add(self.refused())  # one that was noted while that was made ready is not in it
        self._waiters.refused.clear()
        self._waiters.crowded.clear()

    def refused(self) -> frozenset[PodUid]:
        """The Pods that the policy refuses, for good or until their namespace has room."""
        return frozenset(self._waiters.refused | self._waiters.crowded.keys())

    def _make_room(self, outcome: PlanOutcome, *, waited: bool) -> None:
        """A plan that has ended may have given up an address, or not have got one: its namespace's others are next."""
        s, granted = outcome.situation, self._parts.admission.granted_in(outcome.uid)
        if outcome.error is not None or outcome.did:
            self._waiters.freed.add(s.record.namespace if s.record else s.pod.namespace if s.pod else "")
        elif waited and granted is not None and outcome.for_token is None:  # it goes without the claim it waited for
            self._waiters.freed.add(granted)

    def share_room(self, busy: Collection[PodUid]) -> None:
        """Wake who waits for the room that was made; and the `busy`, who may have been told "no" before it was."""
        if self._waiters.freed and (self._waiters.crowded or self._parts.admission.has_limits):
            room = {*self._waiters.freed, ANY}
            self._queue.add(uid for uid, crowded in self._waiters.crowded.items() if crowded in room)
            self._queue.add(busy)
        self._waiters.freed.clear()

    # ── when to look again ──

    def _done(self, outcome: PlanOutcome, mine: PodProgress) -> None:
        mine.error = mine.waiting = ""
        if outcome.did and all(isinstance(step, act.Label) for step in outcome.plan):
            self._parts.log.put_right(outcome.situation, mine)
        self._follow(outcome, mine, requeue_rules.after_success(did=outcome.did))
        record = outcome.situation.record if outcome.did else None
        if record is not None and record.target is not None:
            self._queue.add(self._parts.claims.at_ip(record.target.private_ip))
            self._queue.add(self._waiters.target)
        if record is not None and not SPECS[record.mode].releases:
            self._queue.add(self._waiters.pool)

    def _waits(self, outcome: PlanOutcome, wait: act.Wait, mine: PodProgress) -> None:
        if mine.waiting != wait.reason:
            mine.waiting, mine.waiting_since = wait.reason, self._clock()
        if wait.reason in waiting.WITHHELD:
            mine.withheld_at = self._clock()
        mine.error = waiting.words(wait)
        self._tell_if_it_lasts(outcome, wait, mine)
        self._follow(outcome, mine, requeue_rules.after_wait(wait.reason, self._known(outcome, mine), did=outcome.did))

    def _failed(self, outcome: PlanOutcome, error: PodEipError, mine: PodProgress) -> None:
        if isinstance(error, ConditionLost) and isinstance(outcome.failed, act.Claim):
            self._parts.pools.forget_claims(outcome.failed.pool)
        elif not isinstance(error, NotSent):
            self._errors.note(type(outcome.failed).__name__ if outcome.failed else "plan", error)
        if isinstance(error, LedgerSilent) or not isinstance(error, NotSent | ConditionLost):
            mine.error = error.explain()
        if not isinstance(error, NotSent | ConditionLost):
            self._tell(outcome, error, mine)
        self._follow(outcome, mine, requeue_rules.after_error(error, outcome.failed, self._known(outcome, mine)))

    def _known(self, outcome: PlanOutcome, mine: PodProgress) -> RequeueInput:
        now, asks = self._clock(), request_of(outcome.situation)
        return RequeueInput(
            now=now,
            failures=self._queue.failures(outcome.uid),
            losses=mine.losses,
            poll_s=mine.poll_s,
            poll_interval_s=self._poll_interval_s,
            consistency_s=self._memory.consistency_s,
            looked_at=self._parts.view.asked_at,
            cut_at=mine.cut_at,
            release_due=self._waiters.release_due,
            quota_is_short=self._memory.quota_short_until > now,
            breaker_s=self._parts.breakers.due_in(asks) if asks is not None else 0.0,
            flap_s=mine.begun_at + mine.flap_s() - now,
            repair_s=mine.repaired_at + mine.repair_pause_s() - now,
        )

    def _follow(self, outcome: PlanOutcome, mine: PodProgress, then: RequeueResult) -> None:
        """Note what was decided, and queue the Pod by it."""
        uid, pod = outcome.uid, outcome.situation.pod
        self._parts.notes.note(uid, _note_of(outcome, then, self._clock()))
        log.debug("looks again: %s", then.because, extra={"pod_uid": uid, "after_s": then.after_s})
        mine.losses = 0 if then.forgets else mine.losses + then.lost
        mine.poll_s = mine.poll_s if then.poll_s is None else then.poll_s
        mine.look_after = mine.look_after if then.looked_since is None else then.looked_since
        self._waiters.release_due = self._waiters.release_due if then.release_due is None else then.release_due
        for by in then.woken_by:
            self._waiters.enter(uid, by, pod.namespace if pod else "")
        if then.forgets:
            self._queue.forget(uid)
        if then.shortens:
            self._quota_is_short()
        if then.rivals and pod is not None and pod.ip:
            self._queue.add(other for other in self._parts.claims.at_ip(pod.ip) if other != uid)
        self._put_back(uid, then)

    def _put_back(self, uid: PodUid, then: RequeueResult) -> None:
        if then.after_s is not None:
            self._queue.add([uid], then.after_s)
        if then.backoff:
            self._queue.add_after_failure(uid, then.backoff)
        for _ in range(then.failed):
            self._queue.failed(uid)

    def _quota_is_short(self) -> None:
        """Releases do not wait for company now."""
        self._memory.quota_short_until = self._clock() + QUOTA_SHORT_S
        self._waiters.release_due = 0.0
        self._queue.add(self._waiters.release)

    # ── who hears of it ──

    def _tell_if_it_lasts(self, outcome: PlanOutcome, wait: act.Wait, mine: PodProgress) -> None:
        """Whoever waits for longer than a moment hears why, unless the plan has said it; the log has it, too."""
        pod, now = outcome.situation.pod, self._clock()
        if not waiting.is_told(wait.reason) or now - mine.waiting_since < TELL_AFTER_S:
            return
        self._parts.log.waits(outcome.situation, wait, mine)
        if pod is None or (mine.error in mine.told[1] and mine.has_told(*mine.told, now)):
            return
        mine.tell(contract.WAITING, mine.error, now)
        with self._parts.spans.within(outcome.uid):
            self._events.emit(pod, PodEvent(type=EventType.WARNING, reason=contract.WAITING, message=mine.error))

    def _queue_up(self, outcome: PlanOutcome) -> None:
        """Who waits for any address of a pool is told to the other clusters, until it has one or asks for another."""
        wanted, placed, wait = outcome.situation.desire, outcome.situation.placement, outcome.wait
        if not isinstance(wanted, Serve) or not _seeks_any(outcome):
            self._memory.queues.leave(outcome.uid)
        elif wait is not None and wait.reason is WaitReason.POOL and wait.detail:
            group = placed.border_group if isinstance(placed, Placed) else None
            self._memory.queues.join(outcome.uid, wanted.pool, group)
        elif outcome.error is None and outcome.for_token is None:
            self._memory.queues.leave(outcome.uid)

    def _tell(self, outcome: PlanOutcome, error: PodEipError, mine: PodProgress) -> None:
        """The Pod's author and the log hear of it; of a throttled call, or a Pod that is changing, only if it lasts."""
        pod = outcome.situation.pod
        if isinstance(error, Throttled | ObjectConflict) and self._queue.failures(outcome.uid) < 2:
            return
        self._parts.log.failed(outcome.situation, outcome.failed, error, mine)
        if pod is None:
            return
        down = isinstance(outcome.failed, act.WayDown)
        reason = contract.DISASSOCIATION_FAILED if down else contract.ASSOCIATION_FAILED
        mine.told = ("", "")
        message = f"{_attempted(outcome, down=down)}: {error.explain()}"
        with self._parts.spans.within(outcome.uid):
            self._events.emit(pod, PodEvent(type=EventType.WARNING, reason=reason, message=message))


def _note_of(outcome: PlanOutcome, then: RequeueResult, at: float) -> PodNote:
    return PodNote(
        situation=outcome.situation,
        plan=outcome.plan,
        did=outcome.did,
        wait=outcome.wait,
        error=_words_alone(outcome.error),
        failed=outcome.failed,
        then=then,
        at=at,
    )


def _words_alone(error: PodEipError | None) -> PodEipError | None:
    """The error without what it came from: a traceback holds the frames and the answers of a call."""
    if error is None:
        return None
    kept = copy.copy(error)
    kept.__traceback__ = kept.__cause__ = kept.__context__ = None
    return kept


def _attempted(outcome: PlanOutcome, *, down: bool) -> str:
    """What failed, as the Go controller says it, with the address where there is one, and the mode."""
    s = outcome.situation
    address = f" {s.record.public_ip}" if s.record and s.record.public_ip else ""
    mode = s.record.mode if s.record else s.desire.mode if isinstance(s.desire, Serve | Pending) else ""
    what = f"Failed to {'disassociate' if down else 'associate'} EIP{address}"
    return f"{what} ({mode} mode)" if mode else what


def _seeks_any(outcome: PlanOutcome) -> bool:
    """Whether the Pod asks for any address of a pool, and has none, as far as this plan came."""
    s = outcome.situation
    seeks = isinstance(s.desire, Serve) and SPECS[s.desire.mode].source is AddressSource.ANY
    return seeks and s.record is None and not outcome.did


def _result(outcome: PlanOutcome) -> Result:
    if outcome.error is not None:
        return Result.ERROR
    if outcome.for_token is not None:
        return Result.NO_TOKEN
    if outcome.wait is not None:
        return Result.WAITING
    return Result.SUCCESS if outcome.did else Result.UNCHANGED
