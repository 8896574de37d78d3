"""Everything a plan may look at for one Pod, gathered beforehand, so that planning asks nobody anything.

What depends on time or on the memory of this process ("was that describe taken after the cut?") arrives here as a
plain yes or no: the engine knows clocks, the plan does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core.desire import Desire
from controller.core.policy import Refusal
from controller.core.ports import Address, Association, PodView
from state.model import AddressRecord, ClusterUid, InstallRecord, Phase, PodRecord, PodUid, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is the same for every Pod of an install.

    discreet: Pods are not told what other clusters are called. adopt_leftovers: tags alone are believed of what the Go
        controller left on the cluster's own nodes.
    """

    cluster_uid: ClusterUid
    cluster_name: str
    install: str
    home_border_group: str
    extra_tags: Mapping[str, str] = field(default_factory=dict)
    discreet: bool = False
    adopt_leftovers: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """The Pod's IP is on this interface."""

    target: Target
    border_group: str | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """The Pod's IP was looked for and is on no interface of the VPC; or (`looked` false) nobody has looked lately."""

    looked: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """The Pod's IP is on an interface that is not its own, as far as anybody can tell; `why` says why not."""

    target: Target
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A pool address that this Pod may claim, with its side of the ledger as it was read.

    silent: the install that holds it but counts as gone; taking the address fences it.
    """

    address: Address
    before: AddressRecord | None
    silent: InstallRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOffer:
    """There is no address for this Pod now, in its pool or in the account's quota; `why` is for its author.

    soon: it will have one in a moment, so that nothing is said unless it lasts.
    """

    why: str
    soon: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """One Pod, what it desires, and all that bears on it.

    address: the claimed address as EC2 shows it, None where it does not; `address_seen` false: what an earlier leader
        did may not be visible yet, so that the ledger is believed rather than EC2's view.
    missing: two looks, further apart than EC2's reads lag, did not show the claimed address: it is gone.
    unplaced_long: the Pod's IP has been on no interface of its own for longer than EC2's reads lag.
    strayed: EC2 shows the claim's association on another instance than the Pod's own node, at the claim's own target.
    signs_rest: the Pod's labels were mended so often that they are left for a while.
    squatter: another address that EC2 shows at the Pod's own target, with its side of the ledger.
    rival: who has a claim of this install for the same target, or is about to have it; as people read it, "" nobody.
    leftover: the comparison with EC2 found that the squatter was left there by the Go controller, for a Pod that is
        gone.
    tagged: unowned `auto` addresses whose tags name this very Pod, where one is expected: tags alone prove nothing.
    in_doubt: an AllocateAddress for this Pod may have happened, and EC2's reads may not show it yet.
    unanswered: an AllocateAddress under this Pod's intent had no answer, and may arrive as late as a call can.
    remembered: an earlier intent of this Pod is remembered.
    settled: no association of this claim can be on its way, or hidden by a late read.
    looked_after_cut: EC2's view was taken after this claim's association was cut.
    cut: the recorded association was cut already.
    bearer: the address that EC2 shows with the recorded association, whichever it is.
    barred: EC2 refused this Pod the claimed address for good.
    braked: why EC2 gives nobody an address of the pool now; flapping: why the Pod begins nothing new for a while.
    no_quota: why no address may be allocated from the account's quota now.
    refusal: what the policy has against a new claim for what the Pod desires.
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
    signs_rest: bool = False
    squatter: Address | None = None
    squatter_claim: AddressRecord | None = None
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
    bearer: Address | None = None
    barred: bool = False
    in_scope: bool = True
    refusal: Refusal | None = None
    braked: str = ""
    flapping: str = ""
    no_quota: NoOffer | None = None

    def is_ours(self, association: Association) -> bool:
        """Whether the claimed address is there by a call of ours, or because its IP took it along.

        A secondary IP that is assigned to another interface takes its Elastic IP with it (EC2 API reference,
        AssignPrivateIpAddresses): then the target is another one, and nobody has associated anything.
        """
        held = self.record
        if self.claim is None or held is None:
            return False
        with_its_ip = held.target is not None and association.target.private_ip == held.target.private_ip
        return self.claim.knows(association.target) or (held.phase is Phase.ASSOCIATED and with_its_ip)

    @property
    def contradicted(self) -> bool:
        """Whether EC2 shows the recorded association at another address, or at a target that is not this claim's.

        No write of ours makes such an item: whoever shares the table, or holds a role that may write it, can.
        """
        shown = self.bearer.association if self.bearer else None
        if self.record is None or self.bearer is None or shown is None:
            return False
        agrees = shown.target == self.record.target or self.is_ours(shown)
        return self.bearer.allocation_id != self.record.allocation_id or not agrees

    @property
    def usurped(self) -> bool:
        """Whether the claimed address has another owner in the ledger, or none: somebody took it while we were silent.

        Both sides of a claim are written together, so nothing else makes them differ.
        """
        if self.record is None or self.claim is None or self.claim.allocation_id != self.record.allocation_id:
            return False
        owner = self.claim.owner
        return owner is None or (owner.cluster_uid, owner.pod_uid) != (self.facts.cluster_uid, self.uid)
