"""EC2 as we last saw it, with what we did since laid over it.

EC2's reads are eventually consistent: a describe may show the state of some seconds ago. What this process itself
has done within the consistency time is therefore believed before what a describe says, so that a late read neither
brings back a cut association nor hides a new one.
"""

import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from controller.core.ports import Address, Association, Clock, Ec2
from controller.core.quota import used
from state.model import AllocationId, AssociationId, PodUid, Target

_NEVER = float("-inf")


class AddressView:
    """All addresses of the account and Region. Thread-safe."""

    def __init__(self, ec2: Ec2, clock: Clock, consistency_s: float) -> None:
        self._ec2, self._clock, self._consistency_s = ec2, clock, consistency_s
        self._lock = threading.Lock()
        self._addresses: dict[AllocationId, Address] = {}
        self._at: dict[Target, AllocationId] = {}
        self._with: dict[AssociationId, AllocationId] = {}
        self._made: dict[AllocationId, tuple[float, Address | None]] = {}
        self._cut: dict[AssociationId, float] = {}
        self._free_since: dict[AllocationId, float] = {}
        self._first_look = float("inf")
        self._missing: dict[AllocationId, float] = {}
        self._unreadable: frozenset[AllocationId] = frozenset()
        self._used = 0
        self.asked_at = _NEVER

    def look(self) -> None:
        """One DescribeAddresses. The view counts as taken when the question was sent. Raises what the port raises."""
        asked_at = self._clock()
        told = self._ec2.describe_addresses()
        unreadable = frozenset(a.allocation_id for a in told if not a.readable)
        seen = {a.allocation_id: a for a in told if a.readable}
        with self._lock:
            if asked_at < self.asked_at:
                return  # an answer that was slow says less than the one that overtook it
            self._age(asked_at)
            merged = {key: self._believe(address) for key, address in seen.items()}
            merged.update({key: self._addresses[key] for key in unreadable if key in self._addresses})
            self._miss(asked_at, self._addresses.keys() - merged.keys(), merged)
            self._unreadable = unreadable
            for key, (_, made) in self._made.items():
                if made is None:
                    merged.pop(key, None)
                else:
                    merged[key] = replace(made, tags={**made.tags, **seen[key].tags}) if key in seen else made
            self._addresses = merged
            self._used = used(merged.values()) + len(unreadable - merged.keys())
            free = [key for key, a in merged.items() if a.association is None]
            self._free_since = {key: self._free_since.get(key, asked_at) for key in free}
            self._at = {a.association.target: key for key, a in merged.items() if a.association}
            self._with = {a.association.association_id: key for key, a in merged.items() if a.association}
            self.asked_at = asked_at

    def get(self, allocation_id: AllocationId | None) -> Address | None:
        """The address, if EC2 has it."""
        return self._addresses.get(allocation_id) if allocation_id else None

    def unreadable(self, allocation_id: AllocationId) -> bool:
        """Whether EC2 has it, and said nothing of it that can be read."""
        return allocation_id in self._unreadable

    def missing_for(self, allocation_id: AllocationId) -> float:
        """Seconds between the first and the last look that did not show an address which was there before.

        Of one that this view has never shown, the time since its first look counts: see `absent`.
        """
        return self.asked_at - self._missing.get(allocation_id, self._first_look)

    def at(self, target: Target) -> Address | None:
        """The address that is associated with this target."""
        with self._lock:
            return self.get(self._at.get(target))

    def associated_by(self, association_id: AssociationId | None) -> Address | None:
        """The address that this association is of; None where EC2 shows none."""
        with self._lock:
            return self.get(self._with.get(association_id)) if association_id else None

    @property
    def used(self) -> int:
        """How many addresses draw on the account's quota; one of which nothing can be read is taken for one of them."""
        with self._lock:
            return self._used

    def all(self) -> list[Address]:
        """Every address."""
        with self._lock:
            return list(self._addresses.values())

    def free_since(self, allocation_id: AllocationId) -> float:
        """Since when it has been associated with nothing, as far as we have seen."""
        return self._free_since.get(allocation_id, _NEVER)

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
            self._cut[association_id] = self._clock()
        known = self.get(allocation_id)
        if known and known.association and known.association.association_id == association_id:
            self._note(allocation_id, replace(known, association=None), believed=False)

    def released(self, allocation_id: AllocationId) -> None:
        """We released it."""
        self._note(allocation_id, None)

    def _note(self, key: AllocationId, address: Address | None, *, believed: bool = True) -> None:
        with self._lock:
            self._made.pop(key, None)
            if believed:
                self._made[key] = (self._clock(), address)
            before = self._addresses.pop(key, None)
            self._used += used([address] if address else ()) - used([before] if before else ())
            if before and before.association:
                self._at.pop(before.association.target, None)
                self._with.pop(before.association.association_id, None)
            if address is None or address.association is not None:
                self._free_since.pop(key, None)
            else:
                self._free_since.setdefault(key, self._clock())
            if address is not None:
                self._addresses[key] = address
                if address.association:
                    self._at[address.association.target] = key
                    self._with[address.association.association_id] = key

    def _miss(self, asked_at: float, gone: Iterable[AllocationId], shown: Collection[AllocationId]) -> None:
        """Note since when an address is not shown: one look that does not show it proves nothing."""
        self._first_look = min(self._first_look, asked_at)
        still = {key: since for key, since in self._missing.items() if key not in shown}
        self._missing = {**dict.fromkeys(gone, asked_at), **still}

    def _believe(self, seen: Address) -> Address:
        association = seen.association
        late = association is not None and association.association_id in self._cut
        return replace(seen, association=None) if late else seen

    def _age(self, now: float) -> None:
        oldest = now - self._consistency_s
        self._made = {key: entry for key, entry in self._made.items() if entry[0] > oldest}
        self._cut = {key: at for key, at in self._cut.items() if at > oldest}


def tagged_for(addresses: Iterable[Address], tag: str) -> Mapping[PodUid, list[Address]]:
    """The addresses by the Pod UID that their tag names."""
    found: dict[PodUid, list[Address]] = {}
    for address in addresses:
        uid = address.tags.get(tag)
        if uid:
            found.setdefault(PodUid(uid), []).append(address)
    return found
