"""What is done for a Pod whose IP is on no interface of its own: it is told, and nothing is associated.

A part of `core/plan` in a file of its own. The IP may show late in EC2, or its interface may be another machine's by
now. In the second case an address that a call of ours associated there is cut, for it makes a stranger public.
"""

from controller.core import contract, teardown
from controller.core.actions import Cut, Plan, Reason, Tell, Wait
from controller.core.ports import EventType, PodEvent
from controller.core.situation import Foreign, Placed, Situation, Unplaced


def wait(s: Situation) -> Plan:
    """The Pod's IP is on no interface of its own: tell that once EC2's reads can be believed, and look again slowly."""
    match s.placement:
        case Placed():
            return ()
        case Foreign(why=why):
            cut = _cut_late_arrival(s)
        case Unplaced(looked=False):
            return (Wait(reason=Reason.LOOK),)
        case Unplaced():
            cut, ip = (), s.pod.ip if s.pod else ""
            why = (
                f"private IP {ip} is on no network interface of the VPC; Pods of an overlay network or of a hybrid "
                "node cannot have an Elastic IP, and --vpc-id must name the VPC of the nodes"
            )
    told = PodEvent(type=EventType.WARNING, reason=contract.ASSOCIATION_FAILED, message=why)
    event = (Tell(event=told),) if s.unplaced_long else ()
    return (
        *teardown.unlabel_unserved(s),
        *cut,
        *event,
        Wait(reason=Reason.PLACEMENT, detail=why if s.unplaced_long else ""),
    )


def _cut_late_arrival(s: Situation) -> Plan:
    """Cut what a late call of ours associated there: it would stay on a stranger's machine."""
    there, claim = s.squatter, s.squatter_claim
    if there is None or there.association is None or claim is None or claim.owner is not None:
        return ()
    if not claim.knows(there.association.target):
        return ()
    return (Cut(association_id=there.association.association_id, allocation_id=there.allocation_id),)


def cut_known(s: Situation) -> Plan:
    """Cut the claimed address where we associated it, because the Pod's IP there is not the Pod's any more."""
    if not isinstance(s.placement, Foreign) or s.address is None or s.address.association is None:
        return ()
    association = s.address.association
    if not s.is_ours(association):
        return ()
    return (*teardown.unlabel(s), Cut(association_id=association.association_id, allocation_id=s.address.allocation_id))
