"""The verdict, counted from what the world wrote down: EC2's journal and call log, the table, the Pods' labels.

Pure functions of the evidence; the controller is not asked. How each figure is counted stands at its function, for a
figure is worth what its definition is.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

from controller.core import contract
from sandbox.demo.cast import Life, Sighting
from sandbox.demo.ledger import Ledger
from sandbox.demo.scenes import AUTO, FIXED, MODES, OWN, OWN_TAG, POOL_TAG
from sandbox.demo.watcher import Picture
from sandbox.ec2.log import CallRecord, Entry, Holding, holdings
from sandbox.ec2.model import Address

Tags = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A leader was hit, at a monotonic time; `others` are the replicas that could take over."""

    kind: str
    victim: str
    others: frozenset[str]
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A time in which Pods of one mode came to a cluster one after another and went again, and who might serve them.

    Times are monotonic; a call belongs to it by its begin.
    """

    mode: str
    callers: frozenset[str]
    uids: frozenset[str]
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the judge is told. `picture` was taken at the end, when the world had become quiet or time was up."""

    lives: Sequence[Life]
    sightings: Sequence[Sighting]
    calls: Sequence[CallRecord]
    journal: Sequence[Entry]
    picture: Picture
    disputed: Collection[str]
    signals: Sequence[Signal]
    stretches: Sequence[Stretch]
    replicas: Collection[str]


def wanted(evidence: Evidence, mode: str) -> int:
    """How many Pods of this mode there ever were."""
    return sum(life.part.mode == mode for life in evidence.lives)


def waits(evidence: Evidence, mode: str) -> dict[str, float]:
    """For each Pod of this mode that was served, the seconds from its creation until its label was seen.

    Served: the label named an address while EC2 had that address at the Pod's interface and IP.
    """
    held = holdings(evidence.journal)
    first: dict[str, float] = {}
    lives = {life.uid: life for life in evidence.lives if life.part.mode == mode}
    for sighting in evidence.sightings:
        life = lives.get(sighting.uid)
        if life and life.uid not in first and any(_proves(h, sighting, life) for h in held):
            first[life.uid] = sighting.answered - life.began
    return first


def _proves(holding: Holding, sighting: Sighting, life: Life) -> bool:
    there = (holding.interface_id, holding.private_ip) == life.target
    then = holding.since <= sighting.answered and sighting.asked <= (holding.until or float("inf"))
    return there and then and holding.public_ip == sighting.public_ip


def leaked(evidence: Evidence) -> set[str]:
    """Allocation ids that nobody can use any more: allocated by a replica, but not at an `auto` Pod that lives;
    of a pool, but still at the IP of no Pod, or still claimed in the table by a Pod that is gone.
    """
    living = [life for life in evidence.lives if life.ended is None]
    places = {life.target: life for life in living}
    made = {e.effect.allocation_id for e in evidence.journal if _made_by(e, evidence.replicas)}
    lost = {a.allocation_id for a in evidence.picture.addresses if _is_lost(a, a.allocation_id in made, places)}
    uids = {life.uid for life in living}
    return lost | {address for address, uid in evidence.picture.ledger.owner_of.items() if uid not in uids}


def _made_by(entry: Entry, replicas: Collection[str]) -> bool:
    return entry.effect.kind == "allocated" and entry.caller.access_key in replicas


def _is_lost(address: Address, made: bool, places: Mapping[tuple[str, str], Life]) -> bool:
    if address.association is None:
        return made
    life = places.get((address.association.interface_id, address.association.private_ip))
    return life is None or (made and life.part.mode != AUTO)


def misplaced(evidence: Evidence) -> set[tuple[str, str]]:
    """Pairs of address and Pod: EC2 had the address at a live Pod's IP, at any moment, and it was not that Pod's.

    And, at the end, those where the Pod's label does not name what EC2 has at its IP.
    """
    tags = {e.effect.allocation_id: e.effect.tags for e in evidence.journal if e.effect.kind == "allocated"}
    wrong = {
        (holding.public_ip, life.part.full_name)
        for holding in holdings(evidence.journal)
        for life in evidence.lives
        if (holding.interface_id, holding.private_ip) == life.target
        and life.overlaps(holding.since, holding.until)
        and not _is_for(life, holding, tags.get(holding.allocation_id, {}))
    }
    return wrong | mislabelled(evidence)


def _is_for(life: Life, holding: Holding, tags: Tags) -> bool:
    """Whether this Pod asked for such an address and was there when it came, rather than inherit it with its IP."""
    if life.part.mode == AUTO:
        return tags.get(contract.TAG_POD_UID) == life.uid
    asked = {FIXED: POOL_TAG in tags, OWN: tags.get(OWN_TAG) == life.part.full_name}
    return asked.get(life.part.mode, False) and life.began <= holding.since


def mislabelled(evidence: Evidence) -> set[tuple[str, str]]:
    """Pairs of label and Pod, at the end, where EC2 has something else, or nothing, at the Pod's IP."""
    places = {life.uid: life.target for life in evidence.lives}
    at = {
        (a.association.interface_id, a.association.private_ip): a.public_ip
        for a in evidence.picture.addresses
        if a.association
    }
    return {
        (row.label, row.full_name)
        for row in evidence.picture.pods
        if row.uid in places and row.label != at.get(places[row.uid], "")
    }


def double_owned(evidence: Evidence) -> set[str]:
    """Addresses with two Pods, in the table or on labels, whenever the watcher looked or at the end."""
    labels = [row.label for row in evidence.picture.pods if row.label]
    twice = {label for label in labels if labels.count(label) > 1}
    final: Ledger = evidence.picture.ledger
    return set(evidence.disputed) | final.disputed() | twice


def taken_over(signal: Signal, calls: Iterable[CallRecord]) -> CallRecord | None:
    """The first EC2 call that one of the others began after the signal, if there was any yet."""
    begun = [c for c in calls if c.caller.access_key in signal.others and c.started_mono > signal.at]
    return min(begun, key=lambda c: c.started_mono, default=None)


def failover_s(signal: Signal, calls: Iterable[CallRecord]) -> float | None:
    """Seconds from the signal to the new leader's first EC2 call; None if there was none."""
    first = taken_over(signal, calls)
    return first.started_mono - signal.at if first else None


def calls_per_pod(stretch: Stretch, evidence: Evidence) -> float:
    """EC2 calls for one Pod's whole life: all that had an effect on the addresses of the stretch's Pods, and all that
    had none, which are describes and failures, whoever else in the cluster had a use for them too.
    """
    ours = _addresses_of(stretch.uids, evidence)
    meanwhile = [c for c in evidence.calls if stretch.since <= c.started_mono <= stretch.until]
    made = [c for c in meanwhile if c.caller.access_key in stretch.callers]
    return sum(not c.effects or any(e.allocation_id in ours for e in c.effects) for c in made) / len(stretch.uids)


def _addresses_of(uids: Collection[str], evidence: Evidence) -> set[str]:
    targets = {life.target for life in evidence.lives if life.uid in uids}
    effects = [entry.effect for entry in evidence.journal]
    born = {e.allocation_id for e in effects if e.kind == "allocated" and e.tags.get(contract.TAG_POD_UID) in uids}
    return born | {e.allocation_id for e in effects if (e.interface_id, e.private_ip) in targets}


def released_by_mistake(evidence: Evidence) -> set[str]:
    """Addresses that a replica released although no replica had allocated them."""
    made = {e.effect.allocation_id for e in evidence.journal if _made_by(e, evidence.replicas)}
    gone = {e.effect.allocation_id for e in evidence.journal if e.effect.kind == "released"}
    return gone - made


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the report says; what was not played, or did not come, is None or missing.

    median_s: seconds from creation to the label of the Pods that came one by one.
    """

    wanted: Mapping[str, int]
    served: Mapping[str, int]
    median_s: Mapping[str, float]
    leaked: frozenset[str]
    misplaced: frozenset[tuple[str, str]]
    double_owned: frozenset[str]
    released: frozenset[str]
    failovers: tuple[tuple[str, float | None], ...]
    calls: Mapping[str, float]


def judge(evidence: Evidence) -> Verdict:
    """All figures."""
    seconds = {mode: waits(evidence, mode) for mode in MODES}
    rows = {
        stretch.mode: [seconds[stretch.mode].get(uid, inf) for uid in stretch.uids] for stretch in evidence.stretches
    }
    return Verdict(
        wanted={mode: wanted(evidence, mode) for mode in MODES},
        served={mode: len(found) for mode, found in seconds.items()},
        median_s={mode: median(row) for mode, row in rows.items()},
        leaked=frozenset(leaked(evidence)),
        misplaced=frozenset(misplaced(evidence)),
        double_owned=frozenset(double_owned(evidence)),
        released=frozenset(released_by_mistake(evidence)),
        failovers=tuple((s.kind, failover_s(s, evidence.calls)) for s in evidence.signals),
        calls={s.mode: calls_per_pod(s, evidence) for s in evidence.stretches},
    )
