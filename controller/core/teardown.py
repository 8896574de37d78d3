"""The teardown: unlabel, cut, release, forget; and giving up a claim that turned out not to be ours to keep.

A part of the plan in a file of its own, for it is asked for by every branch: a Pod that is gone, an annotation that
is off or says something else, an address that EC2 refused, an address that somebody else took.
"""

from controller.core import contract, labels
from controller.core.actions import (
    Action,
    Cut,
    Forget,
    MarkReleasing,
    Plan,
    Release,
    Salvage,
    Tell,
    Wait,
    WaitReason,
    warning,
)
from controller.core.adoption import may_release
from controller.core.desire import Gone, Serve, desire
from controller.core.modes import SPECS
from controller.core.situation import Foreign, Situation
from controller.core.views import Address, EventType, PodEvent
from state.model import Phase


def give_up_unwanted(s: Situation) -> Plan:
    """Everything that a Pod holds goes, in an order that any crash may interrupt."""
    record = s.record
    if record is None:
        return (*labels.take_off_unserved(s), *_tell_without_ip(s))
    match record.phase:
        case Phase.INTENT:
            return (*labels.take_off(s), *_drop_intent(s))
        case Phase.CLAIMED:
            return (*labels.take_off(s), *_drop_claim(s))
        case Phase.ASSOCIATED:
            return (*labels.take_off(s), *_tell_displaced(s), *_cut_and_go_on(s))
        case Phase.RELEASING:
            return _release(s)


def _drop_intent(s: Situation) -> Plan:
    """No address is recorded, but one may have been allocated: its tags tell, once EC2's reads can be believed."""
    if s.tagged:
        return (Salvage(address=s.tagged[0]),)
    return (Wait(reason=WaitReason.IN_DOUBT),) if s.in_doubt else (Forget(),)


def _drop_claim(s: Situation) -> Plan:
    """An association may have been made without being recorded."""
    cut = cut_recorded(s)
    if cut or s.settled:
        return _cut_and_go_on(s)
    return (Wait(reason=WaitReason.SETTLE),)


def _cut_and_go_on(s: Situation) -> Plan:
    """Cut, and write down that the address is free of the Pod; that it was cut is told unless it was left alone."""
    assert s.record is not None
    cut = cut_recorded(s)
    noted = MarkReleasing() if SPECS[s.record.mode].releases else Forget()
    left_alone = s.contradicted and not any(isinstance(step, Cut) for step in cut)
    return (*cut, noted) if left_alone else (*cut, noted, *_tell_cut(s))


def _release(s: Situation) -> Plan:
    """Give back an `auto` address, if a look after the cut shows that it is still this claim's and free."""
    record = s.record
    assert record is not None
    assert record.allocation_id is not None
    if not s.looked_after_cut:
        return (Wait(reason=WaitReason.RELEASE),)
    if s.address is None and not s.address_seen:
        return (Wait(reason=WaitReason.SETTLE),)
    if s.address is None:
        return (Release(allocation_id=record.allocation_id, border_group=s.facts.home_border_group), Forget())
    association = s.address.association
    if association is not None:
        if s.claim is not None and s.claim.knows(association.target):
            return (cut_shown(s.address), Wait(reason=WaitReason.RELEASE))
        return give_up_lost(s)
    if not may_release(s.address, s.facts, record.uid, record.adopted):
        return (Forget(),)
    return (Release(allocation_id=record.allocation_id, border_group=s.address.border_group), Forget())


# ── a claim that is given up while its Pod is to be served ──


def give_up_taken(s: Situation) -> Plan:
    """Others took the claimed address while this install was silent: our side of the claim goes, EC2 is not touched."""
    assert s.record is not None
    why = (
        f"address {s.record.public_ip} ({s.record.allocation_id}) was given to another Pod while this controller "
        "could not write to DynamoDB; taking another"
    )
    tell = (warning(contract.LOST, why),) if s.pod else ()
    return (*labels.take_off(s), *tell, Forget())


def give_up_unusable(s: Situation) -> Plan:
    """Let go of a claim that is not to be gone on with; not while a call on its way can still have its effect."""
    assert s.record is not None
    if not s.settled:
        return (Wait(reason=WaitReason.SETTLE),)
    if SPECS[s.record.mode].releases:
        return (MarkReleasing(),)
    return (*cut_recorded(s), Forget())


def give_up_lost(s: Situation) -> Plan:
    """The claimed address is gone, or is where somebody else put it: give up the claim, touch nothing in EC2."""
    assert s.record is not None
    association = s.address.association if s.address else None
    where = f"is associated with {association.target.private_ip}" if association else "is not in this account any more"
    why = f"address {s.record.public_ip} ({s.record.allocation_id}) {where}: somebody else changed it; taking another"
    return (*labels.take_off(s), warning(contract.LOST, why), Forget())


# ── what is cut ──


def cut_recorded(s: Situation) -> Plan:
    """Cut by the recorded id, though no describe shows it yet; and by the id that EC2 shows, if that is ours too.

    What EC2 shows to be an association of something else is not cut, whatever the table says.
    """
    record = s.record
    steps: list[Action] = []
    assert record is not None
    assert record.allocation_id is not None
    if record.association_id is not None and s.contradicted:
        steps.append(_tell_contradicted(s))
    elif record.association_id is not None and not s.cut:
        steps.append(Cut(association_id=record.association_id, allocation_id=record.allocation_id))
    if s.address is None or s.address.association is None or not s.is_ours(s.address.association):
        return tuple(steps)
    again = s.address.association.association_id != record.association_id
    return (*steps, cut_shown(s.address)) if again else tuple(steps)


def cut_shown(address: Address) -> Cut:
    """Cut the association that EC2 shows of this address."""
    assert address.association is not None
    return Cut(association_id=address.association.association_id, allocation_id=address.allocation_id)


def cut_late_arrival(s: Situation) -> Plan:
    """Cut what a late call of ours associated at the Pod's target, under a claim that has ended."""
    there, side = s.occupant, s.occupant_claim
    if there is None or there.association is None or side is None or side.owner is not None:
        return ()
    return (cut_shown(there),) if side.knows(there.association.target) else ()


def cut_from_stranger(s: Situation) -> Plan:
    """Cut the claimed address where we associated it, because the Pod's IP there is not the Pod's any more."""
    if not isinstance(s.placement, Foreign) or s.address is None or s.address.association is None:
        return ()
    return (*labels.take_off(s), cut_shown(s.address)) if s.is_ours(s.address.association) else ()


def is_dropped(s: Situation) -> bool:
    """Whether EC2 itself has dropped the association: then the labels must not say that there is one."""
    association = s.address.association if s.address else None
    return s.record is not None and s.record.phase is Phase.ASSOCIATED and s.address_seen and association is None


# ── what is told ──


def _tell_without_ip(s: Situation) -> Plan:
    """A Pod that asks for an address, holds none, and is still listed with an IP that another has by now."""
    if s.pod is None or not isinstance(s.desire, Gone) or not s.desire.to or not isinstance(desire(s.pod), Serve):
        return ()
    why = f"private IP {s.pod.ip} was given to {s.desire.to} meanwhile: this Pod is served once it has an IP of its own"
    return (warning(contract.WAITING, why),)


def _tell_displaced(s: Situation) -> Plan:
    """The Pod is still listed with an IP that another has by now: its author hears who."""
    if s.pod is None or not isinstance(s.desire, Gone) or not s.desire.to:
        return ()
    why = f"private IP {s.pod.ip} was given to {s.desire.to} meanwhile: the address {{}} is taken away from this Pod"
    return (warning(contract.LOST, why.format(s.record and s.record.public_ip)),)


def _tell_cut(s: Situation) -> Plan:
    assert s.record is not None
    done = f"Successfully disassociated EIP {s.record.public_ip} ({s.record.mode} mode)"
    told = PodEvent(type=EventType.NORMAL, reason=contract.DISASSOCIATED, message=done)
    return (Tell(event=told),) if s.pod is not None else ()


def _tell_contradicted(s: Situation) -> Tell:
    assert s.record is not None
    why = (
        f"the table names association {s.record.association_id} for this Pod, and EC2 shows it elsewhere: it is left "
        "alone; find out who writes to the table"
    )
    return warning(contract.DISASSOCIATION_FAILED, why)
