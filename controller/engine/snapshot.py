"""What one replica knows, as the status document: made from caches alone, so that asking for it costs no call.

A standby shows the same Pods as the leader, from its own informer and from the ledger as it last read it. What only the
leader learns (why a Pod waits, what EC2 refused) only the leader shows.
"""

import datetime
import threading
from collections.abc import Callable, Iterable, Sequence

from controller.core import contract
from controller.core.actions import WaitReason
from controller.core.candidates import is_free
from controller.core.desire import Invalid, Nothing, Pending, Serve, desire
from controller.core.hangs import Waits
from controller.core.modes import SPECS
from controller.core.pools import carries
from controller.core.ports import Ledger, Pods
from controller.core.remembered import is_remembered
from controller.core.status import (
    ClusterStatus,
    HolderStatus,
    LeaderStatus,
    PodStatus,
    PoolStatus,
    ShownPhase,
    Status,
)
from controller.core.views import Address, PodView
from controller.engine.memory import PodProgress
from controller.engine.peers import Peer
from controller.engine.policy_file import PolicyFile
from controller.engine.reconcile import Reconciler
from state.model import InstallKey, Phase, PodRecord, PodUid, PoolQueue

_SHOWN = {
    Phase.INTENT: ShownPhase.PENDING,
    Phase.CLAIMED: ShownPhase.CLAIMED,
    Phase.ASSOCIATED: ShownPhase.ASSOCIATED,
    Phase.RELEASING: ShownPhase.RELEASING,
}


class Snapshot:
    """Builds the document. Thread-safe."""

    def __init__(
        self,
        *,
        cluster: str,
        identity: str,
        version: str,
        pods: Pods,
        ledger: Ledger,
        loop: Reconciler,
        leader: Callable[[], LeaderStatus],
        policies: PolicyFile,
        waits: Callable[[], Waits] = Waits,
    ) -> None:
        self._cluster, self._identity, self._version = cluster, identity, version
        self._pods, self._ledger, self._loop, self._leader = pods, ledger, loop, leader
        self._policies, self._waits, self._lock = policies, waits, threading.Lock()
        self._since: dict[PodUid, tuple[ShownPhase, str]] = {}

    def build(self) -> Status:
        """The document of this moment."""
        now, opened = _now(), self._loop.opened
        records = {uid: record for uid, record in self._ledger.pods().items() if not is_remembered(uid)}
        views = {pod.uid: pod for pod in self._pods.annotated()}
        uids = sorted({*records, *views}, key=lambda uid: _order(records.get(uid), views.get(uid)))
        with self._lock:
            shown = [p for uid in uids if (p := self._pod(uid, records.get(uid), views.get(uid), now))]
            self._since = {uid: since for uid, since in self._since.items() if uid in records or uid in views}
        return Status(
            cluster=self._cluster,
            identity=self._identity,
            version=self._version,
            as_of=now,
            leader=self._leader(),
            pods=tuple(shown),
            pools=tuple(self._pools(records.values(), views.values())),
            clusters=tuple(self._clusters()),
            policy=self._policies.status(),
            quota=opened.parts.quota.status() if opened else None,
            contested=self._contested(),
            left_alone=self._left_alone(),
            waits=self._waits(),
        )

    def _contested(self) -> int:
        opened = self._loop.opened
        memory = opened.state.memory if opened else None
        return sum(mine.contested(memory.clock()) for mine in list(memory.pods.values())) if memory else 0

    def _left_alone(self) -> tuple[str, ...]:
        opened = self._loop.opened
        return opened.housekeeping.reports() if opened else ()

    def _pod(self, uid: PodUid, record: PodRecord | None, view: PodView | None, now: str) -> PodStatus | None:
        wanted = desire(view) if view else Nothing()
        if record is None and isinstance(wanted, Nothing):
            return None
        memory = self._memory(uid)
        phase = self._phase(record, view, memory)
        if self._since.get(uid, (None, ""))[0] is not phase:
            self._since[uid] = (phase, now)
        return PodStatus(
            namespace=record.namespace if record else view.namespace if view else "",
            name=record.name if record else view.name if view else "",
            uid=uid,
            mode=_mode(record, view),
            phase=phase,
            public_ip=record.public_ip if record else None,
            private_ip=(view.ip if view else record.target.private_ip if record and record.target else "") or None,
            allocation_id=record.allocation_id if record else None,
            since=self._since[uid][1],
            error=self._error(record, view, memory),
        )

    def _phase(self, record: PodRecord | None, view: PodView | None, memory: PodProgress | None) -> ShownPhase:
        if record is not None:
            return _SHOWN[record.phase] if view is not None else ShownPhase.RELEASING
        if view is not None and isinstance(desire(view), Invalid):
            return ShownPhase.INVALID
        if view is not None and self._refusal(view):
            return ShownPhase.REFUSED
        waits = memory is not None and memory.waiting in (
            WaitReason.POOL,
            WaitReason.ROOM,
            WaitReason.FULL,
            WaitReason.QUOTA,
        )
        return ShownPhase.WAITING if waits else ShownPhase.PENDING

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
        return self._policies.rules().refusal(view.namespace, wanted.mode, wanted.pool)

    def _memory(self, uid: PodUid) -> PodProgress | None:
        opened = self._loop.opened
        return opened.state.memory.pods.get(uid) if opened else None

    def _pools(self, records: Iterable[PodRecord], views: Iterable[PodView]) -> list[PoolStatus]:
        keys = {record.pool for record in records if record.pool and not SPECS[record.mode].allocates}
        waiting: dict[str, int] = {}
        for view in views:
            wanted = desire(view)
            if isinstance(wanted, Serve) and not SPECS[wanted.mode].allocates:
                keys.add(wanted.pool)
                memory = self._memory(view.uid)
                waiting[wanted.pool] = waiting.get(wanted.pool, 0) + bool(memory and memory.waiting == WaitReason.POOL)
        opened = self._loop.opened
        addresses = opened.parts.view.all() if opened else []
        members = _members(addresses)
        waited: dict[str, int] = {}
        for queue in self._queues():
            waited[queue.pool] = max(queue.waited_s, waited.get(queue.pool, 0))
        return [self._pool(key, members.get(key, ()), waiting.get(key, 0), waited.get(key, 0)) for key in sorted(keys)]

    def _pool(self, key: str, members: Sequence[Address], waiting: int, longest_wait_s: int) -> PoolStatus:
        free = [a for a in members if is_free(a, self._ledger.address(a.allocation_id))]
        holders = tuple(h for a in members if (h := self._holder(a)))
        return PoolStatus(
            tag_key=key,
            total=len(members),
            free=len(free),
            waiting=waiting,
            longest_wait_s=longest_wait_s,
            named=self._policies.rules().tenancy.names_key(key, len(members)),
            holders=holders,
        )

    def _queues(self) -> tuple[PoolQueue, ...]:
        opened = self._loop.opened
        return opened.state.memory.queues.shown() if opened else ()

    def _holder(self, address: Address) -> HolderStatus | None:
        record = self._ledger.address(address.allocation_id)
        if record is None or record.owner is None:
            return None
        names = {peer.record.key.cluster_uid: peer.record.cluster_name for peer in self._peers()}
        cluster = names.get(record.owner.cluster_uid, record.owner.cluster_uid)
        return HolderStatus(public_ip=address.public_ip, cluster=cluster, pod=record.last_holder)

    def _clusters(self) -> list[ClusterStatus]:
        owned: dict[InstallKey, int] = {}
        for record in self._ledger.addresses().values():
            if record.owner is not None:
                owned[record.owner.install] = owned.get(record.owner.install, 0) + 1
        opened = self._loop.opened
        house = opened.housekeeping if opened else None
        namesakes = house.namesakes() if house else ()
        return [
            ClusterStatus(
                uid=peer.record.key.cluster_uid,
                name=peer.record.cluster_name,
                silent_s=round(house.peers.silent_s(peer), 1),
                addresses=owned.get(peer.record.key, 0),
                install=peer.record.key.install,
                waiting=sum(queue.waiting for queue in peer.record.queues),
                same_name=peer.record.key.cluster_uid in namesakes,
            )
            for peer in self._peers()
            if house is not None
        ]

    def _peers(self) -> list[Peer]:
        opened = self._loop.opened
        return opened.housekeeping.peers.all() if opened else []


def _members(addresses: Iterable[Address]) -> dict[str, list[Address]]:
    """The addresses of each pool: looked through once, however many keys the Pods name."""
    found: dict[str, list[Address]] = {}
    for address in addresses:
        for key in address.tags:
            if carries(address, key):
                found.setdefault(key, []).append(address)
    return found


def _mode(record: PodRecord | None, view: PodView | None) -> str:
    """The mode in force; where there is none, what the annotation says."""
    if record is not None:
        return str(record.mode)
    return contract.shortened(view.annotations.get(contract.ANNOTATION_TYPE, "")) if view else ""


def _order(record: PodRecord | None, view: PodView | None) -> tuple[str, str]:
    if view is not None:
        return (view.namespace, view.name)
    return (record.namespace, record.name) if record else ("", "")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
