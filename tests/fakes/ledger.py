"""A ledger in memory, for tests that are about something else.

It keeps the conditions of the real one (revs, absence, the epoch of the install) and its answers, and passes the same
contract tests. Several installs share one `FakeTable` as several clusters share a DynamoDB table. A test can make
the next commits fail, lose their reply, or fence an install; it never waits and never guesses.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from controller.engine.wall import moment
from state.errors import ConditionLost, Fenced, ItemUnreadable, NotLeading, PodEipError, Unavailable
from state.model import (
    AddressRecord,
    AllocationId,
    Change,
    Epoch,
    InstallKey,
    InstallRecord,
    PodRecord,
    PodUid,
    PoolQueue,
    Rev,
)
from tests.fakes.ledger_table import FakeTable

_R = TypeVar("_R", PodRecord, AddressRecord)
_K = TypeVar("_K")
_V = TypeVar("_V")


class FakeLedger:
    """The ledger of one install over a `FakeTable`."""

    def __init__(
        self,
        table: FakeTable,
        install: InstallKey,
        *,
        cluster_name: str = "a",
        scope: str = "",
        version: str = "0",
        silence_s: int = 3600,
        identity: str = "fake",
        clock: Callable[[], float] = time.monotonic,
        on_fenced: Callable[[], None] | None = None,
    ) -> None:
        self.table, self.install, self.restored = table, install, False
        self.commits, self.cut_off = 0, False
        self._facts = (cluster_name, scope, version, silence_s)
        self._identity, self._clock, self._on_fenced = identity, clock, on_fenced
        self._epoch: Epoch | None = None
        self._beats = 0
        self._is_fenced = False
        self._before: Callable[[], None] = lambda: None
        self._faults: list[tuple[PodEipError | None, PodEipError | None]] = []  # before, after
        self._pods: dict[PodUid, PodRecord] = {}
        self._addresses: dict[AllocationId, AddressRecord] = {}
        self._written_at: float | None = None

    # What a test arranges

    def fail_next(self, error: PodEipError) -> None:
        """Let one commit more fail with `error`, with nothing written."""
        self._faults.append((error, None))

    def lose_next(self, error: PodEipError | None = None) -> None:
        """Let one commit more be written and yet answered with `error` (Unavailable): the cache does not know."""
        self._faults.append((None, error or Unavailable("the reply was lost")))

    # Terms

    def begin_term(self, identity: str = "", lease_epoch: int = 0, before: Callable[[], None] = lambda: None) -> Epoch:
        """Raise the epoch and read the claims."""
        before()
        with self.table.lock:
            standing = self.table.installs.get(self.install)
            known = standing.epoch if standing else 0
            turned_back = (standing.heartbeat if standing else 0) < self._beats
            epoch = Epoch(max(known, lease_epoch) + 1)
            self.table.installs[self.install] = made = self._record(epoch, standing, identity or self._identity)
            self.table.directory[self.install] = epoch
            self._load()
        self.restored, self._epoch, self._is_fenced = known < lease_epoch or turned_back, epoch, False
        self._beats = made.heartbeat
        self._before, self._written_at = before, self._clock()
        return epoch

    def _record(self, epoch: Epoch, standing: InstallRecord | None, identity: str) -> InstallRecord:
        name, scope, version, silence_s = self._facts
        return InstallRecord(
            key=self.install,
            epoch=epoch,
            heartbeat=standing.heartbeat + 1 if standing else 1,
            leader=identity,
            cluster_name=name,
            scope=scope,
            silence_s=silence_s,
            version=version,
        )

    def _load(self) -> None:
        stored = self.table.pods.items()
        self._pods = {uid: pod for (_, uid), (pod, by) in stored if by == self.install}
        named = {pod.allocation_id for pod in self._pods.values()}
        self._addresses = {key: record for key in named if key and (record := self._readable(key))}

    def _readable(self, allocation_id: AllocationId) -> AddressRecord | None:
        """An item that cannot be read is not there for whoever reads it."""
        return None if allocation_id in self.table.unreadable else self.table.addresses.get(allocation_id)

    def end_term(self) -> None:
        """Write no more."""
        self._epoch = None

    close = end_term

    # What is known

    def pods(self) -> Mapping[PodUid, PodRecord]:
        """A snapshot of our claims."""
        return dict(self._pods)

    def pod(self, uid: PodUid) -> PodRecord | None:
        """One claim."""
        return self._pods.get(uid)

    def addresses(self) -> Mapping[AllocationId, AddressRecord]:
        """A snapshot of the addresses that were read or written."""
        return dict(self._addresses)

    def address(self, allocation_id: AllocationId) -> AddressRecord | None:
        """One address."""
        return self._addresses.get(allocation_id)

    def neighbours(self) -> Mapping[InstallKey, Mapping[PodUid, PodRecord]]:
        """Claims of other installs of our cluster."""
        found: dict[InstallKey, dict[PodUid, PodRecord]] = {}
        for (cluster, uid), (pod, by) in self.table.pods.items():
            if cluster == self.install.cluster_uid and by != self.install:
                found.setdefault(by, {})[uid] = pod
        return found

    def unreadable(self) -> Mapping[tuple[str, str], ItemUnreadable]:
        """The addresses of the table that a test calls so."""
        return {(f"eip#{a}", "claim"): ItemUnreadable("a newer schema version") for a in self.table.unreadable}

    def refresh(self, allocation_ids: Iterable[AllocationId]) -> None:
        """Read these addresses anew."""
        self._reach()
        with self.table.lock:
            for allocation_id in allocation_ids:
                self._saw_address(allocation_id, self._readable(allocation_id))

    def installs(self) -> Sequence[InstallRecord]:
        """Every install."""
        self._reach()
        with self.table.lock:
            lines = self.table.directory.items()
            found = [(self.table.installs[key], line) for key, line in lines if key in self.table.installs]
            return [replace(record, fenced=record.epoch > line) for record, line in found]

    # Writes

    def commit(self, change: Change) -> None:
        """Write both sides if the epoch and both revs still stand."""
        self._write(change, None)

    def take_over(self, silent: InstallRecord, change: Change | None = None) -> None:
        """`commit`, and fence `silent` if its heartbeat has not moved."""
        self._write(change or Change(), silent)

    def fence_self(self, epoch: Epoch) -> None:
        """Fence ourselves."""
        self.end_term()
        with self.table.lock:
            if self.table.installs[self.install].epoch != epoch:
                raise ConditionLost("the epoch was raised by somebody else")
            self.table.fence(self.install)

    def deregister(self, fenced: InstallRecord) -> None:
        """Forget a fenced install."""
        with self.table.lock:
            line = self.table.directory.get(fenced.key)
            if line is None or line >= fenced.epoch:
                raise ConditionLost("the install is not fenced")
            del self.table.directory[fenced.key]

    def heartbeat(self, queues: Sequence[PoolQueue] | None = None) -> None:
        """Move the heartbeat, and tell the queues."""
        self._write(Change(), None)
        if queues is not None:
            with self.table.lock:
                self.table.installs[self.install] = replace(
                    self.table.installs[self.install], queues=tuple(queues), word=str(self._beats)
                )

    def seconds_since_write(self) -> float:
        """Seconds since the last accepted write."""
        return float("inf") if self._written_at is None else self._clock() - self._written_at

    def _write(self, change: Change, silent: InstallRecord | None) -> None:
        epoch = self._may_write()
        self._reach()
        before, after = self._faults.pop(0) if self._faults else (None, None)
        if before:
            raise before
        with self.table.lock:
            self._check_epoch(epoch)
            self._check(change, silent)
            self._apply(change, silent)
        self.commits += 1
        if after:
            raise after
        self._remember(change)
        self._written_at = self._clock()

    def _reach(self) -> None:
        if self.cut_off:
            raise Unavailable("the table cannot be reached")

    def _may_write(self) -> Epoch:
        if self._epoch is None:
            raise NotLeading("this replica does not lead")
        if self._is_fenced:
            raise Fenced("the epoch has passed")
        self._before()
        return self._epoch

    def _check_epoch(self, epoch: Epoch) -> None:
        standing = self.table.installs.get(self.install)
        if standing is None or standing.epoch != epoch or standing.heartbeat < self._beats:
            self._is_fenced = True
            if self._on_fenced:
                self._on_fenced()
            raise Fenced("the epoch has passed")

    def _check(self, change: Change, silent: InstallRecord | None) -> None:
        if pod := change.pod_before or change.pod_after:
            stored = self.table.pods.get((self.install.cluster_uid, pod.uid))
            if _rev(stored and stored[0]) != _rev(change.pod_before):
                self._saw_pod(pod.uid, stored)
                raise ConditionLost("the pod's side is not as it was read", current=stored and stored[0])
        if address := change.address_before or change.address_after:
            if address.allocation_id in self.table.unreadable:
                raise ItemUnreadable(f"{address.allocation_id} is from a newer release")
            standing = self.table.addresses.get(address.allocation_id)
            if _rev(standing) != _rev(change.address_before):
                self._saw_address(address.allocation_id, standing)
                raise ConditionLost("the address's side is not as it was read", current=standing)
        if silent and self.table.installs[silent.key].heartbeat != silent.heartbeat:
            raise ConditionLost("the install is not silent", current=self.table.installs[silent.key])

    def _apply(self, change: Change, silent: InstallRecord | None) -> None:
        if pod := change.pod_before or change.pod_after:
            after = _next(change.pod_before, change.pod_after)
            stored = (after, self.install) if after else None
            _put(self.table.pods, (self.install.cluster_uid, pod.uid), stored)
        if address := change.address_before or change.address_after:
            _put(self.table.addresses, address.allocation_id, _next(change.address_before, change.address_after))
        own = self.table.installs[self.install]
        self._beats = own.heartbeat + 1
        self.table.installs[self.install] = replace(own, heartbeat=self._beats)
        if silent:
            self.table.fence(silent.key)

    def _remember(self, change: Change) -> None:
        if pod := change.pod_before or change.pod_after:
            _put(self._pods, pod.uid, _next(change.pod_before, change.pod_after))
        if address := change.address_before or change.address_after:
            self._saw_address(address.allocation_id, _next(change.address_before, change.address_after))

    def _saw_pod(self, uid: PodUid, stored: tuple[PodRecord, InstallKey] | None) -> None:
        _put(self._pods, uid, stored[0] if stored and stored[1] == self.install else None)

    def _saw_address(self, allocation_id: AllocationId, record: AddressRecord | None) -> None:
        _put(self._addresses, allocation_id, record)


def _rev(record: PodRecord | AddressRecord | None) -> Rev | None:
    return record.rev if record else None


def _next(before: _R | None, after: _R | None) -> _R | None:
    """`after` with the rev that follows, and the time at which it came into its phase."""
    if isinstance(after, PodRecord):
        same = isinstance(before, PodRecord) and before.phase is after.phase
        after = replace(after, since=before.since if same and before else moment(time.time()))
    return replace(after, rev=Rev(before.rev + 1 if before else 1)) if after else None


def _put(items: dict[_K, _V], key: _K, value: _V | None) -> None:
    if value is None:
        items.pop(key, None)
    else:
        items[key] = value
