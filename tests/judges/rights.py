"""Who may do what to which address: not after one's deadline (S2), and never to what is somebody else's (S3)."""

from collections.abc import Iterator
from itertools import dropwhile
from math import inf

from controller.core import contract
from sandbox.ec2.log import Entry, Holding
from tests.history import EC2_MUTATIONS, Call, Process
from tests.intervals import until
from tests.judges.facts import Facts, Guarantee, Ownership, Violation

STILL_S = 5.0  # no machine that plays these tests stands still for longer
ASIDE_S = 1.0  # a watch tells the record of a Pod's change a little later than it happened
IDENTITY = (contract.TAG_TYPE, contract.TAG_POD_UID, contract.TAG_CLUSTER_UID)


def deadline(facts: Facts) -> Iterator[Violation]:
    """A mutation of EC2 or of a Pod leaves before the deadline that its process's last accepted renewal gave it.

    The deadline counts from when that write was sent; it came to the door a moment later, so the judge is lenient by
    that moment. It is strict elsewhere: the product must leave a whole call's time before the deadline. Where the
    machine stands still between a call and the door, the call's own signature says when it was made.
    """
    renewed: dict[Process, float] = {}
    for call in sorted(facts.history.calls, key=lambda c: c.began):
        if call.renews and call.status is not None and call.status < 300 and call.holder:
            renewed[call.who] = call.began
        elif call.what in EC2_MUTATIONS or call.what.startswith("patch pods"):
            late = _left(call) - renewed.get(call.who, -inf) - facts.history.bounds.renew_deadline_s
            if late > 0:
                evidence = f"{call.who} sent {call.what} {call.about} {late:.2f} s after its deadline"
                yield Violation(broken=Guarantee.DEADLINE, evidence=evidence)


def _left(call: Call) -> float:
    """At the latest; a clock that was turned back makes a call older than it can be."""
    return max(call.began - STILL_S, min(call.began, call.signed))


def foreign(facts: Facts) -> Iterator[Violation]:
    """Replicas touch what they made, what carries a tag that a Pod names, and what is to be adopted; nothing else."""
    for entry in filter(facts.ours, facts.history.journal):
        allocation_id = entry.effect.allocation_id
        if not _may_touch(facts, allocation_id):
            evidence = f"{entry.caller.access_key}: {entry.effect.kind} {allocation_id}, which is nobody's of ours"
            yield Violation(broken=Guarantee.FOREIGN, evidence=evidence)
        if entry.effect.kind == "released" and not _may_release(facts, entry):
            evidence = f"{entry.caller.access_key} released {allocation_id}, which no replica allocated"
            yield Violation(broken=Guarantee.POOL_KEPT, evidence=evidence)


def _may_touch(facts: Facts, allocation_id: str) -> bool:
    pools = {sight.pool for sight in facts.history.pods if sight.mode.startswith("fixed")}
    tagged = bool(pools & facts.tags.get(allocation_id, {}).keys())
    return tagged or allocation_id in facts.born or allocation_id in facts.history.adoptable


def _may_release(facts: Facts, entry: Entry) -> bool:
    allocation_id = entry.effect.allocation_id
    auto = facts.tags.get(allocation_id, {}).get(contract.TAG_TYPE) == "auto"
    return allocation_id in facts.born or (auto and allocation_id in facts.history.adoptable)


def foreign_cut(facts: Facts) -> Iterator[Violation]:
    """What a person associated, no replica cuts, nor displaces."""
    for held in facts.holdings:
        by_replica = held.ended_by is not None and held.ended_by.access_key in facts.names
        if by_replica and held.by.access_key not in facts.names and held.allocation_id not in facts.history.adoptable:
            evidence = f"{held.ended_by} ended {held.allocation_id} at {held.private_ip}, made by {held.by.access_key}"
            yield Violation(broken=Guarantee.FOREIGN_CUT, evidence=evidence)


def right_cut(facts: Facts) -> Iterator[Violation]:
    """No replica cuts where an address stands right: at its owner's target, for a Pod that goes on asking for it."""
    for held in facts.holdings:
        if held.ended_by is None or held.ended_by.access_key not in facts.names:
            continue
        sent = _sent(facts, held)
        owners = (o for o in facts.ownerships if (o.allocation_id, o.ip) == (held.allocation_id, held.private_ip))
        for owner in owners:
            if owner.time[0] < sent <= owner.time[1] and _goes_on(facts, owner, sent):
                evidence = f"{held.ended_by} cut {held.allocation_id} at {held.private_ip}, which Pod {owner.uid} has"
                yield Violation(broken=Guarantee.RIGHT_CUT, evidence=evidence)


def _sent(facts: Facts, held: Holding) -> float:
    """When the cut of just this association was asked for; if nobody asked for it, when it happened."""
    calls = (c for c in facts.history.calls if c.what == "DisassociateAddress")
    asked = (c.began for c in calls if c.body.get("AssociationId") == held.association_id)
    return min(asked, default=until(held.until))


def _goes_on(facts: Facts, owner: Ownership, sent: float) -> bool:
    """Whether the Pod asked for the same, alone at the same IP, all the time since it owned the address, and does.

    The record may have seen it only after its claim was written: what it was before it ever asked says nothing.
    """
    begin, end = owner.time[0], sent + ASIDE_S
    during = [seen for seen in facts.seen if seen.time[0] <= end and seen.time[1] >= begin]
    others = [seen for seen in during if seen.pod.uid != owner.uid and seen.pod.ip == owner.ip and not seen.pod.gone]
    mine = list(dropwhile(lambda seen: not seen.asks, (seen for seen in facts.seen if seen.pod.uid == owner.uid)))
    now = [seen for seen in mine if seen in during]
    same = len({(seen.pod.mode, seen.pod.pool, seen.pod.ip) for seen in now}) == 1
    there = all(seen.asks and seen.pod.ip == owner.ip for seen in now)
    return begin < end and same and not others and there and now[-1].time[1] >= end


def retagged(facts: Facts) -> Iterator[Violation]:
    """An address whose tags a person has made say something else is that person's: no replica releases it."""
    taken: set[str] = set()
    for entry in facts.history.journal:
        effect = entry.effect
        if not facts.ours(entry) and effect.kind in ("tagged", "untagged") and set(IDENTITY) & effect.tags.keys():
            taken.add(effect.allocation_id)
        if facts.ours(entry) and effect.kind == "released" and effect.allocation_id in taken:
            evidence = f"{entry.caller.access_key} released {effect.allocation_id}, which a person had tagged anew"
            yield Violation(broken=Guarantee.FOREIGN, evidence=evidence)
