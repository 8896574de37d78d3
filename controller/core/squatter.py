"""Another address than the claimed one stands at a Pod's target: what it may be, and what is done about it.

It may be the Pod's own, given out by the Go controller or before the table was lost; a late arrival of a call of ours;
or somebody else's, which is told and never touched.
"""

from controller.core import contract, teardown
from controller.core.actions import Claim, Cut, Label, Plan, Reason, Tell, Wait
from controller.core.adoption import may_adopt, upstream_tags
from controller.core.desire import Serve
from controller.core.ports import Address, EventType, PodEvent
from controller.core.situation import Situation
from state.model import Mode


def meet(s: Situation, squatter: Address, wanted: Serve | None) -> Plan:
    """Another address is at the Pod's target: adopt it, cut it if it is a late arrival of ours, or wait."""
    assert squatter.association is not None
    association = squatter.association
    claim = s.squatter_claim
    if claim is not None and claim.owner is not None:
        return (*teardown.unlabel_unserved(s), Wait(reason=Reason.TARGET))
    if wanted is not None and s.pod is not None and may_adopt(squatter, s.facts, s.pod, wanted.mode, wanted.pool):
        return _adopt(s, squatter, wanted)
    if claim is not None and claim.knows(association.target):
        return (
            Cut(association_id=association.association_id, allocation_id=squatter.allocation_id),
            Wait(reason=Reason.LOOK),
        )
    why = (
        f"private IP {association.target.private_ip} already has the address {squatter.public_ip} "
        f"({squatter.allocation_id}), which this controller did not associate; disassociate it to serve this Pod"
    )
    event = Tell(event=PodEvent(type=EventType.WARNING, reason=contract.ASSOCIATION_FAILED, message=why))
    return (*teardown.unlabel_unserved(s), event, Wait(reason=Reason.FOREIGN, detail=why))


def _adopt(s: Situation, address: Address, wanted: Serve) -> Plan:
    """Claim an address where it is: no EC2 mutation, no cut."""
    assert address.association is not None
    claim = Claim(
        mode=wanted.mode,
        pool=wanted.pool,
        target=address.association.target,
        address=address,
        before=s.squatter_claim,
        association_id=address.association.association_id,
        adopted=upstream_tags(address) if wanted.mode is Mode.AUTO else None,
    )
    return (claim, Label(mode=wanted.mode))
