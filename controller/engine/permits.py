"""Whether a plan may start: another plan for the same target, a circuit breaker, a limit, or the quota may forbid it.

A plan is made for one Pod by itself. Here what it takes (`core/takes`) is checked against the plans on their way. Where
it may not begin, the Pod is planned once more with the reason in its situation, and `core/plan` says what it waits for.
"""

from collections.abc import KeysView
from dataclasses import dataclass, field, replace

from controller.core import actions as act
from controller.core.actions import Plan
from controller.core.plan import plan
from controller.core.situation import Offer, Situation
from controller.core.takes import adopts, allocates, begins, draws, target_of
from controller.engine.circuit_breakers import Request, request_of
from controller.engine.parts import TermParts
from controller.engine.plain import Plain
from state.model import AllocationId, PodUid, Target


@dataclass(slots=True)
class InFlight(Plain):
    """The plans on their way, and what they are about to claim: addresses of pools, and targets."""

    addresses: dict[PodUid, AllocationId | None] = field(default_factory=dict)
    targets: dict[Target, str] = field(default_factory=dict)
    of: dict[PodUid, Target] = field(default_factory=dict)

    @property
    def uids(self) -> KeysView[PodUid]:
        """The Pods whose plans are on their way."""
        return self.addresses.keys()

    def reserved(self) -> frozenset[AllocationId]:
        """The pool addresses that are being claimed."""
        return frozenset(a for a in self.addresses.values() if a is not None)

    def begin(self, s: Situation, target: Target | None) -> None:
        """This Pod's plan begins. `target`: the one that it makes a claim for, if any."""
        self.addresses[s.uid] = s.offer.address.allocation_id if isinstance(s.offer, Offer) else None
        if target is not None and s.pod is not None:
            self.targets[target], self.of[s.uid] = f"Pod {s.pod.namespace}/{s.pod.name}", target

    def end(self, uid: PodUid) -> None:
        """This Pod's plan has ended."""
        self.addresses.pop(uid, None)
        target = self.of.pop(uid, None)
        if target is not None:
            self.targets.pop(target, None)

    def rival(self, uid: PodUid, target: Target | None) -> str:
        """The other Pod that is about to claim this target, in words."""
        return self.targets.get(target, "") if target is not None and self.of.get(uid) != target else ""


def permitted(parts: TermParts, s: Situation, actions: Plan, flying: InFlight) -> Plan:
    """This plan, or another one if this one may not begin now."""
    rival = flying.rival(s.uid, target_of(actions))
    if rival:
        return plan(replace(s, rival=rival))
    return _within_quota(parts, s, _past_breakers(parts, s, _admitted(parts, s, actions), flying), flying)


def _admitted(parts: TermParts, s: Situation, actions: Plan) -> Plan:
    """This plan, or another one if it would take more than the namespace may have."""
    if s.pod is None or not begins(s, actions):
        return actions
    if adopts(actions):
        parts.admission.count(s.uid, s.pod.namespace)
        return actions
    refusal = parts.admission.admit(s.uid, s.pod.namespace, s.record)
    return plan(replace(s, refusal=refusal)) if refusal is not None else actions


def _past_breakers(parts: TermParts, s: Situation, actions: Plan, flying: InFlight) -> Plan:
    """This plan, or another one if EC2 allocates no address from this pool now."""
    request = request_of(s) if allocates(actions) else None
    if request is None:
        return actions

    def acts(other: Request) -> bool:
        """One that waits for a token counts in its own namespace only: another one's may have a token sooner."""
        waits = other.namespace == request.namespace and parts.calls.waits_for(other.uid, act.Allocate)
        return waits or other.uid in flying.uids

    why = parts.breakers.holds(request, acts)
    return plan(replace(s, breaker_open=why)) if why is not None else actions


def _within_quota(parts: TermParts, s: Situation, actions: Plan, flying: InFlight) -> Plan:
    """This plan, or another one if what is left of the account's quota is kept for others."""
    none = parts.quota.no_room(s.uid, flying.uids) if draws(actions) else None
    return plan(replace(s, no_quota=none)) if none is not None else actions
