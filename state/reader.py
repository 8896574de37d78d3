"""Strong reads of the ledger, item by item: an item that cannot be read does not hide the others.

Two installs of one cluster share its partition, so all claims are read, and those of other installs are kept apart.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from state.connection import Key, Raw, key_of
from state.errors import ItemUnreadable
from state.model import AddressRecord, AllocationId, InstallKey, InstallRecord, PodRecord, PodUid
from state.schema import read_address, read_install, read_line, read_pod
from state.table import DIRECTORY, POD_PREFIX, Table, address_key, cluster_partition, install_key


@dataclass(slots=True, kw_only=True)
class Reading:
    """Our claims, those of other installs in our cluster (`neighbours`), addresses, and what cannot be read."""

    pods: dict[PodUid, PodRecord] = field(default_factory=dict)
    neighbours: dict[InstallKey, dict[PodUid, PodRecord]] = field(default_factory=dict)
    addresses: dict[AllocationId, AddressRecord] = field(default_factory=dict)
    installs: list[InstallRecord] = field(default_factory=list)
    unreadable: dict[Key, ItemUnreadable] = field(default_factory=dict)


class Reader:
    """Reads for one install. Raises AccessDenied, TableMissing, Throttled or Unavailable."""

    def __init__(self, table: Table, install: InstallKey) -> None:
        self._table, self._install = table, install

    def pods(self) -> Reading:
        """Every claim of our cluster: one Query, paged."""
        reading = Reading()
        for raw in self._table.connection.strong_query(cluster_partition(self._install.cluster_uid), POD_PREFIX):
            self._add_pod(reading, raw)
        return reading

    def claims(self) -> Reading:
        """Every claim of our cluster, and the addresses that our own claims name."""
        reading = self.pods()
        self._add_addresses(reading, (pod.allocation_id for pod in reading.pods.values() if pod.allocation_id))
        return reading

    def addresses(self, allocation_ids: Iterable[AllocationId]) -> Reading:
        """These addresses, as far as they have an item."""
        reading = Reading()
        self._add_addresses(reading, allocation_ids)
        return reading

    def installs(self) -> Reading:
        """Every install of the directory that still has an item of its own.

        An install writes its epoch into both items. If only its own item has a higher epoch, the install was fenced.
        Where it seems so, the directory is read once more after the items: a term may have begun in between.
        """
        reading = Reading()
        lines = self._directory(reading)
        for key, raw in self._table.connection.strong_get(lines).items():
            try:
                reading.installs.append(read_install(self._table, raw))
            except ItemUnreadable as error:
                reading.unreadable[key] = error
        if any(_is_behind(lines, record) for record in reading.installs):
            lines = self._directory(reading)
            reading.installs = [replace(record, fenced=_is_behind(lines, record)) for record in reading.installs]
        return reading

    def _directory(self, reading: Reading) -> dict[Key, int]:
        """The key of each install in the directory, and the epoch in its line; 0 where it has none."""
        found: dict[Key, int] = {}
        for raw in self._table.connection.strong_query(DIRECTORY):
            try:
                install, epoch = read_line(raw)
            except ItemUnreadable as error:
                reading.unreadable[key_of(raw)] = error
            else:
                found[install_key(install)] = epoch
        return found

    def own(self) -> InstallRecord | None:
        """Our own install's item. ItemUnreadable if a newer release wrote it."""
        found = self._table.connection.strong_get([install_key(self._install)])
        return next((read_install(self._table, raw) for raw in found.values()), None)

    def record(self, raw: Raw) -> PodRecord | AddressRecord | InstallRecord:
        """Any item but those of the directory. Raises ItemUnreadable."""
        pk, sk = key_of(raw)
        if pk.startswith("eip#"):
            return read_address(self._table, raw)
        return read_pod(self._table, raw)[0] if sk.startswith(POD_PREFIX) else read_install(self._table, raw)

    def is_own(self, raw: Raw) -> bool:
        """Whether a Pod's item was written by this very install. Raises ItemUnreadable."""
        return read_pod(self._table, raw)[1] == self._install

    def _add_pod(self, reading: Reading, raw: Raw) -> None:
        try:
            record, install = read_pod(self._table, raw)
        except ItemUnreadable as error:
            reading.unreadable[key_of(raw)] = error
            return
        pods = reading.pods if install == self._install else reading.neighbours.setdefault(install, {})
        pods[record.uid] = record

    def _add_addresses(self, reading: Reading, allocation_ids: Iterable[AllocationId]) -> None:
        for key, raw in self._table.connection.strong_get(map(address_key, allocation_ids)).items():
            try:
                record = read_address(self._table, raw)
            except ItemUnreadable as error:
                reading.unreadable[key] = error
            else:
                reading.addresses[record.allocation_id] = record


def _is_behind(lines: Mapping[Key, int], record: InstallRecord) -> bool:
    """Whether the install's own item has a higher epoch than its line in the directory, if that can be read."""
    line = lines.get(install_key(record.key), 0)
    return 0 < line < record.epoch
