"""How it ends: everything served or freed (L1), leaders replaced in time (L2), and then silence (L3)."""

from collections import Counter
from collections.abc import Iterator

from controller.core.remembered import is_remembered
from sandbox.ec2.model import Address
from state.model import PodUid
from tests.history import History, Process, Signal
from tests.judges.facts import Facts, Guarantee, Violation

HEARTBEAT_S = 30.0


def converged(facts: Facts) -> Iterator[Violation]:
    """Every Pod that asks has one address, in EC2, on its label and in the ledger; nothing is kept for anybody else."""
    at = {a.association.private_ip: a for a in facts.history.addresses if a.association}
    asking = {p.uid: p for p in facts.last_seen.values() if p.mode and p.ip and not p.gone}
    sides = {key[1].removeprefix("pod#"): item for key, item in facts.history.items.items() if "pod#" in key[1]}
    claims = {uid: item for uid, item in sides.items() if not is_remembered(PodUid(uid))}
    for uid, pod in asking.items():
        address, claim = at.get(pod.ip), claims.get(uid, {})
        served = address is not None and pod.label == address.public_ip
        recorded = address is not None and claim.get("allocation_id") == address.allocation_id
        if uid not in facts.history.hopeless and not (served and recorded and claim.get("phase") == "associated"):
            yield _unfinished(f"{pod.name} asks, has {address}, is labelled {pod.label!r}, and its claim is {claim}")
    yield from (_unfinished(f"the claim {item} is left") for uid, item in claims.items() if uid not in asking)
    left = [pod for pod in facts.last_seen.values() if pod.label and not pod.mode and not pod.gone]
    yield from (_unfinished(f"{pod.name} is still labelled {pod.label}") for pod in left)
    yield from (_unfinished(why) for why in _kept(facts, at, {pod.ip for pod in asking.values()}))


def _kept(facts: Facts, at: dict[str, Address], wanted: set[str]) -> Iterator[str]:
    ours = {h.association_id for h in facts.holdings if h.by.access_key in facts.names}
    for ip, address in at.items():
        assert address.association is not None
        if ip not in wanted and address.association.association_id in ours:
            yield f"{address.allocation_id} is still at {ip}"
    for address in facts.history.addresses:
        if address.allocation_id in facts.born and address.association is None:
            yield f"{address.allocation_id} is allocated for nobody"


def _unfinished(evidence: str) -> Violation:
    return Violation(broken=Guarantee.CONVERGED, evidence=evidence)


def failover(facts: Facts) -> Iterator[Violation]:
    """When a leader dies another has a new epoch within the bound; when it releases the Lease, sooner."""
    bounds = facts.history.bounds
    for signal in facts.history.signals:
        if signal.kind not in ("kill", "term") or _leader_at(facts.history, signal) != signal.who:
            continue
        start = _released_at(facts.history, signal) if signal.kind == "term" else signal.at
        limit = bounds.handover_s if signal.kind == "term" and start > signal.at else bounds.failover_s
        took = _next_epoch(facts.history, signal.who, start) - start
        if took > limit and _candidates(facts.history, signal, start + limit):
            evidence = f"after the {signal.kind} of {signal.who} the next epoch took {took:.1f} s"
            yield Violation(broken=Guarantee.FAILOVER, evidence=evidence)


def _leader_at(history: History, signal: Signal) -> Process | None:
    """Who led the signalled process's cluster at that time."""
    raised = [w.who for w in history.writes if w.raises and w.who and w.at <= signal.at]
    led = [who for who in raised if who.cluster == signal.who.cluster]
    return led[-1] if led else None


def _released_at(history: History, signal: Signal) -> float:
    lease = (c for c in history.calls if c.who == signal.who and c.renews and c.began > signal.at)
    return next((call.began for call in lease if not call.holder), signal.at)


def _next_epoch(history: History, dead: Process, start: float) -> float:
    later = (w for w in history.writes if w.raises and w.who and w.at > start and w.who != dead)
    return next((w.at for w in later if w.who and w.who.cluster == dead.cluster), history.ended)


def _candidates(history: History, signal: Signal, limit: float) -> bool:
    """Whether anybody else was there all that time: it called somebody, near its begin and near its end."""
    rest = (c for c in history.calls if c.who != signal.who and c.who.cluster == signal.who.cluster)
    others = [c.began for c in rest if signal.at < c.began <= limit]
    return bool(others) and min(others) < signal.at + 1.0 and max(others) > limit - 1.0


def silence(facts: Facts) -> Iterator[Violation]:
    """While nothing is asked: no mutation and no patch, and one heartbeat of each cluster in 30 s."""
    if facts.history.quiet is None:
        return
    begin, end = facts.history.quiet
    calls = [c for c in facts.history.calls if begin <= c.began <= end and c.changes and not c.renews]
    beats = [c for c in calls if c.service == "dynamodb" and len(c.body.get("TransactItems", ())) == 1]
    loud = [f"{c.who} {c.what} {c.about}" for c in calls if c not in beats]
    yield from (Violation(broken=Guarantee.SILENCE, evidence=said) for said in loud)
    for cluster, count in Counter(c.who.cluster for c in beats).items():
        if count > 1 + (end - begin) / HEARTBEAT_S:
            said = f"{count} heartbeats of {cluster} in {end - begin:.0f} s"
            yield Violation(broken=Guarantee.SILENCE, evidence=said)
