"""The status document's rows of pools and of other installs: from the claims, and from what the leader sees of EC2.

A standby asks EC2 nothing. It shows who holds an address of a pool, by the claims as it last read them, and None for
all that only a look at EC2, or at the leader's memory, can tell.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from controller.core.actions import WaitReason
from controller.core.candidates import is_free
from controller.core.modes import SPECS
from controller.core.pools import carries
from controller.core.ports import Ledger
from controller.core.status import ClusterStatus, HolderStatus, PoolStatus
from controller.core.tenancy import Tenancy
from controller.core.views import Address
from controller.engine.opening import OpenTerm
from controller.engine.peers import Peers
from state.model import ClusterUid, InstallKey, PodRecord, PodUid


class PoolRows:
    """The pools of one moment, as the leader knows them."""

    def __init__(self, opened: OpenTerm, ledger: Ledger, names: Mapping[ClusterUid, str], tenancy: Tenancy) -> None:
        self._names, self._tenancy, self._sides = names, tenancy, ledger.addresses()
        self._memory, self._view = opened.state.memory, opened.parts.view
        self._install = opened.parts.facts.install

    def all(self, records: Iterable[PodRecord], asked: Mapping[PodUid, str]) -> Iterable[PoolStatus]:
        """Each pool that a Pod names or has an address of, by its key."""
        keys = {*_keys_of_claims(records), *asked.values()}
        waits = (uid for uid, mine in list(self._memory.pods.items()) if mine.waiting == WaitReason.POOL)
        waiting = Counter(asked.get(uid) for uid in waits)
        waited: dict[str, int] = {}
        for queue in self._memory.queues.shown():
            waited[queue.pool] = max(queue.waited_s, waited.get(queue.pool, 0))
        looked = self._view.asked_at > float("-inf")
        members = _members(self._view.all(), keys) if looked else None
        return [self._row(key, members, waiting[key], waited.get(key, 0)) for key in sorted(keys)]

    def _row(
        self, key: str, pools: Mapping[str, Sequence[Address]] | None, waiting: int, longest_wait_s: int
    ) -> PoolStatus:
        members = None if pools is None else pools.get(key, ())
        return PoolStatus(
            tag_key=key,
            total=None if members is None else len(members),
            free=None if members is None else sum(is_free(a, self._sides.get(a.allocation_id)) for a in members),
            waiting=waiting,
            longest_wait_s=longest_wait_s,
            named=self._tenancy.names_key(key, len(members or ())),
            ours=None if members is None else sum(map(self._is_ours, members)),
            holders=tuple(h for a in members or () if (h := self._holder(a))),
        )

    def _is_ours(self, address: Address) -> bool:
        side = self._sides.get(address.allocation_id)
        return side is not None and side.owner is not None and side.owner.install == self._install

    def _holder(self, address: Address) -> HolderStatus | None:
        record = self._sides.get(address.allocation_id)
        if record is None or record.owner is None:
            return None
        cluster = self._names.get(record.owner.cluster_uid, record.owner.cluster_uid)
        return HolderStatus(public_ip=address.public_ip, cluster=cluster, pod=record.last_holder)


def pools_of_claims(
    records: Iterable[PodRecord], asked: Mapping[PodUid, str], cluster: str, tenancy: Tenancy
) -> Sequence[PoolStatus]:
    """The same pools as a standby knows them: which Pods of this install hold an address, and nothing else."""
    records = list(records)
    keys = {*_keys_of_claims(records), *asked.values()}
    held: dict[str, list[HolderStatus]] = {key: [] for key in sorted(keys)}
    for record in records:
        if record.pool in held and record.public_ip:
            held[record.pool].append(HolderStatus(public_ip=record.public_ip, cluster=cluster, pod=record.holder))
    return [
        PoolStatus(tag_key=key, named=tenancy.names_key(key, len(holders)), holders=tuple(holders))
        for key, holders in held.items()
    ]


def _keys_of_claims(records: Iterable[PodRecord]) -> Iterable[str]:
    asked = {(record.pool, record.mode) for record in records}
    return {pool for pool, mode in asked if pool and not SPECS[mode].allocates}


def cluster_rows(opened: OpenTerm | None, ledger: Ledger, peers: Peers) -> Iterable[ClusterStatus]:
    """The installs that share the table, as they were read last."""
    known = peers.all()
    owned = (
        Counter(_names(s.owner.install) for s in ledger.addresses().values() if s.owner) if opened and known else None
    )
    namesakes = opened.housekeeping.namesakes() if opened else None
    for peer in known:
        key = peer.record.key
        yield ClusterStatus(
            uid=key.cluster_uid,
            name=peer.record.cluster_name,
            silent_s=round(peers.silent_s(peer), 1) if opened else None,
            addresses=None if owned is None else owned[_names(key)],
            install=key.install,
            waiting=sum(queue.waiting for queue in peer.record.queues),
            same_name=None if namesakes is None else key.cluster_uid in namesakes,
        )


def _names(install: InstallKey) -> tuple[str, ...]:
    """An install's key in the form that is counted fastest: there may be thousands of addresses."""
    return (install.cluster_uid, install.lease_namespace, install.lease_name)


def _members(addresses: Iterable[Address], keys: set[str]) -> dict[str, list[Address]]:
    """The addresses of each of these pools: looked through once, however many keys the Pods name."""
    found: dict[str, list[Address]] = {}
    for address in addresses:
        for key in keys.intersection(address.tags):
            if carries(address, key):
                found.setdefault(key, []).append(address)
    return found
