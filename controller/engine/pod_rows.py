"""The status document's rows of Pods: from the informer, the claims, and what the leader remembers of each Pod.

A standby has no memory of a term, and its claims are as old as its last look at the table. What only the leader knows
(why a Pod waits, what EC2 refused, when it is tried again) is None there. A label of ours on the Pod is newer evidence
than such a claim: the leader puts it on last of all.
"""

from collections.abc import Mapping

from controller.core import contract
from controller.core.actions import WaitReason
from controller.core.desire import Invalid, Nothing, Pending, Serve, desire
from controller.core.modes import SPECS
from controller.core.status import PodStatus, ShownPhase
from controller.core.tenancy import Rules
from controller.core.tracing import trace_id
from controller.core.views import PodView
from controller.engine.memory import PodProgress
from controller.engine.opening import OpenTerm
from controller.engine.wall import WallClock
from state.model import Phase, PodRecord, PodUid

_SHOWN = {
    Phase.INTENT: ShownPhase.PENDING,
    Phase.CLAIMED: ShownPhase.CLAIMED,
    Phase.ASSOCIATED: ShownPhase.ASSOCIATED,
    Phase.RELEASING: ShownPhase.RELEASING,
}
_WAITS = (WaitReason.POOL, WaitReason.ROOM, WaitReason.FULL, WaitReason.QUOTA)


class PodRows:
    """The rows of one moment. `opened`: the term of the leader; None: this replica does not lead."""

    def __init__(self, opened: OpenTerm | None, rules: Rules, wall: WallClock) -> None:
        self._rules, self._wall = rules, wall
        self._memory = opened.state.memory.pods if opened else None
        self._queue = opened.parts.queue if opened else None
        self.for_all = (opened is not None, rules)
        """What all rows are made from."""

    def more(self, records: Mapping[PodUid, PodRecord]) -> Mapping[PodUid, object]:
        """All that a row is made from beside the Pod and its claim, of the Pods of which there is something."""
        memory, queue = self._memory or {}, self._queue
        told: dict[PodUid, object] = {}
        for uid, mine in list(memory.items()):
            record = records.get(uid)
            trace = "" if record is not None and record.traceparent else mine.traceparent(record)
            if mine.waiting or mine.error or trace:
                told[uid] = (mine.waiting, mine.error, trace)
        if queue is None:
            return told
        failures, due = dict(queue.keys.failures), dict(queue.keys.due)
        return told | {uid: (told.get(uid), failures.get(uid), due.get(uid)) for uid in failures.keys() | due.keys()}

    def row(self, uid: PodUid, record: PodRecord | None, view: PodView | None) -> PodStatus | None:
        """The row of a Pod; None: it asks for nothing, and has nothing."""
        if record is None and (view is None or isinstance(desire(view), Nothing)):
            return None
        memory = self._memory.get(uid) if self._memory else None
        label = view.labels.get(contract.LABEL_PUBLIC_IP) if view and self._memory is None else None
        phase = self._phase(record, view, memory, label)
        return PodStatus(
            namespace=record.namespace if record else view.namespace if view else "",
            name=record.name if record else view.name if view else "",
            uid=uid,
            mode=_mode(record, view),
            phase=phase,
            public_ip=label or (record.public_ip if record else None),
            private_ip=(view.ip if view else record.target.private_ip if record and record.target else "") or None,
            allocation_id=record.allocation_id if record else None,
            since=_since(record, view, phase),
            error=self._error(record, view, memory),
            node=(view.node if view else "") or None,
            created=(view.created if view else "") or None,
            attempts=self._queue.failures(uid) if self._queue is not None else None,
            next_try=self._next_try(uid),
            trace_id=trace_id(_traceparent(record, memory)) or None,
            pool=_pool(record, view),
        )

    def _phase(
        self, record: PodRecord | None, view: PodView | None, memory: PodProgress | None, label: str | None
    ) -> ShownPhase:
        if record is not None and (view is None or record.phase is Phase.RELEASING):
            return ShownPhase.RELEASING
        if view is not None and isinstance(desire(view), Invalid):
            return ShownPhase.INVALID
        if label:
            return ShownPhase.ASSOCIATED
        if record is not None:
            return _SHOWN[record.phase]
        if view is not None and self._refusal(view):
            return ShownPhase.REFUSED
        return ShownPhase.WAITING if memory is not None and memory.waiting in _WAITS else ShownPhase.PENDING

    def _error(self, record: PodRecord | None, view: PodView | None, memory: PodProgress | None) -> str | None:
        wanted = desire(view) if view else Nothing()
        if isinstance(wanted, Invalid):
            return wanted.why
        refusal = self._refusal(view) if view and record is None else None
        return refusal or contract.for_tenants(memory.error if memory else "") or None

    def _refusal(self, view: PodView) -> str | None:
        """Why the policy refuses it; a standby reads the policy's file too."""
        wanted = desire(view)
        if not isinstance(wanted, Serve | Pending):
            return None
        return self._rules.refusal(view.namespace, wanted.mode, wanted.pool)

    def _next_try(self, uid: PodUid) -> str | None:
        due = self._queue.due(uid) if self._queue is not None else None
        return None if due is None else self._wall.text(due)


def _traceparent(record: PodRecord | None, memory: PodProgress | None) -> str:
    """That of the ledger; before the first write only the leader knows one."""
    return memory.traceparent(record) if memory else record.traceparent if record else ""


def _mode(record: PodRecord | None, view: PodView | None) -> str:
    """The mode in force; where there is none, what the annotation says."""
    if record is not None:
        return str(record.mode)
    return contract.shortened(view.annotations.get(contract.ANNOTATION_TYPE, "")) if view else ""


def _pool(record: PodRecord | None, view: PodView | None) -> str | None:
    """The pool in force; where there is none, the one that is asked for: a pool of 128 characters at most."""
    if record is not None:
        return record.pool or None
    wanted = desire(view) if view else None
    return wanted.pool if isinstance(wanted, Serve | Pending) else None


def _since(record: PodRecord | None, view: PodView | None, phase: ShownPhase) -> str | None:
    """Since when it is in this phase, as the ledger says; a Pod without a claim asks since it was created.

    None where the claim does not know: what is shown is newer than it, or an earlier release wrote it.
    """
    if record is not None:
        return (record.since if _SHOWN[record.phase] is phase else "") or None
    return (view.created if view and phase is not ShownPhase.ASSOCIATED else "") or None


def asked_key(view: PodView | None) -> str | None:
    """The tag key of the pool that the Pod asks for, if it can be served."""
    wanted = desire(view) if view else None
    return wanted.pool if isinstance(wanted, Serve) and not SPECS[wanted.mode].allocates else None
