"""What follows from how a plan ended: when the Pod is looked at again, who else is woken, and what its author hears.

A failure is never a drop: each Pod is tried again for ever, with a backoff of its own. Waiting is not failing: what
waits for something that can be noticed is woken by it, and looked at slowly otherwise.
"""

from collections.abc import Collection

from controller.core import actions as act
from controller.core import contract, waiting
from controller.core.actions import Reason
from controller.core.desire import Pending, Serve
from controller.core.modes import TRAITS, Source
from controller.core.ports import Clock, Events, EventType, PodEvent
from controller.core.situation import Placed
from controller.core.takes import pool_of
from controller.engine.execute import Outcome
from controller.engine.memory import PodMemory
from controller.engine.parts import TermParts
from state.errors import (
    AlreadyAssociated,
    ConditionLost,
    InterfaceNotFound,
    InvalidTarget,
    LedgerSilent,
    NotSent,
    ObjectConflict,
    PodEipError,
    QuotaExceeded,
    Throttled,
)
from state.model import Phase, PodUid

RELEASE_WAIT_S = 15.0
FIRST_POLL_S = 1.0
QUOTA_SHORT_S = 60.0
SLOW_S = 60.0
QUICK_RETRIES = 5
TELL_AFTER_S = 30.0
"""A wait that is over sooner is nobody's business; one of a minute must have been told."""
_ANY = ""
"""In the place of a namespace: whoever gives an address up makes room."""


class Aftermath:
    """Used by the loop's thread alone; one for each term."""

    def __init__(self, *, parts: TermParts, events: Events, clock: Clock, poll_interval_s: float) -> None:
        self._parts, self._queue, self._events, self._clock = parts, parts.queue, events, clock
        self._poll_interval_s = poll_interval_s
        self._memory, self._waiters = parts.memory, parts.state.waiters

    def take_in(self, outcome: Outcome) -> None:
        """Draw the consequences of one outcome."""
        self._waiters.leave(outcome.uid)
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

    def _let_go(self, outcome: Outcome) -> None:
        """What EC2 refused, gave or took back may hold for all who wait for an address of its own."""
        s, pool = outcome.situation, pool_of(outcome.plan)
        if isinstance(outcome.failed, act.Allocate) and outcome.error is not None and pool is not None:
            self._parts.brakes.refused(outcome.uid, pool, outcome.error)
        elif pool is not None and outcome.allocated and self._parts.brakes.served(pool):
            self._queue.add(self._waiters.braked)
        released = s.record is not None and s.record.phase is Phase.RELEASING and outcome.did and outcome.error is None
        if released:
            self._queue.add(self._waiters.short | (self._waiters.braked if self._parts.brakes.freed() else set()))

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

    def _make_room(self, outcome: Outcome, *, waited: bool) -> None:
        """A plan that has ended may have given up an address, or not have got one: its namespace's others are next."""
        s, granted = outcome.situation, self._parts.admission.granted_in(outcome.uid)
        if outcome.error is not None or outcome.did:
            self._waiters.freed.add(s.record.namespace if s.record else s.pod.namespace if s.pod else "")
        elif waited and granted is not None and outcome.for_token is None:  # it goes without the claim it waited for
            self._waiters.freed.add(granted)

    def share_room(self, busy: Collection[PodUid]) -> None:
        """Wake who waits for the room that was made; and the `busy`, who may have been told "no" before it was."""
        if self._waiters.freed and (self._waiters.crowded or self._parts.admission.has_limits):
            room = {*self._waiters.freed, _ANY}
            self._queue.add(uid for uid, crowded in self._waiters.crowded.items() if crowded in room)
            self._queue.add(busy)
        self._waiters.freed.clear()

    def _done(self, outcome: Outcome, mine: PodMemory) -> None:
        self._queue.forget(outcome.uid)
        mine.losses = 0
        mine.poll_s = 0.0
        mine.error = mine.waiting = ""
        if not outcome.did:
            return
        self._queue.add([outcome.uid])
        record = outcome.situation.record
        if record is not None and record.target is not None:
            self._queue.add(self._parts.claims.at_ip(record.target.private_ip))
            self._queue.add(self._waiters.target)
        if record is not None and not TRAITS[record.mode].releases:
            self._queue.add(self._waiters.pool)

    def _waits(self, outcome: Outcome, wait: act.Wait, mine: PodMemory) -> None:
        uid = outcome.uid
        if mine.waiting != wait.reason:
            mine.waiting, mine.waiting_since = wait.reason, self._clock()
        mine.error = waiting.words(wait)
        self._tell_if_it_lasts(outcome, wait.reason, mine)
        match wait.reason:
            case Reason.NO_IP | Reason.SCOPE | Reason.REFUSED | Reason.ROOM | Reason.FULL:
                self._wait_for_news(outcome, wait.reason)
            case Reason.POOL:
                self._wait_for_pool(uid, mine)
            case Reason.QUOTA:
                self._quota_is_short()
                self._waiters.short.add(uid)
                self._wait_for_pool(uid, mine)
            case Reason.RELEASE:
                self._wait_for_release(uid, mine)
            case Reason.DOUBT | Reason.SETTLE:
                self._look_later(uid, mine, min(5.0, self._memory.consistency_s / 4 + 0.1))
            case Reason.LOOK:
                self._look_again(uid, mine)
            case Reason.GONE:
                self._look_later(uid, mine, self._memory.consistency_s)
            case Reason.BRAKE:
                self._waiters.braked.add(uid)
                wanted = outcome.situation.desire
                pool = wanted.pool if isinstance(wanted, Serve) else ""
                self._queue.add([uid], self._parts.brakes.due_in(pool))
            case Reason.FLAPPING:
                self._queue.add([uid], max(mine.begun_at + mine.flap_s() - self._clock(), 0.1))
            case Reason.TOKEN:
                self._queue.add([uid], SLOW_S)  # its turn comes before, as a rule
            case Reason.SIGNS:
                self._queue.add([uid], max(mine.mended_at + mine.rest_s() - self._clock(), 0.1))
            case Reason.TARGET:
                self._waiters.target.add(uid)
                self._wake_rivals(outcome)
                self._queue.add_after_failure(uid)
            case Reason.PLACEMENT:
                self._queue.add_after_failure(uid)
            case Reason.FOREIGN:
                mine.look_after = self._clock()
                self._queue.add_after_failure(uid, times=2)

    def _tell_if_it_lasts(self, outcome: Outcome, reason: Reason, mine: PodMemory) -> None:
        """Whoever waits for longer than a moment hears why, unless the plan has said it."""
        pod, now = outcome.situation.pod, self._clock()
        said = mine.error in mine.told[1] and mine.has_told(*mine.told, now)
        if pod is None or said or not waiting.is_told(reason) or now - mine.waiting_since < TELL_AFTER_S:
            return
        mine.tell(contract.WAITING, mine.error, now)
        self._events.emit(pod, PodEvent(type=EventType.WARNING, reason=contract.WAITING, message=mine.error))

    def _wait_for_news(self, outcome: Outcome, reason: Reason) -> None:
        """Nothing is looked at meanwhile: the watch, another policy, or another Pod of the namespace will wake it.

        But the answer to a patch of ours may have been the news that the watch then does not tell any more.
        """
        pod = outcome.situation.pod
        if outcome.did:
            self._queue.add([outcome.uid])
        if reason is Reason.REFUSED:
            self._waiters.refused.add(outcome.uid)
        elif reason is Reason.FULL:
            self._waiters.crowded[outcome.uid] = _ANY
        elif reason is Reason.ROOM and pod is not None:
            self._waiters.crowded[outcome.uid] = pod.namespace

    def _queue_up(self, outcome: Outcome) -> None:
        """Who waits for any address of a pool is told to the other clusters, until it has one or asks for another."""
        wanted, placed, wait = outcome.situation.desire, outcome.situation.placement, outcome.wait
        if not isinstance(wanted, Serve) or not _seeks_any(outcome):
            self._memory.queues.leave(outcome.uid)
        elif wait is not None and wait.reason is Reason.POOL and wait.detail:
            group = placed.border_group if isinstance(placed, Placed) else None
            self._memory.queues.join(outcome.uid, wanted.pool, group)
        elif outcome.error is None and outcome.for_token is None:
            self._memory.queues.leave(outcome.uid)

    def _wait_for_pool(self, uid: PodUid, mine: PodMemory) -> None:
        """The pool is looked at soon at first, for it may just be being tagged, then less often: one look for all."""
        self._waiters.pool.add(uid)
        self._queue.forget(uid)
        mine.losses = 0
        mine.poll_s = min(self._poll_interval_s, 2 * mine.poll_s or FIRST_POLL_S)
        due = self._parts.view.asked_at + mine.poll_s + 0.01
        self._queue.add([uid], max(due - self._clock(), 0.1))

    def _look_later(self, uid: PodUid, mine: PodMemory, delay_s: float) -> None:
        mine.look_after = self._clock()
        self._queue.add([uid], delay_s)

    def _look_again(self, uid: PodUid, mine: PodMemory) -> None:
        """At once the first time; after that each look that says nothing new counts twice."""
        mine.look_after = self._clock()
        if self._queue.failures(uid):
            self._queue.add_after_failure(uid)
        else:
            self._queue.add([uid])
        self._queue.failed(uid)

    def _wait_for_release(self, uid: PodUid, mine: PodMemory) -> None:
        """Releases share the next look at EC2, and take one of their own only after a while or if quota is short."""
        now = self._clock()
        mine.look_after = mine.cut_at
        self._waiters.release.add(uid)
        if self._memory.quota_short_until > now:
            self._waiters.release_due = now
        elif self._waiters.release_due <= now:
            self._waiters.release_due = now + RELEASE_WAIT_S
        self._queue.add([uid], self._waiters.release_due - now)

    def _wake_rivals(self, outcome: Outcome) -> None:
        s = outcome.situation
        if s.pod is not None and s.pod.ip:
            self._queue.add(uid for uid in self._parts.claims.at_ip(s.pod.ip) if uid != outcome.uid)

    def _failed(self, outcome: Outcome, error: PodEipError, mine: PodMemory) -> None:
        uid = outcome.uid
        if isinstance(error, NotSent):
            mine.error = error.explain() if isinstance(error, LedgerSilent) else mine.error
            self._queue.add([uid], 0.5)
            return
        if isinstance(error, ConditionLost):
            if isinstance(outcome.failed, act.Claim):
                self._parts.market.contested(outcome.failed.pool)
                self._waiters.pool.add(uid)
            mine.losses += 1
            if mine.losses <= QUICK_RETRIES:
                self._queue.add([uid])
            else:
                self._queue.add_after_failure(uid)
            return
        mine.error = error.explain()
        if isinstance(error, QuotaExceeded):
            self._quota_is_short()
        self._tell(outcome, error, mine)
        if isinstance(error, AlreadyAssociated | InvalidTarget | InterfaceNotFound) and not self._queue.failures(uid):
            self._queue.add([uid])  # what we believed was wrong, and is not believed any more
            self._queue.failed(uid)
        else:
            self._queue.add_after_failure(uid)

    def _quota_is_short(self) -> None:
        """Releases do not wait for company now."""
        self._memory.quota_short_until = self._clock() + QUOTA_SHORT_S
        self._waiters.release_due = 0.0
        self._queue.add(self._waiters.release)

    def _tell(self, outcome: Outcome, error: PodEipError, mine: PodMemory) -> None:
        """The Pod's author hears of it; of a throttled call, or a Pod that is changing, only if it lasts."""
        pod = outcome.situation.pod
        if pod is None or (isinstance(error, Throttled | ObjectConflict) and self._queue.failures(outcome.uid) < 2):
            return
        down = isinstance(outcome.failed, act.WayDown)
        reason = contract.DISASSOCIATION_FAILED if down else contract.ASSOCIATION_FAILED
        mine.told = ("", "")
        message = f"{_attempted(outcome, down=down)}: {error.explain()}"
        self._events.emit(pod, PodEvent(type=EventType.WARNING, reason=reason, message=message))


def _attempted(outcome: Outcome, *, down: bool) -> str:
    """What failed, as the Go controller says it, with the address where there is one, and the mode."""
    s = outcome.situation
    address = f" {s.record.public_ip}" if s.record and s.record.public_ip else ""
    mode = s.record.mode if s.record else s.desire.mode if isinstance(s.desire, Serve | Pending) else ""
    what = f"Failed to {'disassociate' if down else 'associate'} EIP{address}"
    return f"{what} ({mode} mode)" if mode else what


def _seeks_any(outcome: Outcome) -> bool:
    """Whether the Pod asks for any address of a pool, and has none, as far as this plan came."""
    s = outcome.situation
    seeks = isinstance(s.desire, Serve) and TRAITS[s.desire.mode].source is Source.ANY
    return seeks and s.record is None and not outcome.did
