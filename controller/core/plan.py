"""What to do for one Pod, as a pure function: the one place where the order of the decision and of the actions stands.

Read it from the top: each question is asked only where no question before it had an answer. Three kinds of answers
have a file of their own: `teardown` (what is taken away, in its own order), `stops` (what a Pod that has to wait
hears), and `occupant` (the claim of what stands at its target already). What others may be after as well is asked for
once the plan is made (`takes`), and the plan then made again with the answer in the situation: `rival`, `refusal`,
`breaker_open`, `no_quota`.

To serve: intent, allocate, claim, associate, record, label. To tear down: unlabel, cut, release, forget.

Each order has its reason, and a crash between any two steps leaves a state from which the same function goes on:

- A claim stands in the ledger before EC2 is told to associate, so two Pods, or two clusters, never associate the
  same address: the conditional write decides who may try.
- An intent stands before AllocateAddress, whose lost reply would leak an address that nobody remembers. What ends an
  intent whose call had no answer remembers it first (`core/remembered`).
- The claim goes last: an address that is free in the ledger has been cut, so its next owner may associate it.
- The label comes last when a Pod is served and goes first in the teardown: it says "associated", and init containers
  believe it.
- An association is cut only by its id, and only if its target is recorded for that address: what somebody else has
  made is reported and left alone.

Argument for restarts: every step either changes the ledger, or is idempotent and repeated until the ledger records
it (AssociateAddress gives the same id again; a cut association is "not found"). AllocateAddress alone is neither:
an unknown outcome stops the plan until EC2's reads can be believed (`in_doubt`).
"""

from controller.core import allocation, contract, labels, occupant, stops, teardown
from controller.core.actions import (
    Allocate,
    Associate,
    Claim,
    Confirm,
    Intend,
    Label,
    Plan,
    Record,
    Retarget,
    Unlabel,
    Wait,
    WaitReason,
    warning,
)
from controller.core.adoption import may_adopt
from controller.core.desire import Gone, Invalid, Nothing, Pending, Serve, Unproven
from controller.core.modes import SPECS
from controller.core.remembered import is_remembered, remembering
from controller.core.situation import NoOffer, Offer, Placed, Situation
from controller.core.views import Address, Association
from state.model import Mode, Phase, PodRecord


def plan(s: Situation) -> Plan:
    """The actions for this Pod, in order; empty if all is as it should be."""
    return () if is_remembered(s.uid) else remembering(s, _plan(s))  # what is remembered the comparison sees to


# ── whoever it is ──


def _plan(s: Situation) -> Plan:
    if s.taken_by_others:
        return teardown.give_up_taken(s)
    match s.desire:
        case Unproven():
            return (Confirm(),) if s.in_scope else (Wait(reason=WaitReason.SCOPE),)
        case Gone() | Nothing():
            return teardown.give_up_unwanted(s)
        case Invalid(why=why):
            return _keep(s, why)
        case (Pending() | Serve()) as wanted if _asks_otherwise(s, wanted):
            return _change(s)
        case Pending():
            return _await_ip(s)
        case Serve() as wanted:
            return _serve(s, wanted)


def _keep(s: Situation, why: str) -> Plan:
    """A Pod that asks wrongly keeps what it holds, as long as it has the IP that this is at."""
    told, held_at = warning(contract.INVALID, why), s.record.target if s.record is not None else None
    if held_at is not None and s.pod is not None and s.pod.ip not in ("", held_at.private_ip):
        return (told, *teardown.give_up_unwanted(s))
    dropped = labels.take_off(s) if teardown.is_dropped(s) else ()
    return (*dropped, told)


def _asks_otherwise(s: Situation, wanted: Pending | Serve) -> bool:
    return s.record is not None and (s.record.mode, s.record.pool) != (wanted.mode, wanted.pool)


def _change(s: Situation) -> Plan:
    """The Pod asks for something else than it holds: that goes first, unless it could have nothing in its place.

    What is being given back already goes its way.
    """
    assert s.record is not None
    if s.refusal is not None and s.record.phase is not Phase.RELEASING:
        return stops.refused(s)
    return teardown.give_up_unwanted(s)


def _await_ip(s: Situation) -> Plan:
    """A Pod that holds nothing shows nothing: its manifest may bring labels of another's."""
    if s.record is not None:
        return (Wait(reason=WaitReason.NO_IP),)
    if s.refusal is not None and (s.pod is None or not s.pod.deleting):
        return stops.refused(s)
    return (*labels.take_off_unserved(s), Wait(reason=WaitReason.NO_IP))


def _serve(s: Situation, wanted: Serve) -> Plan:
    if s.record is None:
        return _obtain(s, wanted)
    match s.record.phase:
        case Phase.INTENT:
            return _obtain(s, wanted)
        case Phase.CLAIMED:
            return _go_on(s, s.record)
        case Phase.ASSOCIATED:
            return _maintain(s, s.record)
        case Phase.RELEASING:
            return teardown.give_up_unwanted(s)


# ── a Pod without an address ──


def _obtain(s: Situation, wanted: Serve) -> Plan:
    """Nothing is claimed for it: there is nothing at all, or an intent. What a policy stops is what has not begun."""
    new = s.record is None
    if new and (s.pod is None or s.pod.deleting):
        return ()
    if isinstance(s.placement, Placed) and s.occupant is not None:
        return _meet(s, s.occupant, wanted)
    if new and s.refusal is not None:
        return stops.refused(s)
    if not isinstance(s.placement, Placed):
        return stops.unplaced(s, s.placement)
    if s.rival:
        return stops.occupied(s)
    if new and s.flapping:
        return stops.flapping(s)
    obtain = _obtain_new if SPECS[wanted.mode].allocates else _obtain_of_pool
    return (*labels.take_off_unserved(s), *obtain(s, wanted, s.placement))


def _meet(s: Situation, there: Address, wanted: Serve | None) -> Plan:
    """Another address is at the Pod's target. `wanted`: what the Pod asks for, if it has no claim yet."""
    if s.occupant_claim is not None and s.occupant_claim.owner is not None:
        return stops.occupied(s)
    if wanted is not None and s.pod is not None and may_adopt(there, s.facts, s.pod, wanted.mode, wanted.pool):
        return occupant.adopt(s, there, wanted)
    if late := teardown.cut_late_arrival(s):
        return (*late, Wait(reason=WaitReason.LOOK))
    if s.leftover and s.record is None and s.refusal is None:
        return occupant.take_leftover(s, there)
    return stops.occupied_by_another(s, there)


def _obtain_new(s: Situation, wanted: Serve, at: Placed) -> Plan:
    """An address of the account's; perhaps one whose allocation was not recorded."""
    if s.tagged:
        claim = Claim(mode=wanted.mode, pool=wanted.pool, target=at.target, address=s.tagged[0])
        return (claim, *_up(wanted.mode))
    if s.breaker_open is not None:
        return stops.breaker_open(s.breaker_open)
    if s.in_doubt:
        return (Wait(reason=WaitReason.IN_DOUBT),)
    if s.record is not None and s.refusal is not None and s.refusal.waits:  # others came while its intent waited
        return stops.refused(s)
    if s.no_quota is not None:
        return stops.without_address(s.no_quota, WaitReason.QUOTA)
    intent = () if s.record else (Intend(mode=wanted.mode, pool=wanted.pool),)
    allocate = Allocate(request=allocation.request_for(s, wanted, at))
    claim = Claim(mode=wanted.mode, pool=wanted.pool, target=at.target)
    return (*intent, allocate, claim, *_up(wanted.mode))


def _obtain_of_pool(s: Situation, wanted: Serve, at: Placed) -> Plan:
    match s.offer:
        case Offer(address=address, before=before, silent=silent):
            claim = Claim(
                mode=wanted.mode, pool=wanted.pool, target=at.target, address=address, before=before, silent=silent
            )
            return (claim, *_up(wanted.mode))
        case NoOffer() as none:
            return stops.without_address(none, WaitReason.POOL)
        case None:
            return (Wait(reason=WaitReason.LOOK),)


# ── a claim stands; whether EC2 has been told is unknown ──


def _go_on(s: Situation, record: PodRecord) -> Plan:
    if s.in_cooldown:
        return teardown.give_up_unusable(s)
    if not isinstance(s.placement, Placed):
        return (*teardown.cut_from_stranger(s), *stops.unplaced(s, s.placement))
    if s.rival:
        return stops.occupied(s)
    if s.occupant is not None:
        return teardown.give_up_unusable(s) if _gives_way(s, s.occupant) else _meet(s, s.occupant, None)
    address = s.address
    association = address.association if address else None
    move = () if record.target == s.placement.target else (Retarget(target=s.placement.target),)
    if address is None or association is None:
        return (*labels.take_off_unserved(s), *move, *_up(record.mode))
    if association.target == s.placement.target and not move:
        return (Record(association_id=association.association_id), Label(mode=record.mode))
    if not s.is_ours(association):
        return teardown.give_up_lost(s)
    return (*labels.take_off_unserved(s), teardown.cut_shown(address), *move, *_up(record.mode))


def _gives_way(s: Situation, there: Address) -> bool:
    """Whether the Pod already has an address that it may keep, shown only after another one was claimed for it.

    The Go controller's last association, or our own, may be younger than what EC2's reads show: without this the Pod
    would wait for ever beside an address of its own.
    """
    wanted, taken = s.desire, s.occupant_claim is not None and s.occupant_claim.owner is not None
    idle = s.address_seen and (s.address is None or s.address.association is None)
    assert isinstance(wanted, Serve)
    return idle and not taken and s.pod is not None and may_adopt(there, s.facts, s.pod, wanted.mode, wanted.pool)


# ── the ledger says associated: EC2 and the Pod are to agree ──


def _maintain(s: Situation, record: PodRecord) -> Plan:
    assert isinstance(s.desire, Serve)
    moved = isinstance(s.placement, Placed) and s.placement.target != record.target
    if moved or record.target is None or record.target.private_ip != s.desire.ip:
        return _follow_ip(s, record)
    if s.strayed:
        return (*labels.take_off(s), *teardown.cut_recorded(s), Retarget(target=record.target))
    association = s.address.association if s.address else None
    stands = association is not None and association.target == record.target
    if association is not None and stands and association.association_id == record.association_id:
        return labels.put_on(s, record)
    if not s.address_seen:
        return _ask_again(s, record, association)
    return _restore(s, record, association)


def _ask_again(s: Situation, record: PodRecord, association: Association | None) -> Plan:
    """EC2 does not show what the ledger says, and may only be late. An earlier leader may also have cut it since.

    A label is not put on for that: AssociateAddress, said again, gives the same id if it stands, and mends it if not.
    """
    assert record.target is not None
    wait, label = Wait(reason=WaitReason.SETTLE), labels.put_on(s, record)
    if association is not None:
        return (*label, wait) if association.target == record.target else (wait,)
    if not label or s.occupant is not None or not isinstance(s.placement, Placed):
        return (wait,)
    return (Retarget(target=record.target), *_up(record.mode))


def _restore(s: Situation, record: PodRecord, association: Association | None) -> Plan:
    """EC2 shows another association than the ledger, or none, and late enough to be believed."""
    assert record.target is not None
    if s.address is None:
        return teardown.give_up_lost(s) if s.missing else (Wait(reason=WaitReason.GONE),)
    if association is None and s.occupant is not None:
        gives_way = SPECS[record.mode].allocates and _gives_way(s, s.occupant)
        return (*labels.take_off(s), *teardown.give_up_unusable(s)) if gives_way else _meet(s, s.occupant, None)
    if association is None and not isinstance(s.placement, Placed):
        return (*labels.take_off(s), *stops.unplaced(s, s.placement))
    if association is None:
        return (Retarget(target=record.target), *_up(record.mode))
    if association.target == record.target:
        return (Record(association_id=association.association_id), *labels.put_on(s, record))
    if not s.is_ours(association):
        return teardown.give_up_lost(s)
    return (*labels.take_off(s), teardown.cut_shown(s.address), Retarget(target=record.target))


def _follow_ip(s: Situation, record: PodRecord) -> Plan:
    """The Pod has another IP than its claim is for: the same address follows it."""
    off = (*labels.take_off(s), *teardown.cut_recorded(s))
    if not isinstance(s.placement, Placed):
        return (*off, *stops.unplaced(s, s.placement))
    if s.rival:
        return (*off, *_without_unlabel(stops.occupied(s)))
    if s.occupant is not None:
        return (*off, *_without_unlabel(_meet(s, s.occupant, None)))
    return (*off, Retarget(target=s.placement.target), *_up(record.mode))


def _without_unlabel(steps: Plan) -> Plan:
    return tuple(step for step in steps if not isinstance(step, Unlabel))


def _up(mode: Mode) -> Plan:
    return (Associate(), Record(), Label(mode=mode))
