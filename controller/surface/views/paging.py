"""Cuts what may have thousands of rows into pages, so that no view grows with the cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from controller.surface.views.asked import Asked
from controller.surface.views.links import Links

ROWS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of `found` rows: `first` and `last` count from 1. `before` and `after` link to its neighbours."""

    rows: Sequence[Any]
    first: int
    last: int
    found: int
    number: int
    pages: int
    before: str | None
    after: str | None

    def with_rows(self, rows: Sequence[Any]) -> "Page":
        """The same page, its rows as they are shown."""
        return replace(self, rows=rows)


def cut(rows: Sequence[Any], asked: Asked, links: Links, path: str, kept: Mapping[str, str]) -> Page:
    """The page that was asked for; past the last one, the last. `kept` are the fields that its links repeat."""
    pages = max(1, -(-len(rows) // ROWS))
    number = min(asked.page(), pages)
    first = (number - 1) * ROWS
    shown = rows[first : first + ROWS]
    return Page(
        rows=shown,
        first=first + 1 if shown else 0,
        last=first + len(shown),
        found=len(rows),
        number=number,
        pages=pages,
        before=links.to(path, {**kept, "page": str(number - 1)}) if number > 1 else None,
        after=links.to(path, {**kept, "page": str(number + 1)}) if number < pages else None,
    )
