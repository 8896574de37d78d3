"""How a claim changes: each step of a plan that touches the ledger, as a pure function to both sides of the mapping.

The ledger decides conditions and transactions, and the plan the order; here is what a claim looks like afterwards. Each
function has a row in `core/phases`, and raises NoSuchTransition where that row does not have the change.
"""

from dataclasses import replace

from controller.core.actions import Claim
from controller.core.phases import in_table
from controller.core.remembered import remembered_uid
from controller.core.situation import Facts
from controller.core.sweep import Orphan
from controller.core.views import Address, Allocation, PodView
from state.model import (
    AddressRecord,
    AssociationId,
    Change,
    Epoch,
    InstallKey,
    Mode,
    Owner,
    Phase,
    PodRecord,
    PodUid,
    Rev,
    Target,
)

RECENT_LIMIT = 50


@in_table
def intend(pod: PodView, mode: Mode, pool: str, traceparent: str) -> Change:
    """Absent → intent: an address will be allocated for this Pod."""
    return Change(pod_after=_record(pod, mode, pool, traceparent))


@in_table
def undo_intent(intent: PodRecord) -> Change:
    """→ absent, if this intent was written after all. The condition is its first revision, by any write of ours."""
    return Change(pod_before=replace(intent, rev=Rev(1), nonce=""))


@in_table
def remember(intent: PodRecord, before: PodRecord | None) -> Change:
    """→ remembered, beside the intent; anew where an earlier one is (`before`), so that its time starts again."""
    kept = PodRecord(
        uid=remembered_uid(intent.uid),
        namespace=intent.namespace,
        name=intent.name,
        mode=intent.mode,
        pool=intent.pool,
        phase=Phase.INTENT,
        traceparent=intent.traceparent,
    )
    return Change(pod_before=before, pod_after=kept)


@in_table
def claim(
    step: Claim, pod: PodView, record: PodRecord | None, new: Allocation | None, owner: Owner, traceparent: str
) -> Change:
    """Absent or intent → claimed, or → associated where the address was found associated with the target."""
    base = record or _record(pod, step.mode, step.pool, traceparent)
    taken = step.address or new
    assert taken is not None
    after = replace(
        base,
        phase=Phase.ASSOCIATED if step.association_id else Phase.CLAIMED,
        allocation_id=taken.allocation_id,
        public_ip=taken.public_ip,
        target=step.target,
        association_id=step.association_id,
        adopted=step.adopted,
    )
    side = step.before or AddressRecord(allocation_id=taken.allocation_id, pool=step.pool)
    side = replace(side, recent=_recent(side, step.target))  # taken from a silent install, it still has a target
    side = replace(side, last_holder=after.holder, last_mode=after.mode)
    side_after = replace(side, pool=step.pool, public_ip=taken.public_ip, owner=owner, target=step.target)
    return Change(pod_before=record, pod_after=after, address_before=step.before, address_after=side_after)


@in_table
def salvage(record: PodRecord, address: Address, before: AddressRecord | None, owner: Owner) -> Change:
    """Intent → releasing: the address that an unrecorded allocation left behind is this claim's to give back."""
    after = replace(record, phase=Phase.RELEASING, allocation_id=address.allocation_id, public_ip=address.public_ip)
    side = before or AddressRecord(allocation_id=address.allocation_id, pool=record.pool)
    side = replace(side, last_holder=record.holder, last_mode=record.mode)
    side_after = replace(side, public_ip=address.public_ip, owner=owner)
    return Change(pod_before=record, pod_after=after, address_before=before, address_after=side_after)


@in_table
def take_orphan(orphan: Orphan, side: AddressRecord | None, facts: Facts, epoch: Epoch) -> Change:
    """Absent → associated or releasing, in the name of a Pod that is gone; the usual teardown follows."""
    address, association = orphan.address, orphan.address.association
    record = PodRecord(
        uid=orphan.uid,
        namespace=orphan.namespace,
        name=orphan.name,
        mode=orphan.mode,
        pool=orphan.pool,
        phase=Phase.ASSOCIATED if association else Phase.RELEASING,
        allocation_id=address.allocation_id,
        public_ip=address.public_ip,
        target=association.target if association else None,
        association_id=association.association_id if association else None,
        adopted=orphan.adopted,
    )
    base = side or AddressRecord(allocation_id=address.allocation_id, pool=orphan.pool, last_mode=orphan.mode)
    after = replace(
        base, public_ip=address.public_ip, owner=owner(facts, orphan.uid, epoch), target=record.target or base.target
    )
    return Change(pod_after=record, address_before=side, address_after=after)


@in_table
def restore_claim(side: AddressRecord, whose: Owner, mode: Mode, epoch: Epoch) -> Change:
    """Absent → claimed: the Pod's side that was lost, made again from the address's side."""
    namespace, _, name = side.last_holder.partition("/")
    record = PodRecord(
        uid=whose.pod_uid,
        namespace=namespace,
        name=name,
        mode=mode,
        pool=side.pool,
        phase=Phase.CLAIMED,
        allocation_id=side.allocation_id,
        public_ip=side.public_ip,
        target=side.target,
    )
    return Change(pod_after=record, address_before=side, address_after=replace(side, owner=replace(whose, epoch=epoch)))


@in_table
def inherit(
    record: PodRecord, side: AddressRecord | None, predecessor: InstallKey, successor: InstallKey, epoch: Epoch
) -> Change:
    """The same claim, of another install of the same cluster; an address that is not this claim's is not touched."""
    owner = side.owner if side else None
    if side is None or owner is None or (owner.install, owner.pod_uid) != (predecessor, record.uid):
        return Change(pod_before=record, pod_after=record)
    mine = replace(side, owner=replace(owner, install=successor, epoch=epoch))
    return Change(pod_before=record, pod_after=record, address_before=side, address_after=mine)


@in_table
def retarget(record: PodRecord, side: AddressRecord | None, target: Target) -> Change:
    """→ claimed for this target; the former one stays among the recent."""
    after = replace(record, phase=Phase.CLAIMED, target=target, association_id=None)
    side_after = replace(side, target=target, recent=_recent(side, target)) if side else None
    return Change(pod_before=record, pod_after=after, address_before=side, address_after=side_after)


@in_table
def associated(record: PodRecord, association_id: AssociationId) -> Change:
    """Claimed → associated."""
    after = replace(record, phase=Phase.ASSOCIATED, association_id=association_id)
    return Change(pod_before=record, pod_after=after)


@in_table
def releasing(record: PodRecord) -> Change:
    """→ releasing: cut, and to be released once a look at EC2 allows it."""
    return Change(pod_before=record, pod_after=replace(record, phase=Phase.RELEASING, association_id=None))


@in_table
def forget(record: PodRecord, side: AddressRecord | None, *, released: bool) -> Change:
    """→ absent. A released address's side goes too, for its allocation id never comes back; a pool's stays, unowned."""
    mine = side is not None and side.owner is not None and side.owner.pod_uid == record.uid
    if side is None or not mine:
        return Change(pod_before=record)
    freed = None if released else replace(side, owner=None, target=None, recent=_recent(side, None))
    return Change(pod_before=record, address_before=side, address_after=freed)


@in_table
def expire(kept: PodRecord) -> Change:
    """Remembered → absent: no call of that intent can arrive any more."""
    return Change(pod_before=kept)


@in_table
def purge_recent(side: AddressRecord, *, exists: bool) -> Change:
    """Forget an unowned address's recent targets, when no signed call for them can live any longer."""
    return Change(address_before=side, address_after=replace(side, recent=()) if exists else None)


def owner(facts: Facts, uid: PodUid, epoch: Epoch) -> Owner:
    """This install's Pod as an owner."""
    return Owner(install=facts.install, pod_uid=uid, epoch=epoch)


def _record(pod: PodView, mode: Mode, pool: str, traceparent: str) -> PodRecord:
    return PodRecord(
        uid=pod.uid,
        namespace=pod.namespace,
        name=pod.name,
        mode=mode,
        pool=pool,
        phase=Phase.INTENT,
        traceparent=traceparent,
    )


def _recent(side: AddressRecord, target: Target | None) -> tuple[Target, ...]:
    left = () if side.target is None or side.target == target else (side.target,)
    kept = tuple(t for t in side.recent if t not in left and t != target)
    return (*left, *kept)[:RECENT_LIMIT]
