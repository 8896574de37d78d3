"""What a request asks of the page, read from its path and query. Anything may stand there: nothing is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

LONGEST_QUERY = 4096
MOST_FIELDS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """A path without its first slash, and the query's fields, the first of each name."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)

    def text(self, name: str, longest: int = 300) -> str:
        """A field's value; empty where there is none."""
        return self.query.get(name, "").strip()[:longest]

    def page(self) -> int:
        """The number of the page, from 1."""
        said = self.text("page", 6)
        return max(1, int(said)) if said.isascii() and said.isdigit() else 1


def asked(environ: Mapping[str, Any]) -> Asked:
    """The request of a WSGI environment, whose path is text in Latin-1 that stands for bytes (PEP 3333)."""
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    return Asked(path.removeprefix("/"), fields(environ.get("QUERY_STRING", "")))


def fields(query: str) -> dict[str, str]:
    """The fields of a query; of one that has too many, none."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(query[:LONGEST_QUERY], errors="replace", max_num_fields=MOST_FIELDS)
    except ValueError:
        return found
    for name, value in pairs:
        found.setdefault(name, value)
    return found
