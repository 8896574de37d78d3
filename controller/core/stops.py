"""The ends of plans that cannot go on: the event on the Pod, and the reason to wait. `core/plan` decides about them.

Labels that name an address go where none is associated.
"""

from controller.core import contract, labels, teardown
from controller.core.actions import Plan, Wait, WaitReason, warning
from controller.core.situation import BreakerOpen, Foreign, NoOffer, Situation, Unplaced
from controller.core.views import Address


def refused(s: Situation) -> Plan:
    """The policy refuses a new claim: an event names the rule, and the Pod keeps what it holds."""
    assert s.refusal is not None
    stale = s.record is None and s.pod is not None and contract.LABEL_PUBLIC_IP in s.pod.labels
    off = labels.take_off(s) if stale or teardown.is_dropped(s) else ()
    room = WaitReason.FULL if s.refusal.for_any else WaitReason.ROOM
    reason = room if s.refusal.waits else WaitReason.REFUSED
    return (*off, warning(contract.REFUSED, s.refusal.why), Wait(reason=reason, detail=s.refusal.why))


def unplaced(s: Situation, at: Foreign | Unplaced) -> Plan:
    """The Pod's IP is on no interface of its own: tell that once EC2's reads can be believed, and look again slowly.

    The IP may show late in EC2, or its interface may be another machine's by now. In the second case an address that a
    late call of ours associated there is cut, for it makes a stranger public.
    """
    match at:
        case Foreign(why=why):
            cut = teardown.cut_late_arrival(s)
        case Unplaced(looked=False):
            return (Wait(reason=WaitReason.LOOK),)
        case Unplaced():
            cut, ip = (), s.pod.ip if s.pod else ""
            why = (
                f"private IP {ip} is on no network interface of the VPC; Pods of an overlay network or of a hybrid "
                "node cannot have an Elastic IP, and --vpc-id must name the VPC of the nodes"
            )
    told = (warning(contract.ASSOCIATION_FAILED, why),) if s.unplaced_long else ()
    wait = Wait(reason=WaitReason.PLACEMENT, detail=why if s.unplaced_long else "")
    return (*labels.take_off_unserved(s), *cut, *told, wait)


def occupied(s: Situation) -> Plan:
    """Another claim is for the Pod's target, or its address is associated there.

    That ends by itself where an IP was used again. On a node's IP it may last as long as another Pod lives.
    """
    holder = s.rival or (s.occupant_claim.last_holder if s.occupant_claim else "") or "another Pod"
    why = f"private IP {s.pod.ip if s.pod else ''} has the address of {holder}, and an IP can have one only"
    lasts = s.pod is not None and s.pod.host_network
    tell = (warning(contract.WAITING, f"{why}; waiting until it is given up"),) if lasts else ()
    return (*labels.take_off_unserved(s), *tell, Wait(reason=WaitReason.TARGET, detail=why))


def occupied_by_another(s: Situation, occupant: Address) -> Plan:
    """Somebody else's address is at the Pod's target: the Pod is told, and the address is never touched."""
    assert occupant.association is not None
    why = (
        f"private IP {occupant.association.target.private_ip} already has the address {occupant.public_ip} "
        f"({occupant.allocation_id}), which this controller did not associate; disassociate it to serve this Pod"
    )
    told = warning(contract.ASSOCIATION_FAILED, why)
    return (*labels.take_off_unserved(s), told, Wait(reason=WaitReason.FOREIGN, detail=why))


def flapping(s: Situation) -> Plan:
    """The Pod asked for an address, and not, too often."""
    return (*labels.take_off_unserved(s), Wait(reason=WaitReason.FLAPPING, detail=s.flapping))


def breaker_open(why: BreakerOpen) -> Plan:
    """EC2 gives nobody an address of this pool now, or another Pod asks it whether it does."""
    told = () if why.soon else (warning(contract.ASSOCIATION_FAILED, why.why),)
    return (*told, Wait(reason=WaitReason.BREAKER, detail=why.why))


def without_address(none: NoOffer, reason: WaitReason) -> Plan:
    """The pool, or the account's quota, has no address for it now."""
    told = () if none.soon else (warning(contract.WAITING, none.why),)
    return (*told, Wait(reason=reason, detail=none.why))
