"""`/api/v1/pods/NAMESPACE/NAME`: why one Pod has its address, or has none; made from caches, it changes nothing."""

import json
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from controller.core.explain import Verdict

PATH = "/api/v1/pods/"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)

Explain = Callable[[str, str], Mapping[str, Any] | None]


def pod_of_path(path: str) -> tuple[str, str] | None:
    """Namespace and name; None where the path names no Pod that there can be."""
    words = path.removeprefix(PATH).split("/") if path.startswith(PATH) else []
    return (words[0], words[1]) if len(words) == 2 and all(_NAME.fullmatch(word) for word in words) else None


def answer(explain: Explain, pod: tuple[str, str]) -> tuple[HTTPStatus, bytes]:
    """The status and the JSON body: 404 where nobody of this name is known, 503 while the replica is starting."""
    found = explain(*pod)
    if found is None:
        return HTTPStatus.SERVICE_UNAVAILABLE, b'{"summary":"starting"}'
    missing = found["verdict"] == Verdict.UNKNOWN and not found["uid"]
    return HTTPStatus.NOT_FOUND if missing else HTTPStatus.OK, json.dumps(found, separators=(",", ":")).encode()
