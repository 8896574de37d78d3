"""The pools: how many addresses each has, who holds them and who waits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.surface.views import words
from controller.surface.views.asked import Asked
from controller.surface.views.links import Links
from controller.surface.views.paging import Page, cut
from controller.surface.views.pod_list import shortened

MOST_WAITERS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolView:
    """One pool. `waiters` are None where the document does not say which pool a Pod asks for."""

    pool: Mapping[str, Any]
    longest_wait: str | None
    holders: Page
    waiters: Sequence[Mapping[str, Any]] | None
    more_waiters: int


def pool_list(status: Mapping[str, Any], asked: Asked, links: Links) -> Page:
    """All pools, those first for which Pods wait."""
    ordered = sorted(status["pools"], key=lambda pool: -(pool["waiting"] or 0))
    page = cut(ordered, asked, links, "pools", {})
    rows = [{**pool, "href": links.pool(pool["tag_key"]), "longest_wait": longest_wait(pool)} for pool in page.rows]
    return page.with_rows(rows)


def pool_view(status: Mapping[str, Any], key: str, asked: Asked, links: Links) -> PoolView | None:
    """The pool of that tag key; None if no Pod asks for it and nobody holds an address of it."""
    pool = next((each for each in status["pools"] if each["tag_key"] == key), None)
    if pool is None:
        return None
    waiting = [pod for pod in status["pods"] if pod["phase"] == "waiting" and pod.get("pool", key) == key]
    known = all("pool" in pod for pod in waiting)
    holders = cut(pool.get("holders") or (), asked, links, "pools", {"key": key})
    return PoolView(
        pool=pool,
        longest_wait=longest_wait(pool),
        holders=holders.with_rows([_holder(each, status, links) for each in holders.rows]),
        waiters=[_waiter(pod, status, links) for pod in waiting[:MOST_WAITERS]] if known else None,
        more_waiters=max(0, len(waiting) - MOST_WAITERS),
    )


def longest_wait(pool: Mapping[str, Any]) -> str | None:
    """How long the first of its Pods has waited; None where none waits."""
    return words.duration(pool.get("longest_wait_s")) if pool["waiting"] else None


def _holder(holder: Mapping[str, Any], status: Mapping[str, Any], links: Links) -> dict[str, Any]:
    """A holder of this cluster has a view of its own."""
    namespace, _, name = (holder["pod"] or "").partition("/")
    ours = holder["cluster"] == status["cluster"] and name
    return {**holder, "href": links.pod(namespace, name) if ours else None}


def _waiter(pod: Mapping[str, Any], status: Mapping[str, Any], links: Links) -> dict[str, Any]:
    return {
        **pod,
        "href": links.pod(pod["namespace"], pod["name"]),
        "error": shortened(pod["error"]),
        "next_try": words.until(pod.get("next_try"), status["as_of"]),
    }
