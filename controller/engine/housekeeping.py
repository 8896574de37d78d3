"""What a leader does beside serving Pods: the full comparison with EC2, the heartbeat, and forgetting in time.

The comparison and the heartbeat run beside the loop, in threads of their own; neither delays a Pod.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from controller.core import contract, scopes, transitions
from controller.core.measures import NO_MEASURES, RESYNC, Duration, Event, Leak, Measures
from controller.core.ports import (
    Clock,
    Heartbeat,
    Ledger,
    Pods,
)
from controller.core.remembered import CALL_LIFE_S, is_remembered, remembered_uid
from controller.core.sweep import Surroundings, is_unowned_auto, mode_of, sweep
from controller.core.views import Address
from controller.engine.chores import Chores
from controller.engine.left_alone import contradicted, stranded
from controller.engine.parts import TermParts
from controller.engine.peers import Peers
from state.errors import ConditionLost, ItemUnreadable, NotLeading, PodEipError
from state.model import AllocationId, Change, ClusterUid, Owner, PodUid

log = logging.getLogger(__name__)

HEARTBEAT_S = 30.0
BEAT_RETRY_S = 5.0
QUEUE_BEAT_S = 10.0
"""While Pods wait for a pool the other installs are heard more often: who comes first changes quickly."""
WRITES_AT_ONCE = 200
"""A resync writes one by one, and must come to an end; what is left waits for the next."""
UNOWNED_S = 600.0
"""For so long an address may have no owner before that is told: a claim of it may be on its way."""
AGAIN_S = 15.0


@dataclass(slots=True)
class Housekeeping:
    """The chores of one term. Times are monotonic.

    agreed: addresses that a person said are to be given back.
    remembered_s: how long intents are remembered at least; beyond that, EC2's consistency time.
    """

    parts: TermParts
    ledger: Ledger
    pods: Pods
    heartbeats: Heartbeat
    clock: Clock
    resync_s: float
    peers: Peers
    agreed: Collection[AllocationId] = frozenset()
    remembered_s: float = CALL_LIFE_S
    measures: Measures = NO_MEASURES

    @property
    def _past(self) -> Chores:
        return self.parts.state.chores

    @property
    def first(self) -> bool:
        """Whether nobody has gone through all Pods yet."""
        return self._past.first

    @property
    def due_in(self) -> float:
        """Seconds until there is a chore."""
        beat = (
            min(self._past.next_beat, self._past.next_news)
            if self.parts.memory.queues.changed
            else self._past.next_beat
        )
        return max(0.0, min(self._past.next_resync, beat) - self.clock())

    def resync_due(self) -> bool:
        """Whether the full comparison is due."""
        return self.clock() >= self._past.next_resync

    def resync(self) -> list[PodUid]:
        """Compare all of EC2 with the ledger; the Pods to look at: every one that asks or holds, and the orphans.

        Raises what the ports raise; it is then due again shortly.
        """
        began = self.clock()
        self._past.next_resync = began + self.resync_s
        try:
            found = self._compare()
        except PodEipError:
            self._past.next_resync = self.clock() + min(self.resync_s, AGAIN_S)
            raise
        self.measures.time(Duration.RESYNC, self.clock() - began)
        return found

    def _compare(self) -> list[PodUid]:
        self.parts.view.look()
        looked_at, addresses = self.parts.view.asked_at, self.parts.view.all()
        self.ledger.refresh(a.allocation_id for a in addresses if self._concerns_us(a))
        # Whose side a newer release wrote, or is damaged, is left alone here as everywhere.
        unreadable = {pk for pk, _ in self.ledger.unreadable()}
        addresses = [a for a in addresses if f"eip#{a.allocation_id}" not in unreadable]
        orphans = self._sweep(addresses)
        self._restore_claims(addresses)
        self._undo_intents()
        self._purge(addresses)
        self._forget_remembered(addresses, looked_at)
        everyone = self.everyone()
        return [*everyone, *orphans]

    def everyone(self) -> list[PodUid]:
        """Every Pod that asks for an address or has one."""
        self._past.first = False
        claims = (uid for uid in self.ledger.pods() if not is_remembered(uid))
        return [*claims, *(pod.uid for pod in self.pods.annotated())]

    def beat_due(self) -> bool:
        """Whether it is time for `beat`: the last is old, or other Pods wait than the others were told.

        Asked again, it is so in some seconds, unless a beat came in between.
        """
        news = self.parts.memory.queues.changed and self.clock() >= self._past.next_news
        due = news or self.clock() >= self._past.next_beat
        if due:
            self._past.next_beat = self._past.next_news = self.clock() + BEAT_RETRY_S
        return due

    def beat(self) -> None:
        """Show that this install lives, and see which others do. Raises what the ledger raises.

        Runs in a thread of its own; waits as long as the ledger does.
        """
        silent_s, queues = self.heartbeats.seconds_since_write(), self.parts.memory.queues
        if queues.changed or silent_s >= HEARTBEAT_S - 1.0:
            queues.tell(self.heartbeats.heartbeat)
            silent_s = 0.0
        self.peers.saw(self.ledger.installs())
        self._report_namesakes()
        due_s = HEARTBEAT_S - silent_s
        self._past.next_beat = self.clock() + (min(due_s, QUEUE_BEAT_S) if queues.shown() else due_s)

    def reports(self) -> tuple[str, ...] | None:
        """What the last comparison left alone, in words, and sorted; None before the first."""
        return None if self._past.reported is None else tuple(sorted(self._past.reported))

    def namesakes(self) -> set[ClusterUid]:
        """The other clusters that live and have our cluster's name: harmless, for all goes by UID, but confusing."""
        facts = self.parts.facts
        return scopes.namesakes(facts.cluster_uid, facts.cluster_name, self.peers.beating())

    def _report_namesakes(self) -> None:
        found = self.namesakes()
        for uid in sorted(found - self._past.namesakes):
            log.warning("the cluster name %s is that of cluster %s, too", self.parts.facts.cluster_name, uid)
        self._past.namesakes = found

    def _concerns_us(self, address: Address) -> bool:
        """Whether its side of the ledger may say something that the comparison needs."""
        ours = address.allocation_id in self.parts.memory.unknown_writes
        shown = self.ledger.address(address.allocation_id) is not None
        return ours or shown or address.association is not None or address.tags.get(contract.TAG_TYPE) is not None

    def _sweep(self, addresses: list[Address]) -> list[PodUid]:
        around = self._surroundings(addresses)
        found = sweep(addresses, around)
        kept = (left.address.association for left in found.leftovers)
        self.parts.memory.leftovers = frozenset(a.association_id for a in kept if a)
        reports = [
            *found.reports,
            *stranded(addresses, self.ledger, self.parts),
            *contradicted(self.ledger, self.parts),
        ]
        for report in reports:
            if report not in (self._past.reported or ()):
                log.warning("left alone: %s", report)
        self._past.reported = set(reports)
        taken = []
        if len(found.orphans) > WRITES_AT_ONCE:
            self._past.next_resync = self.clock() + AGAIN_S
        for orphan in found.orphans[:WRITES_AT_ONCE]:
            side = around.records.get(orphan.address.allocation_id)
            change = transitions.take_orphan(orphan, side, self.parts.facts, self.parts.term.epoch)
            if self._commits(change):
                self.parts.claims.note(orphan.uid, change.pod_after)
                self.measures.count(Event.LEAK_FOUND, Leak.ADDRESS)
                taken.append(orphan.uid)
        return taken

    def _commits(self, change: Change) -> bool:
        """Whether it is written. An item that is not as we believe, or not to be read by us, stops nobody else.

        Raises NotLeading once the term is over: what this one saw is no reason to write under the next.
        """
        if self.parts.state.over:
            raise NotLeading("the term of this comparison is over")
        try:
            self.ledger.commit(change)
        except ConditionLost:
            self.measures.count(Event.CONDITION_LOST, RESYNC)
            return False
        except ItemUnreadable as error:
            if error.message not in self._past.unreadable:
                log.warning("left alone: %s", error.explain())
            self._past.unreadable.add(error.message)
            return False
        return True

    def _mends(self, leak: Leak, change: Change) -> bool:
        """Whether this mended it; one write does."""
        self.measures.count(Event.LEAK_FOUND, leak)
        mended = self._commits(change)
        if mended:
            self.measures.count(Event.LEAK_MENDED, leak)
        return mended

    def _restore_claims(self, addresses: list[Address]) -> None:
        """Restore claims of ours that stand in the table, although the answer to their writing was lost."""
        for address in addresses:
            side = self.ledger.address(address.allocation_id)
            if side is None or side.owner is None or not self._is_lost(side.owner):
                continue
            mode = mode_of(address, side.pool, self.pods.get(side.owner.pod_uid), self.parts.facts)
            change = transitions.restore_claim(side, side.owner, mode, self.parts.term.epoch)
            if self._mends(Leak.CLAIM, change):
                self.parts.claims.note(side.owner.pod_uid, change.pod_after)
        self.parts.memory.unknown_writes.difference_update(a.allocation_id for a in addresses)

    def _undo_intents(self) -> None:
        """Take back the intents of Pods that went before anybody knew whether they were written: nobody else would."""
        unknown_intents = self.parts.memory.unknown_intents
        for uid, intent in list(unknown_intents.items()):
            known, lives = self.ledger.pod(uid) is not None, self.pods.get(uid) is not None
            if not known and not lives:
                self._mends(Leak.INTENT, transitions.undo_intent(intent))
            if known or not lives:
                unknown_intents.pop(uid, None)

    def _is_lost(self, owner: Owner) -> bool:
        return owner.install == self.parts.facts.install and self.ledger.pod(owner.pod_uid) is None

    def _surroundings(self, addresses: list[Address]) -> Surroundings:
        records = {a.allocation_id: r for a in addresses if (r := self.ledger.address(a.allocation_id))}
        return Surroundings(
            facts=self.parts.facts,
            records=records,
            pods=self.ledger.pods(),
            unowned_long=self._unowned_long(addresses),
            pods_at=self.pods.at_ip,
            pod=self.pods.get,
            in_scope=self.pods.in_scope,
            own_instances=cache(self.pods.own_instances),
            agreed=self.agreed,
        )

    def _unowned_long(self, addresses: list[Address]) -> set[AllocationId]:
        now = self.clock()
        unowned = [a.allocation_id for a in addresses if self._is_free(a)]
        self._past.unowned_since = {key: self._past.unowned_since.get(key, now) for key in unowned}
        return {key for key, since in self._past.unowned_since.items() if now - since >= UNOWNED_S}

    def _is_free(self, address: Address) -> bool:
        return is_unowned_auto(address, self.ledger.address(address.allocation_id), self.parts.facts)

    def _purge(self, addresses: list[Address]) -> None:
        """Recent targets are forgotten once no signed call for them can live, counted from when we first saw them."""
        now, exists = self.clock(), {a.allocation_id for a in addresses}
        idle = [
            r
            for r in self.ledger.addresses().values()
            if r.owner is None and (r.recent or r.allocation_id not in exists)
        ]
        # By revision: an address that was used and freed in between has a target that is younger than our first look.
        keys = [(r.allocation_id, r.rev) for r in idle]
        self._past.recent_since = {key: self._past.recent_since.get(key, now) for key in keys}
        old = [r for key, r in zip(keys, idle, strict=True) if now - self._past.recent_since[key] >= CALL_LIFE_S]
        for record in old[:WRITES_AT_ONCE]:
            self._commits(transitions.purge_recent(record, exists=record.allocation_id in exists))

    def _forget_remembered(self, addresses: list[Address], looked_at: float) -> None:
        """Remembered intents go once no call of theirs can live, nor be hidden by a late read; counted as for `_purge`.

        One whose address a Pod may still take stays, or that address would be a stranger.
        """
        now, life_s = self.clock(), self.remembered_s + self.parts.memory.consistency_s
        kept = {remembered_uid(PodUid(a.tags.get(contract.TAG_POD_UID, ""))) for a in addresses if self._is_free(a)}
        standing = [record for uid, record in self.ledger.pods().items() if is_remembered(uid)]
        keys = [(record.uid, record.rev) for record in standing]
        self._past.remembered_since = {key: self._past.remembered_since.get(key, now) for key in keys}
        old = [
            r for r in standing if looked_at >= self._past.remembered_since[r.uid, r.rev] + life_s and r.uid not in kept
        ]
        for record in old[:WRITES_AT_ONCE]:
            self._commits(transitions.expire(record))
