"""The items of the table as last seen, in memory: exact for our own claims while we lead, since only we write them.

A read that overlaps a write of the same item may return the older version. So a read is announced before it is sent,
and items that were written in between are not replaced by its result.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import TypeVar

from state.connection import Key
from state.errors import ItemUnreadable
from state.model import AddressRecord, AllocationId, Change, PodRecord, PodUid

_K = TypeVar("_K")
_V = TypeVar("_V")


class Cache:
    """The claims of one install, and addresses of all installs. Every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pods: dict[PodUid, PodRecord] = {}
        self._addresses: dict[AllocationId, AddressRecord] = {}
        self._unreadable: dict[Key, ItemUnreadable] = {}
        self._readers: list[set[AllocationId]] = []

    def replace(
        self,
        pods: Mapping[PodUid, PodRecord],
        addresses: Mapping[AllocationId, AddressRecord],
        unreadable: Mapping[Key, ItemUnreadable],
    ) -> None:
        """Forget everything for a new reading of the ledger."""
        with self._lock:
            self._pods, self._addresses = dict(pods), dict(addresses)
            self._unreadable = dict(unreadable)
            for touched in self._readers:
                touched.update(addresses)

    def pods(self) -> dict[PodUid, PodRecord]:
        """A snapshot of the claims."""
        with self._lock:
            return dict(self._pods)

    def pod(self, uid: PodUid) -> PodRecord | None:
        """One claim."""
        return self._pods.get(uid)

    def addresses(self) -> dict[AllocationId, AddressRecord]:
        """A snapshot of the addresses that have an item, among those that were read or written."""
        with self._lock:
            return dict(self._addresses)

    def address(self, allocation_id: AllocationId) -> AddressRecord | None:
        """One address."""
        return self._addresses.get(allocation_id)

    def unreadable(self) -> dict[Key, ItemUnreadable]:
        """A snapshot of the items that this release cannot read."""
        with self._lock:
            return dict(self._unreadable)

    def wrote(self, change: Change) -> None:
        """The change was written: keep both sides."""
        with self._lock:
            if before := change.pod_before or change.pod_after:
                _put(self._pods, before.uid, change.pod_after)
            if side := change.address_before or change.address_after:
                self._put_address(side.allocation_id, change.address_after)

    def saw_pod(self, uid: PodUid, record: PodRecord | None) -> None:
        """Keep a claim that was read after a write had met another one than expected."""
        with self._lock:
            _put(self._pods, uid, record)

    def saw_address(self, allocation_id: AllocationId, record: AddressRecord | None) -> None:
        """Keep an address's side that was read after a write had met another one than expected."""
        with self._lock:
            self._put_address(allocation_id, record)

    def saw_unreadable(self, key: Key, error: ItemUnreadable) -> None:
        """An item that cannot be read: report it."""
        with self._lock:
            self._unreadable[key] = error

    def _put_address(self, allocation_id: AllocationId, record: AddressRecord | None) -> None:
        _put(self._addresses, allocation_id, record)
        for touched in self._readers:
            touched.add(allocation_id)

    def reading(self) -> set[AllocationId]:
        """Announce a read of addresses; the ids that are written from now on are added to the returned set."""
        touched: set[AllocationId] = set()
        with self._lock:
            self._readers.append(touched)
        return touched

    def read(
        self, touched: set[AllocationId], asked: Iterable[AllocationId], found: Mapping[AllocationId, AddressRecord]
    ) -> None:
        """Keep the result of the announced read, except for what was written meanwhile."""
        with self._lock:
            for allocation_id in asked:
                if allocation_id not in touched:
                    _put(self._addresses, allocation_id, found.get(allocation_id))
                    self._unreadable.pop((f"eip#{allocation_id}", "claim"), None)

    def end_reading(self, touched: set[AllocationId]) -> None:
        """The announced read is over, with or without a result."""
        with self._lock:
            self._readers = [reader for reader in self._readers if reader is not touched]


def _put(items: dict[_K, _V], key: _K, value: _V | None) -> None:
    if value is None:
        items.pop(key, None)
    else:
        items[key] = value
