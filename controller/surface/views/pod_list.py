"""The list of Pods: filtered, sorted and cut into pages by the query's fields, so it works without JavaScript.

Of thousands of Pods only the rows of one page are made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.core.contract import legible
from controller.surface.views import words
from controller.surface.views.asked import Asked
from controller.surface.views.index import Index, Pod
from controller.surface.views.links import Links
from controller.surface.views.paging import Page, cut
from controller.surface.views.pod_order import DEFAULT_SORT, RANK, SORTS, Pods, by_need, chosen, ordered

MOST_NAMESPACES = 100
LONGEST_ERROR = 240
_FIELDS = ("ns", "phase", "mode", "q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A column's head: its title, the link that sorts by it, and how it is sorted now (`aria-sort`)."""

    title: str
    href: str
    sorted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    """A phase that there is: how many Pods are in it, and the link that shows only these."""

    phase: str
    count: int
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A Pod's row. `colour`: the class of its phase. `since` is a moment, `lasted` how long ago that is."""

    uid: str
    href: str
    namespace: str
    name: str
    phase: str
    colour: str
    public_ip: str | None
    private_ip: str | None
    mode: str | None
    node: str | None
    since: str | None
    lasted: str | None
    error: str | None
    attempts: int | None
    next_try: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PodList:
    """What the view shows. `total` is without filters; `chosen` are the filters, by their fields."""

    page: Page
    headings: Sequence[Heading]
    chips: Sequence[Chip]
    namespaces: Sequence[str]
    modes: Sequence[str]
    chosen: Mapping[str, str]
    sort: str
    total: int
    everything: str


def pod_list(index: Index, now: datetime | None, asked: Asked, links: Links) -> PodList:
    """The page of the list that was asked for; `now`: when the snapshot was taken."""
    said = {field: asked.text(field) for field in _FIELDS}
    kept = {**said, "sort": asked.text("sort")}
    found = index.found(tuple(kept.items()), lambda: _found(index, kept))
    page = cut(found, asked, links, "", kept)
    return PodList(
        page=page.with_rows([_row(pod, links, now) for pod in page.rows]),
        headings=[_heading(name, title, links, kept) for name, (title, _) in SORTS.items()],
        chips=_chips(index.counts, links, kept),
        namespaces=sorted(set(index.namespaces))[:MOST_NAMESPACES],
        modes=sorted(filter(None, set(index.modes)))[:MOST_NAMESPACES],
        chosen=said,
        sort=kept["sort"],
        total=len(index.pods),
        everything=links.to("", {"sort": kept["sort"]}),
    )


def _found(index: Index, kept: Mapping[str, str]) -> Pods:
    """Those that match, sorted; the view that most ask for goes through the Pods once."""
    if not any(kept.values()):
        return by_need(index)
    found = chosen(index, kept["ns"], kept["phase"], kept["mode"], kept["q"])
    return ordered(found, kept["sort"] or DEFAULT_SORT)


def _heading(name: str, title: str, links: Links, kept: Mapping[str, str]) -> Heading:
    now = kept["sort"] or DEFAULT_SORT
    other = f"-{name}" if now == name else name
    state = {name: "ascending", f"-{name}": "descending"}.get(now, "none")
    return Heading(title=title, href=links.to("", {**kept, "sort": other}), sorted=state)


def _chips(counts: Mapping[str, int], links: Links, kept: Mapping[str, str]) -> list[Chip]:
    known = sorted(counts, key=lambda phase: (RANK.get(phase, 0), phase))
    return [_chip(phase, counts[phase], links, kept) for phase in known]


def _chip(phase: str, count: int, links: Links, kept: Mapping[str, str]) -> Chip:
    """The chip of the chosen phase takes the choice back."""
    now = kept["phase"] == phase
    return Chip(phase=phase, count=count, href=links.to("", {**kept, "phase": "" if now else phase}), chosen=now)


def _row(pod: Pod, links: Links, now: object) -> Row:
    return Row(
        uid=pod["uid"],
        href=links.pod(pod["namespace"], pod["name"]),
        namespace=pod["namespace"],
        name=pod["name"],
        phase=pod["phase"],
        colour=pod["phase"] if pod["phase"] in RANK else "other",
        public_ip=pod["public_ip"],
        private_ip=pod["private_ip"],
        mode=pod["mode"] or None,
        node=pod.get("node"),
        since=pod["since"],
        lasted=words.ago(pod["since"], now),
        error=shortened(pod["error"]),
        attempts=pod.get("attempts") or None,
        next_try=words.until(pod.get("next_try"), now),
    )


def shortened(text: str | None) -> str | None:
    """The beginning of a long error, for a list; legible before it is cut, since that makes it longer."""
    said = legible(text) if text else text
    return said if said is None or len(said) <= LONGEST_ERROR else said[:LONGEST_ERROR] + " …"
