"""What `status` prints: the status document of one replica, for a person at a terminal or as it is for a script."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import urllib3

from controller.core.contract import legible
from controller.core.values import Endpoint
from state.errors import Unavailable

_PATH = "/api/v1/status"
_POD_COLUMNS = ("namespace", "name", "mode", "phase", "public_ip", "private_ip", "since", "error")
_REFUSED = {
    421: "It takes no names that a stranger can own: use its IP address, localhost, or SERVICE.NAMESPACE.svc",
    503: "It is asked too much at the moment: try again",
}
_POOL_COLUMNS = ("tag_key", "total", "free", "waiting")


def url_of(listen: Endpoint) -> str:
    """The URL at which a replica that listens there is reached from its own machine."""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    return f"http://{Endpoint(host=host, port=listen.port)}"


def status(url: str, *, timeout_s: float, as_json: bool) -> str:
    """The replica's status as text; raises Unavailable without an answer in time, or where that is no status."""
    document = _fetch(url.rstrip("/"), timeout_s)
    # JSON escapes all that is not ASCII, and of ASCII all controls but one.
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f") if as_json else "\n".join(_lines(document))


def _fetch(url: str, timeout_s: float) -> Mapping[str, Any]:
    address = url if url.endswith(_PATH) else url + _PATH
    advice = "Is the controller running there? --url and --listen name another place"
    try:
        limit = urllib3.Timeout(total=timeout_s)
        answer = urllib3.request("GET", address, headers={"Accept-Encoding": "gzip"}, timeout=limit, retries=False)
        document = json.loads(answer.data) if answer.status == 200 else None
    except (urllib3.exceptions.HTTPError, ValueError) as fault:
        raise Unavailable(f"{address}: {fault}", code="NoStatus", advice=advice) from fault
    if not isinstance(document, dict):
        advice = _REFUSED.get(answer.status, advice)
        raise Unavailable(f"{address} answered {answer.status}", code="NoStatus", advice=advice)
    return document


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
    for title, columns in (("pods", _POD_COLUMNS), ("pools", _POOL_COLUMNS)):
        if rows := document.get(title) or []:
            yield ""
            yield from _table(columns, rows)


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    cells = [[c.upper() for c in columns], *([_cell(row.get(c)) for c in columns] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(value: object) -> str:
    """One printable line: text from Pods must not control the terminal."""
    return "-" if value is None or value == "" else legible(str(value))
