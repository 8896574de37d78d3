"""The claims, and the only code that reads or writes them.

It guarantees three things. No change is applied under an epoch that has passed, since each is in one transaction with a
condition on the epoch. An address has one owner, since a change of its item needs the rev that was read. A caller that
is told "written" can rely on it, since an unknown outcome is read back. It does not guarantee that a leader knows that
it was fenced before its next write; safety does not depend on that.

A term begins with an epoch above both the table's and the Lease's, so that neither a restored table nor a deleted Lease
brings an old one back. Everything is read after the epoch is written: a write that an earlier leader still has on its
way is either in that reading or refused.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from state.cache import Cache
from state.connection import Key, Raw
from state.epochs import EpochRaiser
from state.errors import ConditionLost, ItemUnreadable, PodEipError
from state.group import GroupCommit, Patience
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
)
from state.operations import compose
from state.reader import Reader
from state.table import POD_PREFIX, Table
from state.transaction import Transactions, WriteTerm
from state.writer import Writer


class DynamoLedger:
    """The ledger of one install. Reads work at any time, writes between `begin_term` and `end_term`."""

    def __init__(
        self,
        table: Table,
        install: InstallKey,
        *,
        cluster_name: str,
        scope: str,
        version: str,
        silence_s: int,
        identity: str = "",
        call_timeout: float = 4.0,
        clock: Callable[[], float] = time.monotonic,
        patience: Patience | None = None,
        on_fenced: Callable[[], None] | None = None,
        on_missing: Callable[[], None] | None = None,
    ) -> None:
        """`clock` is monotonic seconds; `on_fenced` and `on_missing` (there is no table) must not block."""
        self._table, self._install, self._clock = table, install, clock
        self._identity, self._limit = identity, 3 * call_timeout
        self._on_fenced, self._on_missing = on_fenced, on_missing
        self._cache, self._reader = Cache(), Reader(table, install)
        self._raiser = EpochRaiser(
            table, install, cluster_name=cluster_name, scope=scope, version=version, silence_s=silence_s
        )
        patience = patience or Patience(budget_s=2 * call_timeout)
        group = GroupCommit(
            Transactions(table, install), table.connection.strong_get, self, clock=clock, patience=patience
        )
        self._writer = Writer(group.commit, name=f"ledger-{install.install}", clock=clock)
        self._between_terms = threading.Lock()
        self._begun = self._beats = 0
        self._term: WriteTerm | None = None
        self._written_at: float | None = None
        self._neighbours: Mapping[InstallKey, Mapping[PodUid, PodRecord]] = {}
        self.restored = False

    # Terms

    def begin_term(self, identity: str = "", lease_epoch: int = 0, before: Callable[[], None] = lambda: None) -> Epoch:
        """Fence every earlier leader of this install, read the ledger, and take writes under the new epoch.

        `before` is called as the last thing before each transaction is sent; if it raises, nothing is sent. `restored`
        tells afterwards whether the table had a lower epoch than the Lease (`lease_epoch`), or fewer heartbeats than
        the last term of this replica. Raises what a read raises, ItemUnreadable if a newer release wrote our install's
        item, and ConditionLost if others keep raising the epoch.
        """
        self._end()
        self._begun += 1
        sent_at = self._clock()
        raised = self._raiser.raise_epoch(identity or self._identity, lease_epoch, before)
        reading = self._reader.claims()
        self._neighbours = reading.neighbours
        self.restored = raised.before < lease_epoch or raised.heartbeat <= self._beats
        self._written_at = sent_at
        with self._between_terms:
            self._cache.replace(reading.pods, reading.addresses, reading.unreadable)
            self._term = WriteTerm(epoch=raised.epoch, guard=before, beats=raised.heartbeat)
        self._writer.open(self._term)
        return raised.epoch

    def end_term(self) -> None:
        """Take no more writes: what is queued fails with NotLeading, what is on its way gets its answer."""
        self._end()

    def _end(self) -> None:
        self._beats = self._term.beats if self._term else self._beats
        self._term = None
        self._writer.end(self._limit)

    def close(self) -> None:
        """End the term and the writer's thread."""
        self._term = None
        self._writer.close(self._limit)

    def follow(self) -> None:
        """Read the claims while another replica leads, so that this one can show them; nothing is acted on.

        If a term begins meanwhile, its own reading is kept. Raises what a read raises.
        """
        begun = self._begun
        if self._term is not None:
            return
        reading = self._reader.pods()
        with self._between_terms:
            if self._term is None and self._begun == begun:
                self._cache.replace(reading.pods, {}, reading.unreadable)

    # What is known

    def pods(self) -> Mapping[PodUid, PodRecord]:
        """Every claim of this install: a snapshot."""
        return self._cache.pods()

    def pod(self, uid: PodUid) -> PodRecord | None:
        """One claim of this install."""
        return self._cache.pod(uid)

    def addresses(self) -> Mapping[AllocationId, AddressRecord]:
        """The address sides that were read or written in this term and exist: a snapshot."""
        return self._cache.addresses()

    def address(self, allocation_id: AllocationId) -> AddressRecord | None:
        """An address's side as it was last read or written; None: no item, or never read."""
        return self._cache.address(allocation_id)

    def neighbours(self) -> Mapping[InstallKey, Mapping[PodUid, PodRecord]]:
        """Claims of other installs of this cluster, as the term began."""
        return self._neighbours

    def unreadable(self) -> Mapping[Key, ItemUnreadable]:
        """The items that this release cannot read, and so leaves alone."""
        return self._cache.unreadable()

    def refresh(self, allocation_ids: Iterable[AllocationId]) -> None:
        """Read these addresses' sides anew. Raises AccessDenied, TableMissing, Throttled, Unavailable."""
        asked = list(allocation_ids)
        touched = self._cache.reading()
        try:
            reading = self._reader.addresses(asked)
            self._cache.read(touched, asked, reading.addresses)
        finally:
            self._cache.end_reading(touched)
        for key, error in reading.unreadable.items():
            self._cache.saw_unreadable(key, error)

    def installs(self) -> Sequence[InstallRecord]:
        """Every install that shares the table, read anew; unreadable ones are left out and reported."""
        reading = self._reader.installs()
        for key, error in reading.unreadable.items():
            self._cache.saw_unreadable(key, error)
        return reading.installs

    # Writes

    def commit(self, change: Change) -> None:
        """Write both sides, and return once they are written and cached.

        Raises ConditionLost (`current`: the Pod's or the address's record in the table), ItemUnreadable (the item in
        the table is left alone), Fenced, NotLeading, Throttled, Refused, or Unavailable (it may have been written).
        """
        self._submit(change, None)

    def take_over(self, silent: InstallRecord, change: Change | None = None) -> None:
        """`commit`, and in the same transaction fence `silent`, whose heartbeat must not have moved since."""
        self._submit(change or Change(), silent)

    def fence_self(self, epoch: Epoch) -> None:
        """End the term, and fence our own install, so that other installs need not wait until our counter stands still.

        Raises ConditionLost where the table has another epoch already.
        """
        self._end()
        self._raiser.fence_self(epoch)

    def deregister(self, fenced: InstallRecord) -> None:
        """Remove a fenced install without claims from the directory. Raises ConditionLost if it began a term since."""
        self._raiser.deregister(fenced)

    def heartbeat(self, queues: Sequence[PoolQueue] | None = None) -> None:
        """Move the heartbeat, and learn whether the epoch is still ours. Raises as `commit` does.

        `queues`: the Pods that wait, for the other installs to read; None: as was told before.
        """
        self._submit(Change(), None, queues)

    def seconds_since_write(self) -> float:
        """Seconds since the last accepted write was sent; infinite before the first term."""
        return float("inf") if self._written_at is None else self._clock() - self._written_at

    def queued(self) -> int:
        """How many changes wait for the next group."""
        return self._writer.queued()

    def waiting_s(self) -> float:
        """Seconds for which the oldest change has waited for its answer; 0: none waits."""
        return self._writer.waiting_s()

    def _submit(self, change: Change, silent: InstallRecord | None, queues: Sequence[PoolQueue] | None = None) -> None:
        entry = compose(self._table, self._install, change, silent)
        entry.queues = queues
        self._writer.submit(entry)
        entry.result.result()

    # What the writer found out

    def wrote(self, term: WriteTerm, change: Change) -> None:
        """Keep what was written, if our term still runs; otherwise the next reading is newer."""
        if term is self._term:
            self._cache.wrote(change)

    def accepted(self, term: WriteTerm, sent_at: float) -> None:
        """Note when a write was last accepted."""
        if term is self._term:
            self._written_at = max(sent_at, self._written_at or sent_at)

    def fenced(self, term: WriteTerm) -> None:
        """Tell that a newer epoch exists."""
        if term is self._term and self._on_fenced:
            self._on_fenced()

    def missing(self, term: WriteTerm) -> None:
        """Tell that there is no table."""
        if term is self._term and self._on_missing:
            self._on_missing()

    def saw(self, term: WriteTerm, key: Key, raw: Raw | None) -> PodEipError:
        """Keep the item that the table has instead of the expected one, and return the error that says so."""
        try:
            record = self._reader.record(raw) if raw else None
        except ItemUnreadable as error:
            self._cache.saw_unreadable(key, error)
            return error
        if term is self._term:
            self._remember(key, raw, record)
        return ConditionLost(f"{'/'.join(key)} is not as it was read", current=record)

    def _remember(self, key: Key, raw: Raw | None, record: PodRecord | AddressRecord | InstallRecord | None) -> None:
        pk, sk = key
        if pk.startswith("eip#") and not isinstance(record, PodRecord | InstallRecord):
            self._cache.saw_address(AllocationId(pk.partition("#")[2]), record)
        elif sk.startswith(POD_PREFIX) and not isinstance(record, AddressRecord | InstallRecord):
            ours = record if raw and self._reader.is_own(raw) else None
            self._cache.saw_pod(PodUid(sk.removeprefix(POD_PREFIX)), ours)
