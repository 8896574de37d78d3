"""The controller's own view: replicas, quota, policy, what it waits for, recent errors, addresses left alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.surface.views import words
from controller.surface.views.asked import Asked
from controller.surface.views.links import Links
from controller.surface.views.paging import Page, cut

MOST_ERRORS = 50
MOST_TEXT = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerView:
    """All of it. `replicas`, `errors` and `left_alone` are None where nobody here knows them."""

    facts: Sequence[tuple[str, str | None]]
    replicas: Sequence[Mapping[str, Any]] | None
    errors: Sequence[Mapping[str, Any]] | None
    left_alone: Page | None


def controller_view(status: Mapping[str, Any], asked: Asked, links: Links) -> ControllerView:
    """The view."""
    now = status["as_of"]
    replicas, errors, left = status.get("replicas"), status.get("errors"), status.get("left_alone")
    return ControllerView(
        facts=[*_leader(status), *_policy(status, now), *_quota(status), *_waits(status)],
        replicas=None if replicas is None else [_replica(each) for each in replicas[:MOST_ERRORS]],
        errors=None if errors is None else [_error(each, now) for each in errors[:MOST_ERRORS]],
        left_alone=None if left is None else cut(left, asked, links, "controller", {}),
    )


def _leader(status: Mapping[str, Any]) -> Iterable[tuple[str, str | None]]:
    leader = status.get("leader") or {}
    yield "Leader", leader.get("identity") or "none"
    epoch, since = leader.get("epoch"), words.ago(leader.get("since"), status["as_of"])
    yield "Epoch", f"{epoch}, for {since}" if epoch and since else str(epoch) if epoch else None
    yield "This replica", status.get("identity") or None
    yield "Version", status.get("version") or None


def _policy(status: Mapping[str, Any], now: object) -> Iterable[tuple[str, str | None]]:
    policy = status.get("policy")
    if not policy:
        yield "Policy", "none: all is allowed"
        return
    since = words.ago(policy.get("since"), now)
    rules, limits = words.count(policy["rules"], "rule"), words.count(policy["limits"], "limit")
    said = f"{policy['default']} by default, {rules}, {limits}"
    yield "Policy", f"{said}, for {since}" if since else said
    if policy.get("error"):
        yield "Fault of the policy's file, so the one before holds", policy["error"]


def _quota(status: Mapping[str, Any]) -> Iterable[tuple[str, str | None]]:
    quota = status.get("quota")
    if not quota:
        yield "Quota of addresses", "not known here: the leader reads it where some of it is kept (keepQuota)"
        return
    allowed = "an unknown number" if quota["allowed"] is None else f"{quota['allowed']:,}"
    yield "Quota of addresses", f"{quota['used']:,} of {allowed} used, {quota['kept']:,} kept for others"
    if quota.get("trouble"):
        yield "Not read at the last try, for", quota["trouble"]


def _waits(status: Mapping[str, Any]) -> Iterable[tuple[str, str | None]]:
    waits = status.get("waits") or {}
    yield "No news of Pods for", words.duration(waits.get("watch_silent_s"))
    yield "A change waits for the ledger's writer for", _waiting(waits.get("writer_waiting_s"))
    yield "A term waits for its epoch for", _waiting(waits.get("term_beginning_s"))
    yield "AWS credentials expire in", words.duration(waits.get("credentials_expire_s"))
    contested = status.get("contested")
    yield "Pods whose labels something else changes", None if contested is None else f"{contested:,}"


def _waiting(seconds: object) -> str | None:
    return "none waits" if seconds == 0 else words.duration(seconds)


def _replica(replica: Mapping[str, Any]) -> dict[str, Any]:
    restarts = replica.get("restarts")
    return {
        "identity": replica.get("identity"),
        "does": "leads" if replica.get("leads") else "stands by",
        "ready": "ready" if replica.get("ready") else "not ready",
        "restarts": None if restarts is None else f"{restarts:,}",
        "node": replica.get("node"),
        "seen": words.duration(replica.get("seen_s")),
    }


def _error(error: Mapping[str, Any], now: object) -> dict[str, Any]:
    return {**error, "text": str(error.get("text") or "")[:MOST_TEXT], "ago": words.ago(error.get("at"), now)}
