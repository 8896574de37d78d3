"""Makes the situations of a tick's Pods from the caches and EC2's view; nothing else joins the two.

No API is called here: a Pod of which something is not known, or not freshly enough, is put aside with its needs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from controller.core import contract
from controller.core.actions import WaitReason
from controller.core.adoption import is_own_auto
from controller.core.desire import Desire, Gone, Pending, Serve, Unproven, desire
from controller.core.modes import SPECS
from controller.core.policy import Refusal
from controller.core.ports import Clock, Ledger, Pods
from controller.core.remembered import remembered_uid, was_ours
from controller.core.situation import Facts, Foreign, NoOffer, Offer, Placed, Situation
from controller.core.views import Address, PodView
from controller.engine.admission import Admission
from controller.engine.claims import ClaimIndex
from controller.engine.ec2view import AddressView, tagged_for
from controller.engine.locate import Locator
from controller.engine.lookups import Lookup
from controller.engine.memory import TermMemory
from controller.engine.placement import Placements
from controller.engine.pod_input import Observation, PodInput
from controller.engine.pool_allocator import PoolAllocator
from controller.engine.quota import QuotaGuard
from state.model import AllocationId, Phase, PodRecord, PodUid, Target

HOST_FRESH_S = 5.0
FRESH_S = 1.0
"""Seconds. A view that is younger needs no second look before a Pod is told to wait."""


class Observer:
    """Observes the Pods of one term; used by the loop's thread alone."""

    def __init__(
        self,
        *,
        facts: Facts,
        pods: Pods,
        ledger: Ledger,
        view: AddressView,
        placements: Placements,
        claims: ClaimIndex,
        memory: TermMemory,
        admission: Admission,
        clock: Clock,
        poll_interval_s: float,
        quota: QuotaGuard,
        pools: PoolAllocator,
        restored: bool = False,
    ) -> None:
        self._facts, self._pods, self._ledger, self._view = facts, pods, ledger, view
        self._claims, self._memory, self._clock, self._quota = claims, memory, clock, quota
        self._locator = Locator(pods=pods, view=view, placements=placements, memory=memory, clock=clock)
        self._poll_interval_s, self._restored, self._admission = poll_interval_s, restored, admission
        self._inventory = pools

    def observe(self, uids: Iterable[PodUid], reserved: frozenset[AllocationId]) -> Observation:
        """The situations of these Pods now, and the needs of those that have to wait."""
        seen = Observation()
        pod_inputs = [self._pod_input(uid) for uid in uids]
        known = [g for g in pod_inputs if self._knows(g, self._needed(g), seen)]
        offers = self._offers(known, reserved, seen)
        self._keep_order(pod_inputs, seen)
        pod_inputs = [g for g in pod_inputs if g.uid not in seen.parked]
        tagged = tagged_for(self._view.all(), contract.TAG_POD_UID) if self._any_intent(pod_inputs) else {}
        for pod_input in pod_inputs:
            self._memory.of(pod_input.uid).asked.clear()
            seen.situations.append(self._situation(pod_input, offers.get(pod_input.uid), tagged))
        return seen

    def _knows(self, pod_input: PodInput, lookup: Lookup | None, seen: Observation) -> bool:
        """Whether the Pod needs nothing; else it is put aside."""
        if lookup is not None:
            seen.parked[pod_input.uid] = lookup
            self._memory.of(pod_input.uid).asked.setdefault((lookup.kind, lookup.name), lookup.since)
        return lookup is None

    def _pod_input(self, uid: PodUid) -> PodInput:
        pod, record = self._pods.get(uid), self._ledger.pod(uid)
        if pod is None:
            nameless = record is None or not record.name  # an orphan without a Pod's name
            proven = nameless or self._pods.seen_deleted(uid) or self._memory.of(uid).gone
            return PodInput(uid, None, record, Gone() if proven else Unproven())
        if (successor := self._successor(pod, record)) is not None:
            return PodInput(uid, pod, record, Gone(to=f"Pod {successor.namespace}/{successor.name}"))
        wanted = self._memory.of(uid).believed(desire(pod), record)
        return PodInput(uid, pod, record, wanted, self._refusal(pod, record, wanted))

    def _refusal(self, pod: PodView, record: PodRecord | None, wanted: Desire) -> Refusal | None:
        if not isinstance(wanted, Serve | Pending):
            return None
        return self._admission.refusal(pod.uid, pod.namespace, wanted, record)

    def _successor(self, pod: PodView, record: PodRecord | None) -> PodView | None:
        """Another live Pod that was given the IP which this Pod's claim is for, or would be for, after this one."""
        ip = record.target.private_ip if record is not None and record.target is not None else pod.ip
        if not ip or pod.ip not in ("", ip) or pod.host_network:  # a node's IP is not given to a Pod
            return None
        others = [other for other in self._pods.at_ip(ip) if other.uid != pod.uid]
        return next((o for o in others if not pod.ip or pod.deleting or self._given(o) > self._given(pod)), None)

    def _given(self, pod: PodView) -> tuple[int, str]:
        """When the Pod was given its IP, for comparison: in the API server's order, not by the Pod's age."""
        return self._pods.ip_version(pod.uid), pod.created

    def _keep_order(self, pod_inputs: list[PodInput], seen: Observation) -> None:
        """Where there is a limit the oldest Pod comes first: no younger Pod under it overtakes one that is put aside.

        For the limit of the install all Pods are in one order, but only while not all new Pods have room in it.
        """
        new = [
            pod_input
            for pod_input in sorted(pod_inputs, key=_age)
            if pod_input.pod is not None and pod_input.record is None
        ]
        scarce = self._admission.is_scarce(len(new))
        first: dict[str, PodInput] = {}
        for pod_input in new:
            assert pod_input.pod is not None
            if not scarce and not self._admission.is_limited(pod_input.pod.namespace):
                continue
            line = "" if scarce else pod_input.pod.namespace
            before = first.get(line)
            if pod_input.uid in seen.parked:
                first.setdefault(line, pod_input)
            elif before is not None:
                self._knows(pod_input, seen.parked[before.uid], seen)

    def _needed(self, pod_input: PodInput) -> Lookup | None:
        return self._view_needed(pod_input) or self._locator.locate(pod_input) or self._quota_needed(pod_input)

    def _quota_needed(self, pod_input: PodInput) -> Lookup | None:
        """What is needed before an allocation: the account's quota, and all addresses where it is nearly used up."""
        if not pod_input.may_draw:
            return None
        since = self._memory.of(pod_input.uid).since("quota", "", self._quota.known_since())
        if self._quota.read_at < since:
            return Lookup("quota", since=since)
        return self._newer_view(pod_input, self._quota.looked_since())

    def _view_needed(self, pod_input: PodInput) -> Lookup | None:
        return self._newer_view(pod_input, self._view_since(pod_input))

    def _newer_view(self, pod_input: PodInput, since: float) -> Lookup | None:
        since = self._memory.of(pod_input.uid).since("addresses", "", since)
        return Lookup("addresses", since=since) if self._view.asked_at < since else None

    def _view_since(self, pod_input: PodInput) -> float:
        mine = self._memory.of(pod_input.uid)
        wanted = mine.look_after
        if (
            pod_input.record is None
            and isinstance(pod_input.desire, Serve)
            and pod_input.pod
            and pod_input.pod.host_network
        ):
            # Many Pods share a node's IP, of other installs too: look first at what is associated with it by now.
            wanted = max(wanted, self._clock() - HOST_FRESH_S)
        if pod_input.wants_pool:
            return max(wanted, self._clock() - (mine.poll_s or self._poll_interval_s))
        return max(wanted, self._memory.started)

    def _offers(
        self, pod_inputs: list[PodInput], reserved: frozenset[AllocationId], seen: Observation
    ) -> Mapping[PodUid, Offer | NoOffer]:
        seekers = [g for g in pod_inputs if g.wants_pool and self._knows(g, self._pool_needed(g), seen)]
        offers = self._assign_offers(seekers, reserved) if seekers else {}
        for pod_input in seekers:
            if self._begins_to_wait(pod_input, offers.get(pod_input.uid)):
                self._knows(pod_input, self._newer_view(pod_input, self._clock() - FRESH_S), seen)
        return offers

    def _pool_needed(self, pod_input: PodInput) -> Lookup | None:
        """What is needed before an offer: all installs' claims on the pool must be as new as the view of EC2."""
        assert isinstance(pod_input.desire, Serve)
        pool = pod_input.desire.pool
        since = self._memory.of(pod_input.uid).since("pools", pool, self._view.asked_at)
        return Lookup("pools", pool, since=since) if self._inventory.read_at(pool) < since else None

    def _assign_offers(
        self, seekers: list[PodInput], reserved: frozenset[AllocationId]
    ) -> Mapping[PodUid, Offer | NoOffer]:
        ordered = [(g.pod, g.desire) for g in sorted(seekers, key=_age) if g.pod and isinstance(g.desire, Serve)]
        return self._inventory.assign_offers(ordered, reserved)

    def _begins_to_wait(self, pod_input: PodInput, offer: Offer | NoOffer | None) -> bool:
        """Whether the Pod would begin to wait. If so a new view is needed: its pool may have been tagged since."""
        waits = isinstance(offer, NoOffer) and not offer.soon
        return waits and self._memory.of(pod_input.uid).waiting != WaitReason.POOL

    def _any_intent(self, pod_inputs: list[PodInput]) -> bool:
        return any(
            (g.record is None and isinstance(g.desire, Serve) and SPECS[g.desire.mode].allocates)
            or (g.record is not None and g.record.phase is Phase.INTENT)
            for g in pod_inputs
        )

    def _situation(
        self, pod_input: PodInput, offer: Offer | NoOffer | None, tagged: Mapping[PodUid, list[Address]]
    ) -> Situation:
        record, memory, looked = pod_input.record, self._memory.of(pod_input.uid), self._view.asked_at
        expected = self._may_have_allocated(record) and self._memory.expects(pod_input.uid, looked)
        remembered = self._ledger.pod(remembered_uid(pod_input.uid)) is not None
        base = Situation(
            uid=pod_input.uid,
            desire=pod_input.desire,
            facts=self._facts,
            pod=pod_input.pod,
            record=record,
            address_seen=looked >= self._memory.started + self._memory.consistency_s,
            tagged=tuple(
                a
                for a in tagged.get(pod_input.uid, ())
                if self._unowned(a, pod_input.uid, known=expected or remembered)
            ),
            offer=offer,
            in_doubt=self._may_have_allocated(record) and self._memory.in_doubt(pod_input.uid, looked),
            unanswered=expected and record is not None,
            remembered=remembered,
            settled=self._memory.settled(pod_input.uid, looked),
            looked_after_cut=looked > memory.cut_at,
            in_scope=record is None or self._pods.in_scope(record.namespace),
            refusal=pod_input.refusal,
            unplaced_long=memory.unplaced_for(self._clock()) >= self._memory.consistency_s,
            labels_paused=memory.labels_paused(self._clock()),
            flapping=memory.flapping(self._clock()),
            again=memory.again(self._clock(), begun=record is not None),
        )
        return self._with_surroundings(self._with_claim(base, pod_input), pod_input)

    def _may_have_allocated(self, record: PodRecord | None) -> bool:
        """Whether an intent stands, or the table was restored and may have lost one."""
        return self._restored if record is None else record.phase is Phase.INTENT

    def _with_claim(self, base: Situation, pod_input: PodInput) -> Situation:
        record = pod_input.record
        if record is None or record.allocation_id is None:
            return base
        return replace(
            base,
            claim=self._ledger.address(record.allocation_id),
            address=self._view.get(record.allocation_id),
            address_seen=base.address_seen and not self._view.unreadable(record.allocation_id),
            missing=self._view.missing_for(record.allocation_id) >= self._memory.consistency_s,
            cut=record.association_id in self._memory.cut_ids,
            associated_address=self._view.associated_by(record.association_id),
            in_cooldown=record.allocation_id in self._memory.cooling_down(pod_input.uid),
        )

    def _with_surroundings(self, base: Situation, pod_input: PodInput) -> Situation:
        if not isinstance(pod_input.desire, Serve):
            return base
        placement = pod_input.placement
        looked_up = placement.target if isinstance(placement, Placed | Foreign) else None
        target = looked_up or _settled_target(pod_input, pod_input.desire.ip)
        if target is None:
            return replace(base, placement=placement)
        other = self._view.at(target)
        own = (
            pod_input.record is not None and other is not None and other.allocation_id == pod_input.record.allocation_id
        )
        occupant = None if own else other
        return replace(
            base,
            placement=placement,
            strayed=pod_input.strayed,
            rival=self._rival(pod_input.uid, target),
            leftover=occupant is not None and self._memory.left_over(occupant),
            occupant=occupant,
            occupant_claim=self._ledger.address(occupant.allocation_id) if occupant else None,
        )

    def _rival(self, uid: PodUid, target: Target) -> str:
        """The Pod with another claim for this target, in words."""
        holders = (self._ledger.pod(other) for other in self._claims.rivals(uid, target))
        return next((f"Pod {held.holder}" if held and held.name else "a Pod that is gone" for held in holders), "")

    def _unowned(self, address: Address, uid: PodUid, *, known: bool) -> bool:
        """An unclaimed address of this very Pod: the table expects one (`known`), or knew this one.

        Nobody has associated it with something that we do not know.
        """
        record = self._ledger.address(address.allocation_id)
        free = was_ours(record) or (known and (record is None or record.owner is None))
        return free and is_own_auto(address, self._facts, uid) and address.association is None


def _settled_target(pod_input: PodInput, ip: str) -> Target | None:
    """The target of an association that stands; it was looked up before, and is not looked up again."""
    target = pod_input.record.target if pod_input.record else None
    return target if target is not None and target.private_ip == ip else None


def _age(pod_input: PodInput) -> tuple[str, str]:
    return (pod_input.pod.created if pod_input.pod else "", pod_input.uid)
