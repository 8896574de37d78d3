"""A world small enough to be exact: one Pod, one pool, EC2 as a dictionary, and the plan's actions as pure moves.

It applies the product's own transitions, so that a property of plans (any prefix, planned anew, ends the same) is a
property of the product and not of a copy.
"""

from dataclasses import dataclass, field, replace

from controller.core import actions as act
from controller.core import contract, transitions
from controller.core.desire import Gone, Serve, desire, label_patch, wanted_labels
from controller.core.phases import EDGES, Edge, edge_of
from controller.core.plan import plan
from controller.core.policy import Refusal
from controller.core.situation import Facts, Lack, NoOffer, Offer, Placed, Situation
from controller.core.views import Address, Allocation, AllocationRequest, PodView
from sandbox.ec2.model import Interface
from sandbox.ec2.requests import DisassociateAddress, Mutation, ReleaseAddress
from sandbox.ec2.rules import Rules
from sandbox.ec2.settings import Ec2Settings
from state.model import (
    AddressRecord,
    AllocationId,
    AssociationId,
    Change,
    Epoch,
    InstallKey,
    InterfaceId,
    Mode,
    PodRecord,
    PodUid,
    Rev,
    Target,
)
from tests.fakes.ec2_words import allocation, association, carry_out, shown_addresses, world_of

FACTS = Facts(install=InstallKey.parse("c-1#kube-system/l"), cluster_name="a", home_border_group="us-west-2")
ENI = InterfaceId("eni-1")
POOL = AllocationId("eipalloc-pool")


def pod(
    mode: str, pool: str = "", *, ip: str = "10.0.0.5", annotations: dict[str, str] | None = None, created: str = "1"
) -> PodView:
    """A live Pod of this mode, or with exactly these annotations."""
    return PodView(
        uid=PodUid("u-1"),
        namespace="ns",
        name="p",
        ip=ip,
        node="n",
        annotations=_annotations(mode, pool) if annotations is None else annotations,
        created=created,
    )


def _annotations(mode: str, pool: str) -> dict[str, str]:
    annotations = {contract.ANNOTATION_TYPE: mode}
    if mode == Mode.FIXED_TAG:
        annotations[contract.ANNOTATION_FIXED_TAG] = pool
    if mode == Mode.FIXED_TAG_VALUE:
        annotations[contract.ANNOTATION_FIXED_TAG_VALUE] = pool
    return annotations


def target(ip: str) -> Target:
    """The Pod's target at this IP."""
    return Target(interface_id=ENI, private_ip=ip)


@dataclass
class PlanWorld:
    """The state of everything, and the moves."""

    pod: PodView | None
    record: PodRecord | None = None
    sides: dict[AllocationId, AddressRecord] = field(default_factory=dict)
    ec2: dict[AllocationId, Address] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    edges: set[Edge] = field(default_factory=set)
    new: Allocation | None = None
    made: AssociationId | None = None
    counter: int = 0
    occupant: AllocationId | None = None
    refusal: Refusal | None = None

    def with_pool(self, **tags: str) -> "PlanWorld":
        """Add the pool's one address."""
        self.ec2[POOL] = Address(allocation_id=POOL, public_ip="1.1.1.1", border_group="us-west-2", tags=tags)
        return self

    def situation(self) -> Situation:
        """What a plan sees of this world, with nothing in doubt."""
        view = replace(self.pod, labels=dict(self.labels)) if self.pod else None
        wanted = desire(view) if view else Gone()
        held = self.record.allocation_id if self.record else None
        at = target(view.ip) if view else target("")
        occupant = next(
            (a for a in self.ec2.values() if a.association and a.association.target == at and a.allocation_id != held),
            None,
        )
        return Situation(
            uid=PodUid("u-1"),
            desire=wanted,
            facts=FACTS,
            pod=view,
            record=self.record,
            claim=self.sides.get(held) if held else None,
            address=self.ec2.get(held) if held else None,
            address_seen=True,
            placement=Placed(target=at),
            occupant=occupant,
            occupant_claim=self.sides.get(occupant.allocation_id) if occupant else None,
            tagged=tuple(a for a in self.ec2.values() if self._mine(a)),
            offer=self._offer() if isinstance(wanted, Serve) and wanted.mode is not Mode.AUTO else None,
            looked_after_cut=True,
            refusal=self.refusal,
        )

    def _mine(self, address: Address) -> bool:
        side = self.sides.get(address.allocation_id)
        free = side is None or side.owner is None
        return free and address.tags.get(contract.TAG_POD_UID) == "u-1" and address.association is None

    def _offer(self) -> Offer | NoOffer:
        address, side = self.ec2.get(POOL), self.sides.get(POOL)
        if address is None or address.association or (side and side.owner):
            return NoOffer(why="the pool is empty", lack=Lack.HELD)
        return Offer(address=address, before=side)

    def run(self, limit: int | None = None) -> int:
        """Plan and do, at most `limit` actions (then "crash"); the number of actions done."""
        done = 0
        for _ in range(20):
            steps = [a for a in plan(self.situation()) if not isinstance(a, act.Wait)]
            useful = [a for a in steps if not isinstance(a, act.Tell)]
            if not useful:
                return done
            self.new = self.made = None
            for step in steps:
                if limit is not None and done >= limit:
                    return done
                self.do(step)
                done += 1
        raise AssertionError(f"does not converge: {plan(self.situation())}")

    def do(self, step: act.Action) -> None:
        """One action."""
        self.calls.append(type(step).__name__)
        match step:
            case act.Tell(event=event):
                self.events.append(event.reason)
            case act.Allocate() | act.Associate() | act.Cut() | act.Release():
                self._in_ec2(step)
            case act.Label() | act.Unlabel():
                self._on_pod(step)
            case _:
                self._in_ledger(step)

    def _in_ledger(self, step: act.Action) -> None:
        owner = transitions.owner(FACTS, PodUid("u-1"), Epoch(1))
        match step:
            case act.Intend(mode=mode, pool=pool):
                assert self.pod
                self._commit(transitions.intend(self.pod, mode, pool, ""))
            case act.Claim():
                assert self.pod
                self._commit(transitions.claim(step, self.pod, self.record, self.new, owner, ""))
            case act.Salvage(address=address):
                before = self.sides.get(address.allocation_id)
                self._commit(transitions.salvage(self._held(), address, before, owner))
            case act.Retarget(target=to):
                self._commit(transitions.retarget(self._held(), self._side(), to))
            case act.Record(association_id=found):
                association_id = found or self.made
                assert association_id
                self._commit(transitions.associated(self._held(), association_id))
            case _:
                self._give_up(step)

    def _give_up(self, step: act.Action) -> None:
        match step:
            case act.MarkReleasing():
                self._commit(transitions.releasing(self._held()))
            case act.Forget():
                released = self._held().allocation_id not in self.ec2 and self._held().mode is Mode.AUTO
                self._commit(transitions.forget(self._held(), self._side(), released=released))
            case _:
                raise AssertionError(step)

    def _in_ec2(self, step: act.Allocate | act.Associate | act.Cut | act.Release) -> None:
        match step:
            case act.Allocate(request=request):
                self._allocate(request)
            case act.Associate():
                self._associate()
            case act.Cut(association_id=cut):
                self._cut(cut)
            case act.Release(allocation_id=released):
                self._release(released)

    def _mutate(self, request: Mutation) -> str:
        """A call of EC2; the id that it is answered with."""
        ips = [address.association.target.private_ip for address in self.ec2.values() if address.association]
        ips += [self.record.target.private_ip] if self.record and self.record.target else []
        interface = Interface(interface_id=ENI, private_ip="10.0.0.1", secondary_ips=tuple(ips))
        change = carry_out(world_of(self.ec2.values(), interface), request, self._rules())
        self.ec2 = shown_addresses(change.world)
        return change.answer

    def _rules(self) -> Rules:
        settings = Ec2Settings(region=FACTS.home_border_group, occupied_ip="refuse")
        return Rules(settings=settings, now=0.0, new_id=self._new_id, new_ip=lambda: "2.2.2.2")

    def _new_id(self, kind: str) -> str:
        self.counter += 1
        return f"{kind}-{self.counter}"

    def _allocate(self, request: AllocationRequest) -> None:
        made = AllocationId(self._mutate(allocation(request)))
        self.new = Allocation(allocation_id=made, public_ip=self.ec2[made].public_ip)

    def _release(self, allocation_id: AllocationId) -> None:
        address = self.ec2.get(allocation_id)
        if address is not None:
            assert address.tags.get(contract.TAG_TYPE) == Mode.AUTO, "released a pool address"
            self._mutate(ReleaseAddress(allocation_id=allocation_id))

    def _on_pod(self, step: act.Label | act.Unlabel) -> None:
        if isinstance(step, act.Unlabel):
            self._relabel({})
            return
        public_ip = self._held().public_ip
        assert public_ip
        assert self.pod
        self._relabel(wanted_labels(self.pod, step.mode, public_ip))

    def _held(self) -> PodRecord:
        assert self.record
        return self.record

    def _side(self) -> AddressRecord | None:
        assert self.record
        return self.sides.get(self.record.allocation_id) if self.record.allocation_id else None

    def _commit(self, change: Change) -> None:
        assert edge_of(change) in EDGES, edge_of(change)
        self.edges.add(edge_of(change))
        if change.pod_before is not None or change.pod_after is not None:
            assert change.pod_before == self.record, "planned on another record"
            self.record = replace(change.pod_after, rev=_next(change.pod_before)) if change.pod_after else None
        side = change.address_after or change.address_before
        if side is not None:
            assert change.address_before == self.sides.get(side.allocation_id), "planned on another address item"
            if change.address_after:
                self.sides[side.allocation_id] = replace(change.address_after, rev=_next(change.address_before))
            else:
                del self.sides[side.allocation_id]

    def _associate(self) -> None:
        assert self.record
        assert self.record.allocation_id
        assert self.record.target
        self.made = AssociationId(self._mutate(association(self.record.allocation_id, self.record.target)))

    def _cut(self, association_id: AssociationId) -> None:
        for address in list(self.ec2.values()):
            if address.association and address.association.association_id == association_id:
                side = self.sides.get(address.allocation_id)
                assert side, "cut an association of nobody"
                assert side.knows(address.association.target), "cut what is not ours"
                self._mutate(DisassociateAddress(association_id=association_id))

    def _relabel(self, wanted: dict[str, str]) -> None:
        assert self.pod
        patch = label_patch(replace(self.pod, labels=dict(self.labels)), wanted)
        for key, value in patch.items():
            if value is None:
                self.labels.pop(key, None)
            else:
                assert self.record
                if key == contract.LABEL_PUBLIC_IP:
                    assert self.record.allocation_id
                    assert self.ec2[self.record.allocation_id].association, "a label before its association"
                self.labels[key] = value

    def outcome(self) -> tuple[object, ...]:
        """What the end looks like, without counters."""
        associated = sorted((key, a.association.target) for key, a in self.ec2.items() if a.association and key == POOL)
        free = sum(1 for a in self.ec2.values() if not a.association)
        held = self.record and (self.record.phase, self.record.target, self.record.mode)
        return held, associated, free, len(self.ec2), dict(self.labels)


def _next(before: PodRecord | AddressRecord | None) -> Rev:
    return Rev((before.rev if before else 0) + 1)
