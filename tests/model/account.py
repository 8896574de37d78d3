"""EC2's side of the plan's model: addresses, associations, and what describes may show of some seconds ago.

The rules are those of the real API as far as they are known: an address that is associated elsewhere is refused
(AllowReassociation=false), a disassociation names one association, a release of an associated address is refused
outside of a default VPC; what happens at a private IP that has another address is a setting, since AWS's texts differ.
A call that does what must never be done is noted in `crimes`; nothing stops it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from controller.core import contract
from controller.core.ports import Address, Allocation, AllocationRequest, Association
from state.errors import AddressInUse, AddressNotFound, AlreadyAssociated, AssociationNotFound
from state.model import AllocationId, AssociationId, Mode, Phase, PodRecord, Target

LAG_S = 30.0
NODE = "i-1"
HOME = "us-west-2"

Addresses = Mapping[AllocationId, Address]


@dataclass(slots=True)
class Account:
    """One account and Region. Mappings are replaced, never changed, so that a copy may share them."""

    addresses: Addresses = field(default_factory=dict)
    past: tuple[tuple[float, Addresses], ...] = ()
    ours: frozenset[AssociationId] = frozenset()
    made: int = 0
    displaces: bool = False
    default_vpc: bool = False
    mutations: int = 0
    crimes: tuple[str, ...] = ()
    served: frozenset[tuple[str, str]] = frozenset()
    in_order: frozenset[AllocationId] = frozenset()
    forged: frozenset[AllocationId] = frozenset()

    def copy(self) -> "Account":
        """The same, to be changed by itself."""
        return replace(self)

    def seen(self, now: float, *, late: bool) -> Addresses:
        """What a describe shows: the present, or (`late`) what stood as long ago as EC2's lag allows."""
        return (
            next((before for until, before in self.past if until > now - LAG_S), self.addresses)
            if late
            else self.addresses
        )

    def can_be_late(self, now: float) -> bool:
        """Whether a late describe would show something else."""
        return any(until > now - LAG_S for until, _ in self.past)

    def add(self, allocation_id: str, tags: Mapping[str, str], now: float) -> None:
        """An address that is there already, or that a person allocates."""
        number = len(self.addresses) + 1
        address = Address(
            allocation_id=AllocationId(allocation_id), public_ip=f"198.51.100.{number}", border_group=HOME, tags=tags
        )
        self.forged |= {address.allocation_id} if contract.TAG_POD_UID in tags else frozenset()
        self._put(address, now)

    def retag(self, allocation_id: AllocationId, tags: Mapping[str, str], now: float) -> None:
        """Somebody else changes these tags of it."""
        known = self.addresses[allocation_id]
        self._put(replace(known, tags={**known.tags, **tags}), now)

    def by_hand(self, allocation_id: AllocationId, target: Target | None, now: float) -> None:
        """Somebody else associates (None: disassociates) an address, wherever it is."""
        made = None
        if target is not None:
            self.made += 1
            made = Association(association_id=AssociationId(f"eipassoc-{self.made}"), target=target, instance_id=NODE)
            self.served |= {(self.addresses[allocation_id].public_ip, target.private_ip)}
        self._put(replace(self.addresses[allocation_id], association=made), now)

    def allocate(self, request: AllocationRequest, now: float) -> Allocation:
        """AllocateAddress."""
        self.made += 1
        allocation_id, public_ip = AllocationId(f"eipalloc-{self.made}"), f"203.0.113.{self.made}"
        new = Address(allocation_id=allocation_id, public_ip=public_ip, border_group=HOME, tags=request.tags)
        self._put(new, now)
        return Allocation(allocation_id=allocation_id, public_ip=public_ip)

    def associate(self, allocation_id: AllocationId, target: Target, now: float) -> AssociationId:
        """AssociateAddress with AllowReassociation=false."""
        address = self._known(allocation_id)
        if not address.tags:
            self.accuse(f"{allocation_id} is nobody's we know, and was associated")
        if address.association is not None:
            if address.association.target == target:
                return address.association.association_id
            raise AlreadyAssociated(f"{allocation_id} is associated", code="Resource.AlreadyAssociated")
        self._make_room(target, now)
        self.made += 1
        made = Association(association_id=AssociationId(f"eipassoc-{self.made}"), target=target, instance_id=NODE)
        self.ours |= {made.association_id}
        self.served |= {(address.public_ip, target.private_ip)}
        self._put(replace(address, association=made), now)
        return made.association_id

    def disassociate(self, association_id: AssociationId, adopted: bool, now: float) -> None:
        """DisassociateAddress."""
        address = next((a for a in self.addresses.values() if _has(a, association_id)), None)
        if address is None:
            raise AssociationNotFound(f"no {association_id}", code="InvalidAssociationID.NotFound")
        if association_id not in self.ours and not adopted:
            self.accuse(f"{address.allocation_id} was cut, which somebody else had associated")
        self._put(replace(address, association=None), now)

    def release(self, allocation_id: AllocationId, claims: Mapping[AllocationId, PodRecord], now: float) -> None:
        """ReleaseAddress; `claims` are what the table says at this moment."""
        address = self._known(allocation_id)
        if address.association is not None and not self.default_vpc:
            raise AddressInUse(f"{allocation_id} is in use", code="InvalidIPAddress.InUse")
        claim = claims.get(allocation_id)
        if claim is not None and claim.phase is not Phase.RELEASING:
            self.accuse(f"{allocation_id} was released, which {claim.uid} holds ({claim.phase})")
        if all(
            tags.get(contract.TAG_TYPE) != Mode.AUTO for tags in (address.tags, self._tags_of_late(allocation_id, now))
        ):
            self.accuse(f"{allocation_id} was released, a pool's address")
        if allocation_id in self.forged:
            self.accuse(f"{allocation_id} was released, which somebody else had tagged as ours")
        self._remember(now)
        self.addresses = {key: value for key, value in self.addresses.items() if key != allocation_id}

    def accuse(self, what: str) -> None:
        """This must never be."""
        self.crimes = (*self.crimes, what)

    def _tags_of_late(self, allocation_id: AllocationId, now: float) -> Mapping[str, str]:
        """What a late describe may still show of it."""
        before = self.seen(now, late=True).get(allocation_id)
        return before.tags if before else {}

    def _make_room(self, target: Target, now: float) -> None:
        there = next((a for a in self.addresses.values() if a.association and a.association.target == target), None)
        if there is None or there.association is None:
            return
        if not self.displaces:
            raise AlreadyAssociated(f"{target.private_ip} has another address", code="Resource.AlreadyAssociated")
        if there.association.association_id not in self.ours:
            self.accuse(f"{there.allocation_id} was displaced, which somebody else had associated")
        self._put(replace(there, association=None), now)

    def _known(self, allocation_id: AllocationId) -> Address:
        found = self.addresses.get(allocation_id)
        if found is None:
            raise AddressNotFound(f"no {allocation_id}", code="InvalidAllocationID.NotFound")
        return found

    def _put(self, address: Address, now: float) -> None:
        self._remember(now)
        self.addresses = {**self.addresses, address.allocation_id: address}

    def _remember(self, now: float) -> None:
        self.mutations += 1
        self.past = (*((until, old) for until, old in self.past if until > now - LAG_S), (now, self.addresses))


def _has(address: Address, association_id: AssociationId) -> bool:
    return address.association is not None and address.association.association_id == association_id
