"""Documents that are expensive and asked for often: each is made at most once a second, and the same for all clients.

With thousands of Pods a status takes tens of milliseconds, in which the loop and the probes have to wait for Python's
lock. Here one thread makes it and others wait for that one, so many requests cost no more than one.
"""

import gzip
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KEPT_S = 1.0
WAIT_S = 2.0
_FAST = 1
_NO_GZIP = re.compile(r";\s*q=0(\.0*)?\s*$")
_PASSING = {"clusters": "silent_s", "pools": "longest_wait_s", "replicas": "seen_s"}

Form = Callable[[dict[str, Any]], "Document"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A body, plain and compressed. The ETag is weak, because it is the same for both."""

    body: bytes
    packed: bytes
    content_type: str
    etag: str

    def is_known(self, tags: str) -> bool:
        """Whether an If-None-Match header has its ETag (RFC 9110, 13.1.2: the weak comparison)."""
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or self.etag.removeprefix("W/") in known


class Documents:
    """The status in several forms, made from at most one snapshot a second. Thread-safe."""

    def __init__(
        self, look: Callable[[], dict[str, Any]], forms: Mapping[str, Form], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look, self.forms, self._clock = look, forms, clock
        self._lock = threading.Lock()
        self._seen: dict[str, Any] | None = None
        self._fresh: set[str] = set()
        self._old_at = float("-inf")
        self._made: dict[str, Document] = {}

    def get(self, form: str) -> Document | None:
        """The document, at most as old as a second and the time to make it. If another thread takes longer than
        `WAIT_S` to make it: the previous one, or None if there is none.
        """
        if not self._lock.acquire(timeout=WAIT_S):
            return self._made.get(form)
        try:
            seen = self._fresh_look()
            if form not in self._fresh:
                self._made[form] = self.forms[form](seen)
                self._fresh.add(form)
            return self._made[form]
        finally:
            self._lock.release()

    def look(self) -> dict[str, Any] | None:
        """The status itself, under the same terms. It is the same object until it is looked anew."""
        if not self._lock.acquire(timeout=WAIT_S):
            return self._seen
        try:
            return self._fresh_look()
        finally:
            self._lock.release()

    def _fresh_look(self) -> dict[str, Any]:
        """The status of this second; with the lock held."""
        if self._seen is None or self._clock() >= self._old_at:
            self._seen = self._look()
            self._fresh.clear()
            self._old_at = self._clock() + KEPT_S
        return self._seen


def document(body: bytes, content_type: str, meaning: bytes | None = None) -> Document:
    """A document. Its ETag is the same for the same `meaning`; without one, for the same body."""
    digest = hashlib.sha256(body if meaning is None else meaning).hexdigest()[:32]
    packed = gzip.compress(body, _FAST, mtime=0)
    return Document(body=body, packed=packed, content_type=content_type, etag=f'W/"{digest}"')


def status_document(status: Mapping[str, Any]) -> Document:
    """The status as JSON. Its ETag does not change with fields that only show how time passes."""
    parts = {key: _json(value) for key, value in status.items()}
    body = "{" + ",".join(f"{_json(key)}:{part}" for key, part in parts.items()) + "}"
    lasting = parts | {key: _json(_without(status.get(key) or [], passing)) for key, passing in _PASSING.items()}
    lasting["answered_by"] = _json({**status["answered_by"], "age_s": None})
    meaning = "".join(part for key, part in lasting.items() if key not in ("as_of", "waits"))
    return document(body.encode(), "application/json", meaning.encode())


def takes_gzip(encodings: str) -> bool:
    """Whether an Accept-Encoding header accepts gzip."""
    named = [part.strip() for part in encodings.lower().split(",")]
    return any(part.partition(";")[0].strip() == "gzip" and not _NO_GZIP.search(part) for part in named)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _without(rows: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    return [{**row, key: None} for row in rows]
