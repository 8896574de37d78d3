"""EC2's side of the plan's model: addresses, associations, and what describes may show of some seconds ago.

The rules are the sandbox's; what its settings leave open (what happens at a private IP that has another address, what a
release cuts in a default VPC) is open here, too. A call that does what must never be done is noted in `crimes`; nothing
stops it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from controller.core import contract
from controller.core.views import Address, Allocation, AllocationRequest
from sandbox.ec2.model import Change, Interface
from sandbox.ec2.requests import DisassociateAddress, Mutation, ReleaseAddress
from sandbox.ec2.rules import Rules
from sandbox.ec2.settings import Ec2Settings
from state.model import AllocationId, AssociationId, Mode, Phase, PodRecord, Target
from tests.fakes.ec2_words import allocation, association, carry_out, shown_addresses, world_of

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
        held = self.addresses[allocation_id].association
        if target is not None:
            self._mutate(association(allocation_id, target, by_hand=True), now, target)
            self.served |= {(self.addresses[allocation_id].public_ip, target.private_ip)}
        elif held is not None:
            self._mutate(DisassociateAddress(association_id=held.association_id), now)

    def allocate(self, request: AllocationRequest, now: float) -> Allocation:
        """AllocateAddress."""
        allocation_id = AllocationId(self._mutate(allocation(request), now).answer)
        return Allocation(allocation_id=allocation_id, public_ip=self.addresses[allocation_id].public_ip)

    def associate(self, allocation_id: AllocationId, target: Target, now: float) -> AssociationId:
        """AssociateAddress with AllowReassociation=false."""
        known = self.addresses.get(allocation_id)
        if known is not None and not known.tags:
            self.accuse(f"{allocation_id} is nobody's we know, and was associated")
        change = self._mutate(association(allocation_id, target), now, target)
        for effect in change.effects:
            if effect.kind == "disassociated" and effect.association_id not in self.ours:
                self.accuse(f"{effect.allocation_id} was displaced, which somebody else had associated")
            if effect.kind == "associated":
                self.served |= {(effect.public_ip, target.private_ip)}
        self.ours |= {AssociationId(effect.association_id) for effect in change.effects if effect.kind == "associated"}
        return AssociationId(change.answer)

    def disassociate(self, association_id: AssociationId, adopted: bool, now: float) -> None:
        """DisassociateAddress."""
        change = self._mutate(DisassociateAddress(association_id=association_id), now)
        if association_id not in self.ours and not adopted:
            self.accuse(f"{change.effects[0].allocation_id} was cut, which somebody else had associated")

    def release(self, allocation_id: AllocationId, claims: Mapping[AllocationId, PodRecord], now: float) -> None:
        """ReleaseAddress; `claims` are what the table says at this moment."""
        tags_of_late, known = self._tags_of_late(allocation_id, now), self.addresses.get(allocation_id)
        self._mutate(ReleaseAddress(allocation_id=allocation_id), now)
        claim = claims.get(allocation_id)
        if claim is not None and claim.phase is not Phase.RELEASING:
            self.accuse(f"{allocation_id} was released, which {claim.uid} holds ({claim.phase})")
        if all(tags.get(contract.TAG_TYPE) != Mode.AUTO for tags in (known.tags if known else {}, tags_of_late)):
            self.accuse(f"{allocation_id} was released, a pool's address")
        if allocation_id in self.forged:
            self.accuse(f"{allocation_id} was released, which somebody else had tagged as ours")

    def accuse(self, what: str) -> None:
        """This must never be."""
        self.crimes = (*self.crimes, what)

    def _tags_of_late(self, allocation_id: AllocationId, now: float) -> Mapping[str, str]:
        """What a late describe may still show of it."""
        before = self.seen(now, late=True).get(allocation_id)
        return before.tags if before else {}

    def _mutate(self, request: Mutation, now: float, target: Target | None = None) -> Change:
        """A call of the API; the interface of `target` is there."""
        carrier = () if target is None else (_carrier(target),)
        change = carry_out(world_of(self.addresses.values(), *carrier), request, self._rules(now))
        if change.effects:
            self._remember(now)
            self.addresses = shown_addresses(change.world)
        return change

    def _rules(self, now: float) -> Rules:
        occupied: Literal["displace", "refuse"] = "displace" if self.displaces else "refuse"
        settings = Ec2Settings(region=HOME, occupied_ip=occupied, default_vpc=self.default_vpc)
        return Rules(settings=settings, now=now, new_id=self._new_id, new_ip=lambda: f"203.0.113.{self.made}")

    def _new_id(self, kind: str) -> str:
        self.made += 1
        return f"{kind}-{self.made}"

    def _put(self, address: Address, now: float) -> None:
        self._remember(now)
        self.addresses = {**self.addresses, address.allocation_id: address}

    def _remember(self, now: float) -> None:
        self.mutations += 1
        self.past = (*((until, old) for until, old in self.past if until > now - LAG_S), (now, self.addresses))


def _carrier(target: Target) -> Interface:
    return Interface(interface_id=target.interface_id, private_ip=target.private_ip, instance_id=NODE)
