"""What was asked of an API server, by its own audit log: evidence from outside of how a client behaves."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that was answered; a watch counts when its answer begins. `code` is the HTTP status."""

    verb: str
    path: str
    query: dict[str, str]
    code: int


def read_log(path: Path) -> list[Request]:
    """The requests in their order; none where nothing has been logged yet."""
    return list(_requests(path.read_text().splitlines())) if path.exists() else []


def _requests(lines: list[str]) -> Iterator[Request]:
    for line in lines:
        try:
            event = json.loads(line)
        except json.JSONDecodeError:  # the last line, half written
            return
        if event["stage"] == ("ResponseStarted" if event["verb"] == "watch" else "ResponseComplete"):
            yield _request(event)


def _request(event: dict[str, Any]) -> Request:
    url = urlsplit(event["requestURI"])
    query = {key: values[0] for key, values in parse_qs(url.query).items()}
    code = event.get("responseStatus", {}).get("code", 0)
    return Request(verb=event["verb"], path=url.path, query=query, code=code)
