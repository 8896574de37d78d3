"""Asks for views of the status page without a browser, and reads their HTML as one would."""

from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

from tests.web.asked import Asked, Scripted
from tests.web.night import night

VIEWS = ("/", "/pods/lobby/lobby-40", "/pods/no/such", "/pools", "/pools?key=game-ips", "/clusters", "/controller")
EVIL = "<img src=x onerror=\"document.title='owned'\">'&\u202etxt\u2028\x1b[31m\x7f\u3164\U000e0041"
VOID = {"meta", "link", "input", "wbr", "br", "hr", "img"}


class Document(Scripted):
    """A source whose status is a document as it is, as a leader's that was fetched."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__()
        self.document = status

    def status(self) -> dict[str, Any]:
        """The document."""
        self.looks += 1
        return self.document


class Html(HTMLParser):
    """What a browser makes of it: each element with its attributes, the text, and whether all that opens is closed."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(body.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element."""
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Its end."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        self.text += data

    def links(self) -> dict[str, str]:
        """The links, by themselves: what they point at, seen from the root."""
        return {href: href for tag, attrs in self.elements if tag == "a" and (href := attrs.get("href"))}

    def rows(self) -> list[str]:
        """The keys of the rows of Pods."""
        keys = [attrs.get("data-key") or "" for tag, attrs in self.elements if tag == "tr"]
        return [key for key in keys if key and not key.endswith(" why")]


def get(path: str, status: Mapping[str, Any] | None = None, **more: Any) -> Asked:
    """The answer to a path with its query."""
    route, _, query = path.partition("?")
    return Asked(route, Document(dict(night(300) if status is None else status)), query=query, **more)


def page(path: str, status: Mapping[str, Any] | None = None) -> Html:
    """The view of a path."""
    return Html(get(path, status).body)
