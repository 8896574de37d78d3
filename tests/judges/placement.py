"""Where addresses stand: on whose machine (S5), for how long where they should not (S1), or without a claim (S4), and
which label belies that.

An association is right while the ledger names its address and that IP for a Pod that is there, has that IP and asks
for an address. All else is misplacement, which the design bounds rather than excludes; `longest_misplacement` is the
measure.
"""

from collections.abc import Iterator

from sandbox.ec2.log import Holding
from tests.history import PodSight
from tests.intervals import Stretch, common, longest, until, without
from tests.judges.facts import Facts, Guarantee, Seen, Violation

EARLY_S = 2.0  # an association that was cut this shortly before its label appears may be a race, not a lie


def misplaced(facts: Facts) -> list[tuple[float, Holding]]:
    """Every association that replicas made, with the seconds of its longest stretch at the wrong place."""
    made = (h for h in facts.holdings if h.by.access_key in facts.names)
    return [(longest(without(facts.time_of(h), _excuses(facts, h))), h) for h in made]


def _excuses(facts: Facts, holding: Holding) -> Iterator[Stretch]:
    owners = [o for o in facts.ownerships if (o.allocation_id, o.ip) == (holding.allocation_id, holding.private_ip)]
    for owner in owners:
        for seen in facts.seen:
            right = seen.pod.uid == owner.uid and seen.asks and seen.pod.ip == holding.private_ip
            both = common(owner.time, seen.time) if right else None
            if both:
                yield both


def longest_misplacement(facts: Facts) -> float:
    """Seconds of the longest misplacement of any address."""
    return max((seconds for seconds, _ in misplaced(facts)), default=0.0)


def placement(facts: Facts) -> Iterator[Violation]:
    """No address stands where its owner is not for longer than the bound."""
    for seconds, holding in misplaced(facts):
        if seconds > facts.history.bounds.misplaced_s:
            evidence = f"{holding.allocation_id} was at {holding.private_ip} for {seconds:.1f} s without right"
            yield Violation(broken=Guarantee.PLACEMENT, evidence=evidence)


def own_machine(facts: Facts) -> Iterator[Violation]:
    """What a replica associated, it associated with the instance of the Pod's Node, or the Pod's branch interface."""
    for holding in facts.holdings:
        if holding.by.access_key not in facts.names:
            continue
        for pod in _owners(facts, holding):
            branch = not holding.instance_id and holding.interface_id in pod.branches
            if pod.machine and pod.machine != holding.instance_id and not branch:
                where = f"{holding.interface_id} of {holding.instance_id or 'no instance'}"
                evidence = f"{holding.allocation_id} was put on {where} for {pod.name}, which is on {pod.machine}"
                yield Violation(broken=Guarantee.OWN_MACHINE, evidence=evidence)


def _owners(facts: Facts, holding: Holding) -> Iterator[PodSight]:
    """The Pod whose claim named the address when the association began, as it was last."""
    for owner in facts.ownerships:
        begin, end = owner.time
        if owner.allocation_id == holding.allocation_id and begin <= holding.since <= end:
            yield from filter(None, [facts.last_seen.get(owner.uid)])


def no_leak(facts: Facts) -> Iterator[Violation]:
    """An address that a replica allocated is in somebody's claim, but for the bound."""
    effects = [entry.effect for entry in facts.history.journal]
    released = {effect.allocation_id: effect.mono for effect in effects if effect.kind == "released"}
    for allocation_id, born in facts.born.items():
        owned = [o.time for o in facts.ownerships if o.allocation_id == allocation_id]
        seconds = longest(without((born, released.get(allocation_id, facts.history.ended)), owned))
        if seconds > facts.history.bounds.unclaimed_s:
            evidence = f"{allocation_id} was in no claim for {seconds:.1f} s"
            yield Violation(broken=Guarantee.NO_LEAK, evidence=evidence)


def labels(facts: Facts) -> Iterator[Violation]:
    """A label appears only after its association, and does not outlive it by more than the bound.

    No write changes a Pod's IP and its label at once. Where both are new, the record, whose own watch may have been
    dropped, has missed the sight between: the label may have come at the IP of before.
    """
    before: dict[str, PodSight] = {}
    for seen in facts.seen:
        label, was = seen.pod.label, before.get(seen.pod.uid)
        appeared = label and was is not None and label != was.label and seen.pod.ip == was.ip
        before[seen.pod.uid] = seen.pod
        if not label or seen.pod.gone:
            continue
        truths = list(_truths(facts, seen))
        if appeared and not any(b <= seen.time[0] <= e + EARLY_S for b, e in truths):
            yield _label(seen, "before it was associated")
        if longest(without(seen.time, truths)) > facts.history.bounds.stale_label_s:
            yield _label(seen, f"for more than {facts.history.bounds.stale_label_s:g} s without an association")


def _truths(facts: Facts, seen: Seen) -> Iterator[Stretch]:
    for holding in facts.holdings:
        if (holding.public_ip, holding.private_ip) == (seen.pod.label, seen.pod.ip):
            yield holding.since, until(holding.until)


def _label(seen: Seen, how: str) -> Violation:
    return Violation(broken=Guarantee.LABEL, evidence=f"{seen.pod.name} was labelled {seen.pod.label} {how}")
