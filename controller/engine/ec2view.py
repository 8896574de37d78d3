"""EC2 as we last saw it, with what we did since laid over it.

EC2's reads are eventually consistent: a describe may show the state of some seconds ago. What this process itself
has done within the consistency time is therefore believed before what a describe says, so that a late read neither
brings back a cut association nor hides a new one.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.core.ports import Clock, Ec2
from controller.core.quota import used
from controller.core.views import Address, Association
from controller.engine.plain import Plain
from state.model import AllocationId, AssociationId, PodUid, Target

_NEVER = float("-inf")


@dataclass(slots=True, kw_only=True)
class Seen(Plain):
    """What EC2 showed, and what we did since. Times are monotonic.

    at, by: which address has this target, and this association. missing: since when an address is not shown.
    made: what we made of an address, and when. cut: when we cut an association. used: how many draw on the quota.
    pools: the public IPv4 pools that there was an address of.
    """

    addresses: dict[AllocationId, Address] = field(default_factory=dict)
    at: dict[Target, AllocationId] = field(default_factory=dict)
    by: dict[AssociationId, AllocationId] = field(default_factory=dict)
    made: dict[AllocationId, tuple[float, Address | None]] = field(default_factory=dict)
    cut: dict[AssociationId, float] = field(default_factory=dict)
    free_since: dict[AllocationId, float] = field(default_factory=dict)
    first_look: float = float("inf")
    missing: dict[AllocationId, float] = field(default_factory=dict)
    unreadable: frozenset[AllocationId] = frozenset()
    used: int = 0
    pools: set[str] = field(default_factory=set)
    asked_at: float = _NEVER


class AddressView:
    """All addresses of the account and Region, as far as they were `seen`. Thread-safe."""

    def __init__(self, ec2: Ec2, clock: Clock, consistency_s: float, seen: Seen | None = None) -> None:
        self._ec2, self._clock, self._consistency_s = ec2, clock, consistency_s
        self._lock = threading.Lock()
        self._seen = seen or Seen()

    @property
    def asked_at(self) -> float:
        """When the question was sent that the view answers."""
        return self._seen.asked_at

    def look(self) -> None:
        """One DescribeAddresses. The view counts as taken when the question was sent. Raises what the port raises."""
        asked_at = self._clock()
        told = self._ec2.describe_addresses()
        unreadable = frozenset(a.allocation_id for a in told if not a.readable)
        shown = {a.allocation_id: a for a in told if a.readable}
        with self._lock:
            if asked_at < self.asked_at:
                return  # an answer that was slow says less than the one that overtook it
            self._age(asked_at)
            merged = {key: self._believe(address) for key, address in shown.items()}
            merged.update({key: self._seen.addresses[key] for key in unreadable if key in self._seen.addresses})
            self._miss(asked_at, self._seen.addresses.keys() - merged.keys(), merged)
            self._seen.unreadable = unreadable
            for key, (_, made) in self._seen.made.items():
                if made is None:
                    merged.pop(key, None)
                else:
                    merged[key] = replace(made, tags={**made.tags, **shown[key].tags}) if key in shown else made
            self._seen.addresses = merged
            self._seen.pools = {address.public_ipv4_pool for address in merged.values()}
            self._seen.used = used(merged.values()) + len(unreadable - merged.keys())
            free = [key for key, a in merged.items() if a.association is None]
            self._seen.free_since = {key: self._seen.free_since.get(key, asked_at) for key in free}
            self._seen.at = {a.association.target: key for key, a in merged.items() if a.association}
            self._seen.by = {a.association.association_id: key for key, a in merged.items() if a.association}
            self._seen.asked_at = asked_at

    def get(self, allocation_id: AllocationId | None) -> Address | None:
        """The address, if EC2 has it."""
        return self._seen.addresses.get(allocation_id) if allocation_id else None

    def unreadable(self, allocation_id: AllocationId) -> bool:
        """Whether EC2 has it, and said nothing of it that can be read."""
        return allocation_id in self._seen.unreadable

    def missing_for(self, allocation_id: AllocationId) -> float:
        """Seconds between the first and the last look that did not show an address which was there before.

        Of one that this view has never shown, the time since its first look counts: see `absent`.
        """
        return self.asked_at - self._seen.missing.get(allocation_id, self._seen.first_look)

    def at(self, target: Target) -> Address | None:
        """The address that is associated with this target."""
        with self._lock:
            return self.get(self._seen.at.get(target))

    def associated_by(self, association_id: AssociationId | None) -> Address | None:
        """The address that this association is of; None where EC2 shows none."""
        with self._lock:
            return self.get(self._seen.by.get(association_id)) if association_id else None

    @property
    def used(self) -> int:
        """How many addresses draw on the account's quota; one of which nothing can be read is taken for one of them."""
        with self._lock:
            return self._seen.used

    def has_of(self, pool: str) -> bool:
        """Whether there is an address of this public IPv4 pool, or was since the last look."""
        return pool in self._seen.pools

    def all(self) -> list[Address]:
        """Every address."""
        with self._lock:
            return list(self._seen.addresses.values())

    def free_since(self, allocation_id: AllocationId) -> float:
        """Since when it has been associated with nothing, as far as we have seen."""
        return self._seen.free_since.get(allocation_id, _NEVER)

    def allocated(self, address: Address) -> None:
        """We allocated it."""
        self._note(address.allocation_id, address)

    def associated(self, allocation_id: AllocationId, association: Association) -> None:
        """We associated it."""
        known = self.get(allocation_id)
        if known is not None:
            self._note(allocation_id, replace(known, association=association))

    def cut(self, allocation_id: AllocationId, association_id: AssociationId) -> None:
        """We cut this association."""
        with self._lock:
            self._seen.cut[association_id] = self._clock()
        known = self.get(allocation_id)
        if known and known.association and known.association.association_id == association_id:
            self._note(allocation_id, replace(known, association=None), believed=False)

    def released(self, allocation_id: AllocationId) -> None:
        """We released it."""
        self._note(allocation_id, None)

    def _note(self, key: AllocationId, address: Address | None, *, believed: bool = True) -> None:
        with self._lock:
            self._seen.made.pop(key, None)
            if believed:
                self._seen.made[key] = (self._clock(), address)
            before = self._seen.addresses.pop(key, None)
            self._seen.used += used([address] if address else ()) - used([before] if before else ())
            if before and before.association:
                self._seen.at.pop(before.association.target, None)
                self._seen.by.pop(before.association.association_id, None)
            if address is None or address.association is not None:
                self._seen.free_since.pop(key, None)
            else:
                self._seen.free_since.setdefault(key, self._clock())
            if address is not None:
                self._seen.pools.add(address.public_ipv4_pool)
                self._seen.addresses[key] = address
                if address.association:
                    self._seen.at[address.association.target] = key
                    self._seen.by[address.association.association_id] = key

    def _miss(self, asked_at: float, gone: Iterable[AllocationId], shown: Collection[AllocationId]) -> None:
        """Note since when an address is not shown: one look that does not show it proves nothing."""
        self._seen.first_look = min(self._seen.first_look, asked_at)
        still = {key: since for key, since in self._seen.missing.items() if key not in shown}
        self._seen.missing = {**dict.fromkeys(gone, asked_at), **still}

    def _believe(self, seen: Address) -> Address:
        association = seen.association
        late = association is not None and association.association_id in self._seen.cut
        return replace(seen, association=None) if late else seen

    def _age(self, now: float) -> None:
        oldest = now - self._consistency_s
        self._seen.made = {key: entry for key, entry in self._seen.made.items() if entry[0] > oldest}
        self._seen.cut = {key: at for key, at in self._seen.cut.items() if at > oldest}


def tagged_for(addresses: Iterable[Address], tag: str) -> Mapping[PodUid, list[Address]]:
    """The addresses by the Pod UID that their tag names."""
    found: dict[PodUid, list[Address]] = {}
    for address in addresses:
        uid = address.tags.get(tag)
        if uid:
            found.setdefault(PodUid(uid), []).append(address)
    return found
