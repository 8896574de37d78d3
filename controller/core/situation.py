"""Everything that a plan may depend on for one Pod, gathered beforehand, so that planning calls no API.

What depends on time or on the memory of this process ("was that describe taken after the cut?") is a boolean here: the
engine knows clocks, the plan does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from controller.core.desire import Desire
from controller.core.policy import Refusal
from controller.core.views import Address, Association, PodView
from state.model import AddressRecord, ClusterUid, InstallKey, InstallRecord, Phase, PodRecord, PodUid, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is the same for every Pod of an install.

    discreet: Pods are not told the names of other clusters. adopt_leftovers: on the cluster's own nodes, tags alone
        prove that the Go controller left an address there.
    """

    install: InstallKey
    cluster_name: str
    home_border_group: str
    extra_tags: Mapping[str, str] = field(default_factory=dict)
    discreet: bool = False
    adopt_leftovers: bool = True

    @property
    def cluster_uid(self) -> ClusterUid:
        """The cluster of the install."""
        return self.install.cluster_uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The Pod's IP is on this interface."""

    target: Target
    border_group: str | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """The Pod's IP is on no interface of the VPC; or (`looked` False) EC2 was not asked lately."""

    looked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """The Pod's IP is on an interface that is not provably its own; `why` says why not.

    nameless: its Node names no EC2 instance, so no interface can be proved to be its own.
    """

    target: Target
    why: str
    nameless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A pool address that this Pod may claim, with its side of the ledger as it was read.

    silent: the install that holds it but counts as gone; taking the address fences it.
    """

    address: Address
    before: AddressRecord | None
    silent: InstallRecord | None = None


class Lack(Enum):
    """Why there is no address for a Pod; `core/remedies` says what helps."""

    COMING = auto()  # its own former address is still being cut
    TURN = auto()  # what is free is left to Pods of other clusters, which have waited longer
    UNTAGGED = auto()  # no address carries the tag
    KEPT = auto()  # each address of the pool is kept for a Pod that its value names
    BORDER_GROUP = auto()  # the pool's addresses are of another network border group
    HELD = auto()  # the pool's addresses are in use
    QUOTA = auto()  # the rest of the account's quota is kept for others


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOffer:
    """There is no address for this Pod now, in its pool or in the account's quota; `why` is for its author.

    soon: there will probably be one in a moment, so the Pod is told only if the wait lasts.
    """

    why: str
    lack: Lack
    soon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOpen:
    """EC2 is not asked for this Pod now, for one Pod asks for all that wait; `why` is for its author.

    soon: there will probably be an answer in a moment, so the Pod is told only if the wait lasts.
    """

    why: str
    soon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One Pod, what it desires, and all that its plan depends on.

    address: the claimed address as EC2 shows it; None where EC2 does not show it.
    address_seen: False where EC2 may not show yet what an earlier leader did: then the ledger is believed.
    missing: two describes, further apart than EC2's reads lag, did not show the claimed address: it is gone.
    unplaced_long: the Pod's IP has been on no interface of its own for longer than EC2's reads lag.
    strayed: EC2 shows the claim's association on another instance than the Pod's own node, at the claim's own target.
    labels_paused: the Pod's labels were put right so often that they are left as they are for a while.
    occupant: another address that EC2 shows at the Pod's own target, with its side of the ledger.
    rival: the Pod with another claim of this install for the same target, written or on its way, in words; "": none.
    leftover: the comparison with EC2 found that the occupant was left there by the Go controller, for a Pod that is
        gone.
    tagged: unowned `auto` addresses whose tags name this Pod; only where one is expected, for tags alone prove nothing.
    in_doubt: an AllocateAddress for this Pod may have happened, and EC2's reads may not show it yet.
    unanswered: an AllocateAddress under this Pod's intent had no answer, and may still arrive.
    remembered: an earlier intent of this Pod is remembered.
    settled: no AssociateAddress for this claim can be on its way, and no association hidden by a late read.
    looked_after_cut: EC2's view was taken after this claim's association was cut.
    cut: the recorded association was cut already.
    associated_address: the address that EC2 shows with the recorded association; it may be another than the claimed
    one. in_cooldown: EC2 refused this Pod the claimed address, so it is to have another.
    breaker_open: why EC2 is not asked for an address of the pool for it now.
    flapping: why nothing new is begun for this Pod for a while. again: it had begun to get an address shortly before.
    no_quota: why no address may be allocated from the account's quota now.
    refusal: why the policy refuses a new claim for what the Pod desires.
    """

    uid: PodUid
    desire: Desire
    facts: Facts
    pod: PodView | None = None
    record: PodRecord | None = None
    claim: AddressRecord | None = None
    address: Address | None = None
    address_seen: bool = False
    missing: bool = True
    placement: Placed | Foreign | Unplaced = Unplaced(looked=False)
    unplaced_long: bool = True
    strayed: bool = False
    labels_paused: bool = False
    occupant: Address | None = None
    occupant_claim: AddressRecord | None = None
    rival: str = ""
    leftover: bool = False
    tagged: tuple[Address, ...] = ()
    offer: Offer | NoOffer | None = None
    in_doubt: bool = False
    unanswered: bool = False
    remembered: bool = False
    settled: bool = True
    looked_after_cut: bool = False
    cut: bool = False
    associated_address: Address | None = None
    in_cooldown: bool = False
    in_scope: bool = True
    refusal: Refusal | None = None
    breaker_open: BreakerOpen | None = None
    flapping: str = ""
    again: bool = False
    no_quota: NoOffer | None = None

    def is_ours(self, association: Association) -> bool:
        """Whether the claimed address is associated by a call of ours, or moved along with its private IP.

        A secondary IP that is assigned to another interface takes its Elastic IP with it (EC2 API reference,
        AssignPrivateIpAddresses): the target is then another one, although no call associated the address there.
        """
        held = self.record
        if self.claim is None or held is None:
            return False
        with_its_ip = held.target is not None and association.target.private_ip == held.target.private_ip
        return self.claim.knows(association.target) or (held.phase is Phase.ASSOCIATED and with_its_ip)

    @property
    def contradicted(self) -> bool:
        """Whether EC2 shows the recorded association at another address, or at a target that is not this claim's.

        No write of ours makes such an item, but others who may write the table can.
        """
        shown = self.associated_address.association if self.associated_address else None
        if self.record is None or self.associated_address is None or shown is None:
            return False
        agrees = shown.target == self.record.target or self.is_ours(shown)
        return self.associated_address.allocation_id != self.record.allocation_id or not agrees

    @property
    def taken_by_others(self) -> bool:
        """Whether the claimed address has another owner in the ledger, or none: it was taken while we were silent.

        Both sides of a claim are written together, so nothing else can make them differ.
        """
        if self.record is None or self.claim is None or self.claim.allocation_id != self.record.allocation_id:
            return False
        owner = self.claim.owner
        return owner is None or (owner.cluster_uid, owner.pod_uid) != (self.facts.cluster_uid, self.uid)
