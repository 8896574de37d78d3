"""Lists in pages, each page of one list as of the version of its first, as etcd serves them.

A continue token names a version and a key. Once that version is compacted the answer is 410 with a fresh token
that goes on at the newest version, inconsistently, which is what the API server offers too
(apiserver/pkg/storage/continue.go and etcd3/errors.go).
"""

import base64
import binascii
from dataclasses import dataclass

import msgspec

from sandbox.kube.resources import Json
from sandbox.kube.selectors import Selection
from sandbox.kube.status import FieldFault, RefusedError, bad_request, expired, failure, invalid
from sandbox.kube.store import CompactedError, Store, Stored
from sandbox.kube.target import Target

_INCONSISTENT = -1
_GONE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter, or use the continue token of this answer for an inconsistent rest of it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """What a list asks for; `limit` 0 is everything."""

    selection: Selection
    limit: int = 0
    token: str = ""
    version: str = ""
    match: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page; `remaining` is known only where nothing was selected away."""

    version: int
    items: list[Stored]
    token: str = ""
    remaining: int | None = None

    @property
    def metadata(self) -> Json:
        """The list's own metadata."""
        more = {"continue": self.token} if self.token else {}
        left = {} if self.remaining is None else {"remainingItemCount": self.remaining}
        return {"resourceVersion": str(self.version), **more, **left}


class _Token(msgspec.Struct):
    v: str
    rv: int
    start: str


def list_page(store: Store, target: Target, query: ListQuery) -> Page:
    """The page that the query asks for; 410 where its version is gone, 504 where it is not there yet."""
    check_options(query)
    at, start = _starting_point(store, query)
    try:
        version, found = store.contents(target.resource, target.prefix, at)
    except CompactedError as error:
        raise _expired(query, start, error) from error
    chosen = [s for s in found if s.key >= start and query.selection(s.body)]
    limit = 0 if query.version == "0" else query.limit
    return _cut(version, chosen, limit, everything=query.selection.everything)


def check_options(query: ListQuery) -> None:
    """Raise a 422 on a resourceVersionMatch that contradicts the rest."""
    if not query.match:
        return
    why = ""
    if query.match not in ("Exact", "NotOlderThan"):
        why = "supported values: Exact, NotOlderThan"
    elif not query.version:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif query.token:
        why = "resourceVersionMatch is forbidden when continue is provided"
    elif query.match == "Exact" and query.version == "0":
        why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if why:
        fault = FieldFault(field="resourceVersionMatch", message=f"Forbidden: {why}", reason="FieldValueForbidden")
        raise invalid("meta.k8s.io", "ListOptions", "", [fault])


def parse_version(text: str) -> int:
    """A resourceVersion as a number; 400 where it is none."""
    if not text.isdigit():
        raise bad_request(f"invalid resource version: {text!r}")
    return int(text)


def _starting_point(store: Store, query: ListQuery) -> tuple[int | None, str]:
    """The version to list at, None for the newest, and the first key."""
    if query.token:
        if query.version not in ("", "0"):
            raise bad_request("specifying resource version is not allowed when using continue")
        token = _decode(query.token)
        return (None if token.rv == _INCONSISTENT else token.rv), token.start
    version = parse_version(query.version or "0")
    if version > store.version:
        raise _too_large(version, store.version)
    return (version if query.match == "Exact" else None), ""


def _cut(version: int, chosen: list[Stored], limit: int, *, everything: bool) -> Page:
    if limit <= 0 or len(chosen) <= limit:
        return Page(version=version, items=chosen)
    token = _encode(version, chosen[limit - 1].key + "\0")
    left = len(chosen) - limit if everything else None
    return Page(version=version, items=chosen[:limit], token=token, remaining=left)


def _encode(version: int, start: str) -> str:
    raw = msgspec.json.encode(_Token("meta.k8s.io/v1", version, start))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _decode(text: str) -> _Token:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return msgspec.json.decode(raw, type=_Token)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise bad_request(f"continue key is not valid: {error}") from error


def _expired(query: ListQuery, start: str, error: CompactedError) -> RefusedError:
    if not query.token:
        return expired(str(error))
    refusal = expired(_GONE)
    refusal.status["metadata"] = {"continue": _encode(_INCONSISTENT, start)}
    return refusal


def _too_large(asked: int, current: int) -> RefusedError:
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return failure(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})
