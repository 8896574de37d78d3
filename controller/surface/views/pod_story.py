"""One Pod's own view: all that the document knows of it, in the order in which one asks at night.

A name may be there twice: a StatefulSet's Pod that is gone gives its address back while the next one already asks. So
the view shows each Pod of that name, the newest first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.core.modes import ALLOCATING
from controller.surface.views import words
from controller.surface.views.links import Links

_MEANS = {
    "pending": "It is being served: an address is on its way, or the Pod has no IP yet.",
    "waiting": "It waits for an address: there is none for it now.",
    "claimed": "An address is claimed for it, and EC2 is asked to associate the two.",
    "associated": "It has its address.",
    "releasing": "The Pod is gone or asks no more: its address is taken back.",
    "invalid": "Its annotations are wrong: nothing is done until they are changed.",
    "refused": "The policy refuses it: nothing is done until the policy or the Pod is changed.",
}
_LEDGER = {
    "pending": "no address is claimed for it",
    "waiting": "no address is claimed for it",
    "claimed": "the address below is claimed for it",
    "associated": "the address below is its own",
    "releasing": "the address below is being taken back",
    "invalid": "nothing",
    "refused": "nothing",
}
_EC2 = {
    "claimed": "not known to be associated yet",
    "associated": "associated with the private IP below",
    "releasing": "being disassociated",
}
_NEXT = {
    "pending": "claim an address, or wait for the Pod's IP",
    "waiting": "try again as soon as an address is free",
    "claimed": "associate the address with the Pod's private IP",
    "associated": "nothing: it is compared with EC2 from time to time",
    "releasing": "disassociate, then free or release the address",
    "invalid": "nothing, until the annotations change",
    "refused": "nothing, until the policy or the annotations change",
}
_CALM = ("associated",)
_SENTENCES = (
    ("asks", "What it asks for"),
    ("policy", "What the policy says"),
    ("ledger", "What the ledger says"),
    ("ec2", "What EC2 shows"),
    ("next", "What is done next"),
    ("tried", "What was tried"),
    ("remedy", "What helps"),
)
"""The parts of an explanation (`core/explain`), in the order of the view."""

Explain = Callable[[str, str], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One Pod. None: not known. `sentences`: the parts of its explanation, where there is one for this Pod."""

    pod: Mapping[str, Any]
    means: str | None
    why: str | None
    ledger: str | None
    ec2: str | None
    next: str | None
    since: str | None
    age: str | None
    next_try: str | None
    attempts: int | None
    pool: str | None
    pool_href: str | None
    trace: str | None
    sentences: Sequence[tuple[str, Sequence[str]]]


def stories(
    status: Mapping[str, Any], namespace: str, name: str, links: Links, explain: Explain | None = None
) -> Sequence[Story]:
    """Each Pod of that name, those that ask before those that are gone."""
    found = [pod for pod in status["pods"] if pod["name"] == name and pod["namespace"] == namespace]
    found.sort(key=lambda pod: (pod["phase"] == "releasing", pod["uid"]))
    explained = (explain(namespace, name) if explain and found else None) or {}
    return [_story(pod, status["as_of"], links, explained) for pod in found]


def _story(pod: Mapping[str, Any], now: object, links: Links, explained: Mapping[str, Any]) -> Story:
    by, mine = explained.get("answered_by") or {}, explained.get("uid") == pod["uid"]
    phase, pool = pod["phase"], pod.get("pool")
    return Story(
        pod={**pod, **{field: pod.get(field) for field in ("node", "created", "trace_id")}},
        means=_MEANS.get(phase),
        why=explained["summary"] if mine and by.get("leads") and (pod["error"] or phase not in _CALM) else pod["error"],
        ledger=_LEDGER.get(phase),
        ec2=_EC2.get(phase, "nothing of it"),
        next=_NEXT.get(phase),
        since=words.ago(pod["since"], now),
        age=words.ago(pod.get("created"), now),
        next_try=words.until(pod.get("next_try"), now),
        attempts=pod.get("attempts"),
        pool=pool,
        pool_href=links.pool(pool) if pool and pod["mode"] not in ALLOCATING else None,
        trace=links.trace(pod.get("trace_id")),
        sentences=_sentences(explained) if mine else (),
    )


def _sentences(explained: Mapping[str, Any]) -> list[tuple[str, Sequence[str]]]:
    """The parts that say something; what whoever says it cannot know comes last."""
    parts = [(title, explained.get(part) or ()) for part, title in _SENTENCES]
    when = explained.get("next_try")
    notes = (explained.get("answered_by") or {}).get("notes") or ()
    return [(t, said) for t, said in (*parts, ("When", (when,) if when else ()), ("Note", notes)) if said]
