"""What stands at the top of every view: whose answer it is, in plain words, and what needs somebody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.surface.views import words
from controller.surface.views.index import Index
from controller.surface.views.links import Links
from controller.surface.views.pod_order import TROUBLED

OLD_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One thing that needs somebody. `grave`: at once."""

    text: str
    href: str | None = None
    grave: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The head of a view. `troubled`: the number of Pods that need somebody. `knows`: it is more than a beginning."""

    cluster: str
    version: str
    as_of: str | None
    answer: str
    knows: bool
    notices: tuple[Notice, ...]
    troubled: int
    waiting: int


def summary(status: Mapping[str, Any], index: Index, links: Links) -> Summary:
    """The head, from the document alone."""
    counts, both = index.counts, zip(index.phases, index.errors, strict=True)
    failing = [phase for phase, error in both if error and phase not in TROUBLED]
    first = (*_age(status, datetime.now(UTC)), *_leader(status))
    return Summary(
        cluster=status["cluster"],
        version=status.get("version") or "",
        as_of=status["as_of"],
        answer=answer(status),
        knows=bool(status.get("identity")),
        notices=(*first, *_pods(counts, len(failing), links), *_rest(status, links)),
        troubled=sum(counts[phase] for phase in TROUBLED),
        waiting=sum(pool["waiting"] or 0 for pool in status["pools"]),
    )


def answer(status: Mapping[str, Any]) -> str:
    """Whose answer it is, in a sentence or two: the document's own note where it has one."""
    by, leader = status.get("answered_by") or {}, status.get("leader") or {}
    identity = by.get("identity") or status.get("identity")
    if not identity:
        return "This replica is starting: it knows nothing yet."
    if by.get("note"):
        return str(by["note"])
    leads = by.get("leads", leader.get("is_me"))
    return f"Answered by {identity}, which leads." if leads else f"Answered by {identity}, a standby."


def _age(status: Mapping[str, Any], now: datetime) -> Iterable[Notice]:
    age = (status.get("answered_by") or {}).get("age_s")
    if age is None and (taken := words.parsed(status["as_of"])):
        age = (now - taken).total_seconds()
    if age is not None and age > OLD_S:
        yield Notice(text=f"What is shown is old: it was true {words.duration(age)} ago.", grave=True)


def _leader(status: Mapping[str, Any]) -> Iterable[Notice]:
    if status.get("identity") and not (status.get("leader") or {}).get("identity"):
        yield Notice(text="No replica leads: no Pod gets an address until one does.", grave=True)


def _pods(counts: Mapping[str, int], failing: int, links: Links) -> Iterable[Notice]:
    if counts["invalid"]:
        text = f"{words.count(counts['invalid'], 'Pod has', 'Pods have')} wrong annotations."
        yield Notice(text=text, href=links.to("", {"phase": "invalid"}), grave=True)
    if counts["refused"]:
        text = f"{words.count(counts['refused'], 'Pod is', 'Pods are')} refused by the policy."
        yield Notice(text=text, href=links.to("", {"phase": "refused"}), grave=True)
    if counts["waiting"]:
        text = f"{words.count(counts['waiting'], 'Pod waits', 'Pods wait')} for an address."
        yield Notice(text=text, href=links.to("", {"phase": "waiting"}))
    if failing:
        text = f"{words.count(failing, 'Pod')} met an error at the last look: each says which, and what comes next."
        yield Notice(text=text, href=links.to(""))


def _rest(status: Mapping[str, Any], links: Links) -> Iterable[Notice]:
    here = links.to("controller")
    policy, quota = status.get("policy") or {}, status.get("quota") or {}
    if policy.get("error"):
        yield Notice(text="The policy file is faulty: the one before it holds.", href=here, grave=True)
    if quota.get("trouble"):
        yield Notice(text="The account's quota could not be read at the last try.", href=here)
    if any(cluster.get("same_name") for cluster in status["clusters"]):
        yield Notice(text="Another cluster has this cluster's name.", href=links.to("clusters"), grave=True)
    if status.get("contested"):
        text = f"Something else changes our labels of {words.count(status['contested'], 'Pod')} each time."
        yield Notice(text=text, href=here)
    if left := status.get("left_alone"):
        text = f"{words.count(len(left), 'address', 'addresses')} left alone: like ours, but without proof."
        yield Notice(text=text, href=here)
    if errors := status.get("errors"):
        text = f"{words.count(len(errors), 'kind')} of errors of late."
        yield Notice(text=text, href=links.to("controller") + "#errors")
