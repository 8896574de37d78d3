"""What `status` prints: the status document of one replica, for a person at a terminal or as it is for a script."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.core.contract import legible
from controller.surface.fetch import fetch
from controller.surface.output import Form, render

_PATH = "/api/v1/status"
_POD_COLUMNS = ("namespace", "name", "mode", "phase", "public_ip", "private_ip", "since", "error")
_LATER_COLUMNS = ("node", "attempts", "next_try")
_POOL_COLUMNS = ("tag_key", "total", "free", "waiting")


def status(url: str, *, timeout_s: float, form: Form) -> str:
    """The replica's status as text; raises Unavailable without an answer in time, or where that is no status."""
    _, document = fetch(url, _PATH, timeout_s)
    return render(document, form, _lines)


def _lines(document: Mapping[str, Any]) -> Iterable[str]:
    leader = document.get("leader") or {}
    yield f"cluster   {_cell(document.get('cluster'))}"
    yield f"replica   {_cell(document.get('identity'))} (version {_cell(document.get('version'))})"
    mine = ", this replica" if leader.get("is_me") else ""
    yield f"leader    {_cell(leader.get('identity'))} (epoch {_cell(leader.get('epoch'))}{mine})"
    if policy := document.get("policy"):
        rules = f"default {_cell(policy.get('default'))}, rules {_cell(policy.get('rules'))}"
        yield f"policy    {rules}, limits {_cell(policy.get('limits'))} (since {_cell(policy.get('since'))})"
        if policy.get("error"):
            yield f"          as before, for {_cell(policy['error'])}"
    if quota := document.get("quota"):
        said = f"{_cell(quota.get('used'))} of {_cell(quota.get('allowed'))} addresses used"
        yield f"quota     {said}, {_cell(quota.get('kept'))} kept for others"
        if quota.get("trouble"):
            yield f"          not read at the last try, for {_cell(quota['trouble'])}"
    for text in document.get("left_alone") or []:
        yield f"left      {_cell(text)}"
    for row in document.get("replicas") or []:
        part = "leads" if row.get("leads") else "stands by"
        state = "ready" if row.get("ready") else "not ready"
        where = f"{_cell(row.get('restarts'))} restarts, on {_cell(row.get('node'))}"
        yield f"pod       {_cell(row.get('identity'))} {part}, {state}, {where}"
    if note := (document.get("answered_by") or {}).get("note"):
        yield f"note      {_cell(note)}"
    for title, columns in (("pods", _pod_columns(document)), ("pools", _POOL_COLUMNS)):
        if rows := document.get(title) or []:
            yield ""
            yield from _table(columns, rows)


def _pod_columns(document: Mapping[str, Any]) -> Sequence[str]:
    """The columns of Pods; of those that earlier releases did not have, the ones that say something."""
    rows = document.get("pods") or []
    return (*_POD_COLUMNS, *(column for column in _LATER_COLUMNS if any(row.get(column) for row in rows)))


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    cells = [[c.upper() for c in columns], *([_cell(row.get(c)) for c in columns] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(value: object) -> str:
    """One printable line: text from Pods must not control the terminal."""
    return "-" if value is None or value == "" else legible(str(value))
