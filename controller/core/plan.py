"""What to do for one Pod, as a pure function: the one place where the order of actions stands.

On the way up: intent, allocate, claim, associate, record, label. On the way down: unlabel, cut, release, forget.

Each order has its reason, and a crash between any two steps leaves a state from which the same function goes on:

- A claim stands in the ledger before EC2 is told to associate, so two Pods, or two clusters, never associate the
  same address: the conditional write decides who may try.
- An intent stands before AllocateAddress, whose lost reply would leak an address that nobody remembers. What ends an
  intent whose call had no answer remembers it first (`core/remembered`).
- The claim goes last: an address that is free in the ledger has been cut, so its next owner may associate it.
- The label comes last on the way up and goes first on the way down: it says "associated", and init containers
  believe it.
- An association is cut only by its id, and only if its target is recorded for that address: what somebody else has
  made is reported and left alone.

Argument for restarts: every step either changes the ledger, or is idempotent and repeated until the ledger records
it (AssociateAddress gives the same id again; a cut association is "not found"). AllocateAddress alone is neither:
an unknown outcome stops the plan until EC2's reads can be believed (`in_doubt`).
"""

from controller.core import birth, contract, refusal, squatter, teardown, unplaced
from controller.core.actions import (
    Action,
    Allocate,
    Associate,
    Claim,
    Confirm,
    Cut,
    Intend,
    Label,
    Plan,
    Reason,
    Record,
    Retarget,
    Tell,
    Unlabel,
    Wait,
)
from controller.core.adoption import may_adopt
from controller.core.desire import Gone, Invalid, Nothing, Pending, Serve, Unproven, label_patch, wanted_labels
from controller.core.modes import TRAITS
from controller.core.ports import Address, Association, EventType, PodEvent
from controller.core.remembered import is_remembered, remembering
from controller.core.situation import NoOffer, Offer, Placed, Situation
from state.model import Mode, Phase, PodRecord


def plan(s: Situation) -> Plan:
    """The actions for this Pod, in order; empty if all is as it should be."""
    return () if is_remembered(s.uid) else remembering(s, _plan(s))  # what is remembered the comparison sees to


def _plan(s: Situation) -> Plan:
    if s.usurped:
        return teardown.yield_up(s)
    match s.desire:
        case Unproven():
            return (Confirm(),) if s.in_scope else (Wait(reason=Reason.SCOPE),)
        case Gone() | Nothing():
            return teardown.take_away(s)
        case Invalid(why=why):
            return _keep(s, _tell(EventType.WARNING, contract.INVALID, why))
        case Pending() as wanted:
            changed = s.record is not None and (s.record.mode, s.record.pool) != (wanted.mode, wanted.pool)
            if refusal.stops(s, changed=changed):
                return refusal.refuse(s)
            return teardown.take_away(s) if changed else (*_stale_label(s), Wait(reason=Reason.NO_IP))
        case Serve() as wanted:
            return _serve(s, wanted)


def _keep(s: Situation, told: Tell) -> Plan:
    """A Pod that asks wrongly keeps what it holds, as long as it has the IP that this is at."""
    held_at = s.record.target if s.record is not None else None
    if held_at is not None and s.pod is not None and s.pod.ip not in ("", held_at.private_ip):
        return (told, *teardown.take_away(s))
    dropped = teardown.unlabel(s) if teardown.is_dropped(s) else ()
    return (*dropped, told)


def _stale_label(s: Situation) -> Plan:
    """A Pod that holds nothing shows nothing: its manifest may bring labels of another's."""
    return teardown.unlabel_unserved(s) if s.record is None else ()


def _serve(s: Situation, wanted: Serve) -> Plan:
    record = s.record
    if record is None:
        return _begin(s, wanted)
    changed = (record.mode, record.pool) != (wanted.mode, wanted.pool)
    if refusal.stops(s, changed=changed):
        return refusal.refuse(s)
    if changed or record.phase is Phase.RELEASING:
        return teardown.take_away(s)
    match record.phase:
        case Phase.INTENT:
            return _begin(s, wanted)
        case Phase.CLAIMED:
            return _go_on(s, record)
        case Phase.ASSOCIATED:
            return _maintain(s, record)


def _begin(s: Situation, wanted: Serve) -> Plan:
    if s.record is None and (s.pod is None or s.pod.deleting):
        return ()
    if isinstance(s.placement, Placed) and s.squatter is not None:
        return squatter.meet(s, s.squatter, wanted) or _obtain(s, wanted)
    return _obtain(s, wanted)


def _obtain(s: Situation, wanted: Serve) -> Plan:
    """Get an address for a Pod that has none yet; for `auto` perhaps one whose allocation was not recorded."""
    if refusal.stops(s):
        return refusal.refuse(s)
    if not isinstance(s.placement, Placed):
        return unplaced.wait(s)
    if s.rival:
        return squatter.await_target(s)
    if s.flapping and s.record is None:
        return (*teardown.unlabel_unserved(s), Wait(reason=Reason.FLAPPING, detail=s.flapping))
    obtain = _obtain_new if TRAITS[wanted.mode].allocates else _obtain_of_pool
    return (*teardown.unlabel_unserved(s), *obtain(s, wanted, s.placement))


def _obtain_new(s: Situation, wanted: Serve, at: Placed) -> Plan:
    if s.tagged:
        found = s.tagged[0]
        claim = Claim(mode=wanted.mode, pool=wanted.pool, target=at.target, address=found)
        return (claim, *_up(wanted.mode))
    if s.braked:
        told = _tell(EventType.WARNING, contract.ASSOCIATION_FAILED, s.braked)
        return (told, Wait(reason=Reason.BRAKE, detail=s.braked))
    if s.in_doubt:
        return (Wait(reason=Reason.DOUBT),)
    if s.record is not None and s.refusal is not None and s.refusal.waits:  # others came while its intent waited
        return refusal.refuse(s)
    if s.no_quota is not None:
        return _await_address(s.no_quota, Reason.QUOTA)
    intent = () if s.record else (Intend(mode=wanted.mode, pool=wanted.pool),)
    allocate = Allocate(request=birth.allocation(s, wanted, at))
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
            return _await_address(none, Reason.POOL)
        case None:
            return (Wait(reason=Reason.LOOK),)


def _await_address(none: NoOffer, reason: Reason) -> Plan:
    told = () if none.soon else (_tell(EventType.WARNING, contract.WAITING, none.why),)
    return (*told, Wait(reason=reason, detail=none.why))


def _go_on(s: Situation, record: PodRecord) -> Plan:
    """A claim stands; whether EC2 has been told is unknown."""
    if s.barred:
        return _unclaim(s)
    if not isinstance(s.placement, Placed):
        return (*unplaced.cut_known(s), *unplaced.wait(s))
    if s.rival:
        return squatter.await_target(s)
    if s.squatter is not None:
        return squatter.meet(s, s.squatter, None) if not _gives_way(s, s.squatter) else _unclaim(s)
    address = s.address
    association = address.association if address else None
    move = () if record.target == s.placement.target else (Retarget(target=s.placement.target),)
    if address is None or association is None:
        return (*teardown.unlabel_unserved(s), *move, *_up(record.mode))
    if association.target == s.placement.target and not move:
        return (Record(association_id=association.association_id), Label(mode=record.mode))
    if not s.is_ours(association):
        return teardown.abandon(s)
    cut = Cut(association_id=association.association_id, allocation_id=address.allocation_id)
    return (*teardown.unlabel_unserved(s), cut, *move, *_up(record.mode))


def _unclaim(s: Situation) -> Plan:
    """Let go of a claim; not before a call that may be on its way can have had its effect."""
    return teardown.unclaim(s) if s.settled else (Wait(reason=Reason.SETTLE),)


def _gives_way(s: Situation, squatter: Address) -> bool:
    """Whether the Pod already has an address that it may keep, shown only after another one was claimed for it.

    The Go controller's last association, or our own, may be younger than what EC2's reads show: without this the Pod
    would wait for ever beside an address of its own.
    """
    assert isinstance(s.desire, Serve)
    taken = s.squatter_claim is not None and s.squatter_claim.owner is not None
    idle = s.address_seen and (s.address is None or s.address.association is None)
    wanted = s.desire
    return idle and not taken and s.pod is not None and may_adopt(squatter, s.facts, s.pod, wanted.mode, wanted.pool)


def _maintain(s: Situation, record: PodRecord) -> Plan:
    """The ledger says associated: see that EC2 and the Pod agree."""
    assert isinstance(s.desire, Serve)
    moved = isinstance(s.placement, Placed) and s.placement.target != record.target
    if moved or record.target is None or record.target.private_ip != s.desire.ip:
        return _follow_ip(s, record)
    if s.strayed:
        return (*teardown.unlabel(s), *teardown.cut_recorded(s), Retarget(target=record.target))
    association = s.address.association if s.address else None
    stands = association is not None and association.target == record.target
    if association is not None and stands and association.association_id == record.association_id:
        return _label_if_needed(s, record)
    if not s.address_seen:
        return _ask_again(s, record, association)
    return _restore(s, record, association)


def _ask_again(s: Situation, record: PodRecord, association: Association | None) -> Plan:
    """EC2 does not show what the ledger says, and may only be late. An earlier leader may also have cut it since.

    A label is not put on for that: AssociateAddress, said again, gives the same id if it stands, and mends it if not.
    """
    assert record.target is not None
    wait, label = Wait(reason=Reason.SETTLE), _label_if_needed(s, record)
    if association is not None:
        return (*label, wait) if association.target == record.target else (wait,)
    if not label or s.squatter is not None or not isinstance(s.placement, Placed):
        return (wait,)
    return (Retarget(target=record.target), *_up(record.mode))


def _restore(s: Situation, record: PodRecord, association: Association | None) -> Plan:
    """EC2 shows another association than the ledger, or none, and late enough to be believed."""
    assert record.target is not None
    if s.address is None:
        return teardown.abandon(s) if s.missing else (Wait(reason=Reason.GONE),)
    if association is None and s.squatter is not None:
        gives_way = TRAITS[record.mode].allocates and _gives_way(s, s.squatter)
        return (*teardown.unlabel(s), *_unclaim(s)) if gives_way else squatter.meet(s, s.squatter, None)
    if association is None and not isinstance(s.placement, Placed):
        return (*teardown.unlabel(s), *unplaced.wait(s))
    if association is None:
        return (Retarget(target=record.target), *_up(record.mode))
    if association.target != record.target:
        return _astray(s, record)
    return (Record(association_id=association.association_id), *_label_if_needed(s, record))


def _follow_ip(s: Situation, record: PodRecord) -> Plan:
    """The Pod has another IP than its claim is for: the same address follows it."""
    cut = teardown.cut_recorded(s)
    if not isinstance(s.placement, Placed):
        return (*teardown.unlabel(s), *cut, *unplaced.wait(s))
    if s.rival:
        return (*teardown.unlabel(s), *cut, *_without_unlabel(squatter.await_target(s)))
    if s.squatter is not None:
        return (*teardown.unlabel(s), *cut, *_without_unlabel(squatter.meet(s, s.squatter, None)))
    return (*teardown.unlabel(s), *cut, Retarget(target=s.placement.target), *_up(record.mode))


def _without_unlabel(steps: Plan) -> Plan:
    return tuple(step for step in steps if not isinstance(step, Unlabel))


def _astray(s: Situation, record: PodRecord) -> Plan:
    """EC2 shows the claimed address somewhere else than the claim says."""
    assert s.address is not None
    assert s.address.association is not None
    association = s.address.association
    if not s.is_ours(association):
        return teardown.abandon(s)
    assert record.target is not None
    cut = Cut(association_id=association.association_id, allocation_id=s.address.allocation_id)
    return (*teardown.unlabel(s), cut, Retarget(target=record.target))


def _label_if_needed(s: Situation, record: PodRecord) -> Plan:
    if s.pod is None or record.public_ip is None:
        return ()
    wanted = wanted_labels(s.pod, record.mode, record.public_ip)
    unready = s.pod.gated and s.pod.condition != "True"
    if not label_patch(s.pod, wanted) and not unready:
        return ()
    return (Wait(reason=Reason.SIGNS),) if s.signs_rest else (Label(mode=record.mode),)


def _up(mode: Mode) -> tuple[Action, ...]:
    return (Associate(), Record(), Label(mode=mode))


def _tell(kind: str, reason: str, message: str) -> Tell:
    return Tell(event=PodEvent(type=kind, reason=reason, message=message))
