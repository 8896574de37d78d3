"""Asks a replica over HTTP, once and in time, and says what to do where it does not answer."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import urllib3

from controller.core.values import Endpoint
from state.errors import Unavailable

_NOBODY = "Is the controller running there? --url and --listen name another place"
_REFUSED = {
    421: "It takes no names that a stranger can own: use its IP address, localhost, or SERVICE.NAMESPACE.svc",
    503: "It is asked too much at the moment, or is still starting: try again",
}


def url_of(listen: Endpoint) -> str:
    """The URL at which a replica that listens there is reached from its own machine."""
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    return f"http://{Endpoint(host=host, port=listen.port)}"


def fetch(url: str, path: str, timeout_s: float, also: Collection[int] = ()) -> tuple[int, Mapping[str, Any]]:
    """The status code and the JSON object at this path; raises Unavailable where there is none in time.

    also: further status codes than 200 under which an object is an answer.
    """
    if not url.startswith(("http://", "https://")):
        raise Unavailable(f"{url} is no URL", code="NoStatus", advice="It begins with http:// or https://")
    base = url.rstrip("/")
    address = base if base.endswith(path) else base + path
    try:
        limit = urllib3.Timeout(total=timeout_s)
        answer = urllib3.request("GET", address, headers={"Accept-Encoding": "gzip"}, timeout=limit, retries=False)
        document = json.loads(answer.data) if answer.status in (200, *also) else None
    except (urllib3.exceptions.HTTPError, ValueError) as fault:
        raise Unavailable(f"{address}: {fault}", code="NoStatus", advice=_NOBODY) from fault
    if not isinstance(document, dict):
        advice = _REFUSED.get(answer.status, _NOBODY)
        raise Unavailable(f"{address} answered {answer.status}", code="NoStatus", advice=advice)
    return answer.status, document
