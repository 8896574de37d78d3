"""The table's side of the plan's model: two items for each claim, conditions on what was read, and an epoch.

A change is applied whole or not at all, if the epoch of its install still stands and each side is as its writer read
it: the same revision of the same write, or still absent. That is what `state.model.Change` promises to be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from state.errors import ConditionLost, Fenced
from state.model import AddressRecord, AllocationId, Change, Epoch, PodRecord, PodUid, PoolQueue, Rev

_K = TypeVar("_K")
_V = TypeVar("_V")

PodKey = tuple[str, PodUid]


@dataclass(slots=True)
class Table:
    """What all installs share. Mappings are replaced, never changed. `careless` drops the conditions: a control."""

    pods: Mapping[PodKey, PodRecord] = field(default_factory=dict)
    addresses: Mapping[AllocationId, AddressRecord] = field(default_factory=dict)
    epochs: Mapping[str, Epoch] = field(default_factory=dict)
    written: int = 0
    lost: frozenset[str] = frozenset()
    ever_lost: bool = False
    careless: bool = False
    beats: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, tuple[int, tuple[PoolQueue, ...]]] = field(default_factory=dict)

    def copy(self) -> "Table":
        """The same, to be changed by itself."""
        return replace(self)

    def empty(self) -> None:
        """Lose every item; the Leases know the epochs."""
        self.written += 1
        self.pods, self.addresses, self.lost, self.ever_lost = {}, {}, frozenset(self.epochs), True

    def begin(self, cluster: str) -> Epoch:
        """Raise the epoch of this cluster's install."""
        self.lost -= {cluster}
        epoch = Epoch(self.epochs.get(cluster, 0) + 1)
        self.epochs = {**self.epochs, cluster: epoch}
        return epoch

    def apply(self, cluster: str, epoch: Epoch, change: Change) -> Change:
        """Write it, and return it as it stands now. Raises Fenced, or ConditionLost with what stands there."""
        if self.epochs.get(cluster) != epoch or cluster in self.lost:
            raise Fenced(f"epoch {epoch} has passed")
        pod = change.pod_after or change.pod_before
        side = change.address_after or change.address_before
        self._check(self.pods.get((cluster, pod.uid)) if pod else None, change.pod_before)
        self._check(self.addresses.get(side.allocation_id) if side else None, change.address_before)
        self.written += pod is not None or side is not None  # a heartbeat is no change
        written = self._marked(change)
        if pod:
            self.pods = _put(self.pods, (cluster, pod.uid), written.pod_after)
        if side:
            self.addresses = _put(self.addresses, side.allocation_id, written.address_after)
        return written

    def beat(self, cluster: str, queues: Sequence[PoolQueue] | None) -> None:
        """The install lives; it tells who waits there (None: nothing new)."""
        self.beats = {**self.beats, cluster: self.beats.get(cluster, 0) + 1}
        if queues is not None:
            self.told = {**self.told, cluster: (self.beats[cluster], tuple(queues))}

    def claims(self) -> Mapping[AllocationId, PodRecord]:
        """The Pods' sides that name an address, by it."""
        return {record.allocation_id: record for record in self.pods.values() if record.allocation_id}

    def torn(self) -> str:
        """Which mapping has sides that do not agree, or an address that two Pods name; empty: none."""
        named = [(cluster, record) for (cluster, _), record in self.pods.items() if record.allocation_id]
        if len({record.allocation_id for _, record in named}) < len(named):
            return "two Pods name one address in the ledger"
        for cluster, record in named:
            side = self.addresses.get(record.allocation_id) if record.allocation_id else None
            if (
                side is None
                or side.owner is None
                or (side.owner.cluster_uid, side.owner.pod_uid) != (cluster, record.uid)
            ):
                return f"{record.uid} names {record.allocation_id}, whose side in the ledger says otherwise"
        return ""

    def _check(self, standing: PodRecord | AddressRecord | None, expected: PodRecord | AddressRecord | None) -> None:
        if self.careless:
            return
        if standing is None or expected is None:
            same = standing is expected
        else:
            same = standing.rev == expected.rev and expected.nonce in ("", standing.nonce)
        if not same:
            raise ConditionLost("not as it was read", current=standing)

    def _marked(self, change: Change) -> Change:
        pod, side, nonce = change.pod_after, change.address_after, f"n-{self.written}"
        return replace(
            change,
            pod_after=pod and replace(pod, rev=_next(change.pod_before), nonce=nonce),
            address_after=side and replace(side, rev=_next(change.address_before), nonce=nonce),
        )


def _next(before: PodRecord | AddressRecord | None) -> Rev:
    return Rev(before.rev + 1 if before else 1)


def _put(items: Mapping[_K, _V], key: _K, value: _V | None) -> Mapping[_K, _V]:
    return {k: v for k, v in items.items() if k != key} if value is None else {**items, key: value}
