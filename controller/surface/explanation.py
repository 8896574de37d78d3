"""What `explain` prints: one Pod's explanation, asked of a replica, for a person at a terminal or for a script."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from controller.core import values
from controller.core.contract import legible
from controller.surface.fetch import fetch
from state.errors import Misconfigured

PATH = "/api/v1/pods"
_SECTIONS = (
    ("asks", "Asks"),
    ("policy", "Policy"),
    ("ledger", "Ledger"),
    ("ec2", "EC2"),
    ("next", "Next"),
    ("next_try", "When"),
    ("tried", "Tried"),
    ("remedy", "Remedy"),
)
_COLUMNS = 110
_WIDTH = max(len(title) for _, title in _SECTIONS) + 2


def pod_name(text: str) -> tuple[str, str]:
    """Namespace and name; raises Misconfigured where `text` is no NAMESPACE/POD."""
    namespace, slash, name = text.removeprefix("pod/").partition("/")
    try:
        return str(values.dns_label(namespace)), str(values.dns_name(name if slash else ""))
    except ValueError as fault:
        raise Misconfigured([f"{legible(text)[:300]!r} is not NAMESPACE/POD: a part of it {fault}"]) from fault


def ask(url: str, pod: tuple[str, str], *, timeout_s: float) -> tuple[bool, Mapping[str, Any]]:
    """Whether the replica knows the Pod, and what it says; raises Unavailable without an answer in time."""
    namespace, name = pod
    answered, document = fetch(url, f"{PATH}/{quote(namespace)}/{quote(name)}", timeout_s, also=(404,))
    return answered == 200, document


def lines(document: Mapping[str, Any]) -> Iterable[str]:
    """The text: the summary first, then a line for each sentence."""
    name = f"{document.get('namespace')}/{document.get('name')}"
    yield from _wrapped(None, f"{name}: {document.get('verdict')}. {_stopped(document.get('summary'))}")
    for key, title in _SECTIONS:
        said = document.get(key)
        for number, sentence in enumerate([said] if isinstance(said, str) else said or []):
            if sentence:
                yield from _wrapped(f"{title}:" if number == 0 else "", _stopped(sentence))
    yield from _of_source(document.get("answered_by") or {})


def _of_source(source: Mapping[str, Any]) -> Iterable[str]:
    who = "the leader" if source.get("leads") else "not the leader"
    yield from _wrapped("Says:", f"{source.get('identity') or '-'}, {who}, at {source.get('as_of') or '-'}")
    for note in source.get("notes") or []:
        yield from _wrapped("", _stopped(note))


def _wrapped(title: str | None, text: str) -> Iterable[str]:
    """The text in lines that a terminal need not break, beside its title; None: from the margin."""
    return textwrap.wrap(
        legible(text),
        _COLUMNS,
        initial_indent="" if title is None else f"{title:<{_WIDTH}}",
        subsequent_indent=" " * _WIDTH,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _stopped(sentence: object) -> str:
    text = str(sentence or "")
    return text if text.endswith((".", "!", "?", ":")) or not text else f"{text}."
