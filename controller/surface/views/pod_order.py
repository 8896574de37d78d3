"""Which Pods a list has, and in which order, by the query's fields.

All Pods of a cluster pass here for each view. What each of them costs is the loop's time too, since both run in one
process: so it is a microsecond or less, by comprehensions over few fields.
"""

from collections.abc import Callable, Sequence
from itertools import compress
from operator import itemgetter, not_
from socket import inet_aton

from controller.surface.views.index import Index, Pod

PHASES = ("invalid", "refused", "waiting", "pending", "claimed", "releasing", "associated")
"""In the order in which they need somebody."""
TROUBLED = frozenset(PHASES[:3])
RANK = {phase: number for number, phase in enumerate(PHASES)}
DEFAULT_SORT = "phase"
_LAST = b"\xff" * 5
_ADDRESS = frozenset("0123456789.")
_UID = frozenset("0123456789abcdef-")

Pods = Sequence[Pod]


def by_need(index: Index) -> Pods:
    """All Pods, in the order in which one looks at them first."""
    needs = [phase != PHASES[-1] or bool(error) for phase, error in zip(index.phases, index.errors, strict=True)]
    return [*sorted(compress(index.pods, needs), key=_rank), *compress(index.pods, map(not_, needs))]


def chosen(index: Index, namespace: str, phase: str, mode: str, query: str) -> Pods:
    """Those that match all that is given; each word of the query stands anywhere in what a person may look for."""
    pods: Pods = index.pods
    for field, wanted in (("namespace", namespace), ("phase", phase), ("mode", mode)):
        if wanted:
            pods = [pod for pod in pods if pod[field] == wanted]
    for word in query.lower().split():
        pods = _with_word(pods, word)
    return pods


def _with_word(pods: Pods, word: str) -> Pods:
    """The fields are gone through one by one, and those left out in which it cannot stand."""
    found = {number for number, pod in enumerate(pods) if word in f"{pod['namespace']}/{pod['name']}"}
    for field, letters, least in _LOOKED_AT:
        if len(word) >= least and (letters is None or letters.issuperset(word)):
            found |= {number for number, pod in enumerate(pods) if (text := pod.get(field)) and word in text.lower()}
    return [pods[number] for number in sorted(found)]


_LOOKED_AT: tuple[tuple[str, frozenset[str] | None, int], ...] = (
    ("public_ip", _ADDRESS, 1),
    ("private_ip", _ADDRESS, 1),
    ("uid", _UID, 6),
    ("allocation_id", _UID | frozenset("eipalloc"), 6),
    ("node", None, 1),
    ("error", None, 1),
)
"""The fields, which letters they are made of (None: any), and the length of a word that is looked for in them: two
digits stand in every other UID.
"""


def ordered(pods: Pods, sort: str) -> Pods:
    """Sorted; the document's own order, by namespace and name, holds between equals."""
    way = SORTS.get(sort.removeprefix("-"), SORTS[DEFAULT_SORT])[1]
    return way(pods, sort.startswith("-"))


def _by_need(pods: Pods, backwards: bool) -> Pods:
    """Those that need somebody first, and of them by phase; what failed comes before what did not."""
    calm = [pod for pod in pods if pod["phase"] == PHASES[-1] and not pod["error"]]
    others = [pod for pod in pods if pod["phase"] != PHASES[-1] or pod["error"]]
    others.sort(key=_rank, reverse=backwards)
    return [*calm, *others] if backwards else [*others, *calm]


def _rank(pod: Pod) -> int:
    rank = RANK.get(pod["phase"], 0)
    return min(rank, len(TROUBLED)) if pod["error"] else rank


def _by_name(pods: Pods, backwards: bool) -> Pods:
    return sorted(pods, key=itemgetter("namespace", "name"), reverse=backwards)


def _by_text(field: str) -> Callable[[Pods, bool], Pods]:
    return lambda pods, backwards: sorted(pods, key=lambda pod: pod.get(field) or "", reverse=backwards)


def _by_address(field: str) -> Callable[[Pods, bool], Pods]:
    return lambda pods, backwards: sorted(pods, key=lambda pod: _number(pod[field]), reverse=backwards)


def _number(address: str | None) -> bytes:
    """An IPv4 address as its four bytes; what is none comes last."""
    try:
        return inet_aton(address) if address else _LAST
    except (OSError, UnicodeError):
        return _LAST


SORTS: dict[str, tuple[str, Callable[[Pods, bool], Pods]]] = {
    "name": ("Pod", _by_name),
    "phase": ("Phase", _by_need),
    "ip": ("Public IP", _by_address("public_ip")),
    "private": ("Private IP", _by_address("private_ip")),
    "mode": ("Mode", _by_text("mode")),
    "node": ("Node", _by_text("node")),
    "since": ("In this phase", _by_text("since")),
}
"""The columns: the name in the query, the title, and how they sort."""
