"""What is done where another address than the claimed one is associated with a Pod's target.

It may be the Pod's own, given out by the Go controller or before the table was lost: it is adopted. It may come from a
late call of ours: it is cut. The Go controller may have forgotten it there, for a Pod that had the IP before: it is
taken away. Or it is somebody else's: the Pod is told, and the address is never touched.
"""

from controller.core import contract, refusal, teardown
from controller.core.actions import Claim, Cut, Label, Plan, Reason, Tell, Wait
from controller.core.adoption import found_tags, may_adopt, upstream_tags
from controller.core.desire import Serve
from controller.core.modes import TRAITS, mode_of_tags
from controller.core.ports import Address, EventType, PodEvent
from controller.core.situation import Situation


def meet(s: Situation, squatter: Address, wanted: Serve | None) -> Plan:
    """Another address is at the Pod's target: adopt it, cut it if a late call of ours put it there, or wait."""
    assert squatter.association is not None
    association = squatter.association
    claim = s.squatter_claim
    if claim is not None and claim.owner is not None:
        return await_target(s)
    if wanted is not None and s.pod is not None and may_adopt(squatter, s.facts, s.pod, wanted.mode, wanted.pool):
        return _adopt(s, squatter, wanted)
    if claim is not None and claim.knows(association.target):
        return (
            Cut(association_id=association.association_id, allocation_id=squatter.allocation_id),
            Wait(reason=Reason.LOOK),
        )
    if s.leftover and s.record is None and not refusal.stops(s):
        return _take_leftover(s, squatter)
    why = (
        f"private IP {association.target.private_ip} already has the address {squatter.public_ip} "
        f"({squatter.allocation_id}), which this controller did not associate; disassociate it to serve this Pod"
    )
    event = Tell(event=PodEvent(type=EventType.WARNING, reason=contract.ASSOCIATION_FAILED, message=why))
    return (*teardown.unlabel_unserved(s), event, Wait(reason=Reason.FOREIGN, detail=why))


def await_target(s: Situation) -> Plan:
    """Wait until the Pod's target is free of another claim's address.

    That ends by itself where an IP was used again. On a node's IP it may last as long as another Pod lives.
    """
    holder = s.rival or (s.squatter_claim.last_holder if s.squatter_claim else "") or "another Pod"
    why = f"private IP {s.pod.ip if s.pod else ''} has the address of {holder}, and an IP can have one only"
    event = PodEvent(type=EventType.WARNING, reason=contract.WAITING, message=f"{why}; waiting until it is given up")
    tell = (Tell(event=event),) if s.pod is not None and s.pod.host_network else ()
    return (*teardown.unlabel_unserved(s), *tell, Wait(reason=Reason.TARGET, detail=why))


def _take_leftover(s: Situation, address: Address) -> Plan:
    """Claim what the Go controller left at this IP, marked as not asked for, so that the next plan cuts it."""
    assert address.association is not None
    mode = mode_of_tags(address.tags)
    claim = Claim(
        mode=mode,
        pool="",
        target=address.association.target,
        address=address,
        before=s.squatter_claim,
        association_id=address.association.association_id,
        adopted=found_tags(address) if TRAITS[mode].releases else None,
    )
    return (claim,)


def _adopt(s: Situation, address: Address, wanted: Serve) -> Plan:
    """Claim an address that is associated with the target already: no EC2 mutation, no interruption."""
    assert address.association is not None
    claim = Claim(
        mode=wanted.mode,
        pool=wanted.pool,
        target=address.association.target,
        address=address,
        before=s.squatter_claim,
        association_id=address.association.association_id,
        adopted=upstream_tags(address) if TRAITS[wanted.mode].releases else None,
    )
    return (claim, Label(mode=wanted.mode))
