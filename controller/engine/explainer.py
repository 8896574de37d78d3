"""Explains one Pod from what this replica knows: its caches, and the loop's last note of the Pod. No API is called.

It runs in the thread of whoever asks. The loop is not asked, so neither waits for the other: what the loop observed
is a value that never changes, and the caches may be read by any thread. So an answer may be a plan behind; it says so.
"""

import datetime
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from controller.core.actions import Plan, Wait, WaitReason
from controller.core.desire import Desire, Gone, Pending, Serve, desire
from controller.core.explain import NO_SUCH_POD, Explanation, Progress, Source, explain, unknown
from controller.core.plan import plan
from controller.core.policy import Refusal
from controller.core.ports import Clock, Ledger, Pods
from controller.core.remembered import is_remembered
from controller.core.situation import Facts, Situation
from controller.core.status import LeaderStatus
from controller.core.tenancy import Rules
from controller.core.views import PodView
from controller.engine.lookups import words
from controller.engine.opening import OpenTerm
from controller.engine.pod_notes import PodNote
from controller.engine.reconcile import Reconciler
from state.model import PodRecord, PodUid

NAMES_KEPT_S = 0.25
"""How long the index of names is used, in seconds: it is made by a look at all Pods that ask for an address."""


class Explainer:
    """Thread-safe. `facts`: of this install. `trouble`: why it must not lead, in words; empty: it may."""

    def __init__(
        self,
        *,
        facts: Facts,
        identity: str,
        pods: Pods,
        ledger: Ledger,
        loop: Reconciler,
        leader: Callable[[], LeaderStatus],
        rules: Callable[[], Rules],
        trouble: Callable[[], str],
        clock: Clock,
    ) -> None:
        self._facts, self._identity, self._pods, self._ledger = facts, identity, pods, ledger
        self._loop, self._leader, self._rules, self._trouble, self._clock = loop, leader, rules, trouble, clock
        self._lock, self._names_until = threading.Lock(), float("-inf")
        self._names: Mapping[tuple[str, str], list[PodUid]] = {}

    def explain(self, namespace: str, name: str) -> Explanation:
        """This Pod, without a UID where nobody of this name asks for an address or has one."""
        uids, opened = self._named().get((namespace, name), ()), self._loop.opened
        if not uids:
            return unknown(namespace, name, NO_SUCH_POD, self._source(opened, ()))
        source = self._source(opened, [uid for uid in uids[1:] if self._ledger.pod(uid) is not None])
        return self._explained(uids[0], opened, source)

    # ── whom the name means ──

    def _named(self) -> Mapping[tuple[str, str], list[PodUid]]:
        """The UIDs of each name, first that of the Pod that lives."""
        with self._lock:
            if self._clock() >= self._names_until:
                found: dict[tuple[str, str], list[PodUid]] = {}
                live = sorted(self._pods.annotated(), key=lambda pod: pod.created, reverse=True)
                held = [record for uid, record in self._ledger.pods().items() if not is_remembered(uid)]
                everyone: list[PodView | PodRecord] = [*live, *held]
                for one in everyone:
                    of = found.setdefault((one.namespace, one.name), [])
                    if one.uid not in of:
                        of.append(one.uid)
                self._names, self._names_until = found, self._clock() + NAMES_KEPT_S
            return self._names

    # ── what is said ──

    def _explained(self, uid: PodUid, opened: OpenTerm | None, source: Source) -> Explanation:
        note = opened.parts.notes.get(uid) if opened else None
        s = self._situation(uid, opened, note)
        if opened is None or note is None:
            return explain(s, _of_own_knowledge(s), self._progress(uid, opened, None), source)
        changed = (note.situation.pod, note.situation.record) != (s.pod, s.record)
        if changed:
            source = replace(
                source, notes=(*source.notes, "The Pod or its claim has changed since its last plan; the next is due")
            )
        actions = note.rest or (() if note.plan or note.wait else plan(s))
        return explain(s, actions, self._progress(uid, opened, note), source)

    def _situation(self, uid: PodUid, opened: OpenTerm | None, note: PodNote | None) -> Situation:
        """The Pod as it was observed, with its own state and its claim as they are now."""
        pod, record = self._pods.get(uid), self._ledger.pod(uid)
        if note is None:
            wanted: Desire = desire(pod) if pod is not None else Gone()
            base = Situation(uid=uid, desire=wanted, facts=self._facts, refusal=self._refusal(pod, record, wanted))
        else:
            same = pod == note.situation.pod
            wanted = note.situation.desire if same or pod is None else desire(pod)
            base = replace(note.situation, desire=wanted)
        held = record.allocation_id if record else None
        return replace(
            base,
            pod=pod,
            record=record,
            claim=self._ledger.address(held) if held else None,
            address=opened.parts.view.get(held) if opened else None,
        )

    def _refusal(self, pod: PodView | None, record: PodRecord | None, wanted: Desire) -> Refusal | None:
        """What the rules say; how many addresses others have is the leader's to count."""
        if pod is None or record is not None or not isinstance(wanted, Serve | Pending):
            return None
        why = self._rules().refusal(pod.namespace, wanted.mode, wanted.pool)
        return None if why is None else Refusal(why=why)

    def _progress(self, uid: PodUid, opened: OpenTerm | None, note: PodNote | None) -> Progress:
        if opened is None:
            return Progress()
        now, queue, mine = self._clock(), opened.parts.queue, opened.state.memory.pods.get(uid)
        due = queue.keys.due.get(uid)
        told = ": ".join(mine.told) if mine and any(mine.told) else ""
        asked = list(mine.asked) if mine else []
        waits = note.wait if note else None
        return Progress(
            waits=waits,
            error=note.error if note else None,
            attempts=queue.failures(uid),
            next_s=None if due is None else due - now,
            woken_by=note.then.woken_by if note else frozenset(),
            waiting_s=now - mine.waiting_since if mine and waits and mine.waiting else None,
            told=told,
            looking=" and ".join(sorted({words(kind) for kind, _ in asked})),
            acting=uid in self._loop.known.in_flight.uids,
            planned_s=now - note.at if note else None,
        )

    def _source(self, opened: OpenTerm | None, earlier: Collection[PodUid]) -> Source:
        leader, notes = self._leader(), list[str]()
        if opened is None and leader.identity:
            notes.append(
                f"This replica does not lead, and its view of the ledger may be a minute old; {leader.identity} leads"
            )
        elif opened is None:
            notes.append("No replica leads: nothing is done for any Pod until one does")
        if trouble := self._trouble():
            notes.append(f"This replica cannot lead: {trouble}")
        for record in (self._ledger.pod(uid) for uid in earlier):
            if record is not None and record.public_ip:
                notes.append(f"An earlier Pod of this name has the address {record.public_ip} still")
        return Source(
            identity=self._identity,
            leads=opened is not None,
            cluster=self._facts.cluster_name,
            as_of=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            notes=tuple(notes),
        )


def _of_own_knowledge(s: Situation) -> Plan:
    """The plan as far as it follows from what every replica knows: EC2 is looked at by the leader alone."""
    if s.record is not None:
        return ()
    made = plan(s)
    unknown = any(isinstance(step, Wait) and step.reason is WaitReason.LOOK for step in made)
    return () if unknown else made
