"""The two patch formats of the IETF that the API reads: merge patch (RFC 7386) and JSON patch (RFC 6902).

Both return a new document and leave the old one as it is. PatchError says why a patch cannot be applied.
"""

import copy
from typing import Any


class PatchError(Exception):
    """The patch is well formed and cannot be applied to this document."""


def merge(target: Any, patch: Any) -> Any:
    """Apply a merge patch: maps are merged, null deletes, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def json_patch(document: Any, operations: list[dict[str, Any]]) -> Any:
    """Apply a JSON patch, all of it or nothing; PatchError on a missing path or a failed test."""
    changed = copy.deepcopy(document)
    for operation in operations:
        changed = _apply(changed, operation)
    return changed


def _apply(document: Any, operation: dict[str, Any]) -> Any:
    kind, path = operation.get("op"), _pointer(operation.get("path"))
    match kind:
        case "add" | "replace" | "test":
            return _with_value(document, kind, path, copy.deepcopy(operation.get("value")))
        case "remove":
            _take(document, path)
        case "move":
            return _put(document, path, _take(document, _pointer(operation.get("from"))))
        case "copy":
            return _put(document, path, copy.deepcopy(_get(document, _pointer(operation.get("from")))))
        case _:
            raise PatchError(f"unexpected operation {kind!r}")
    return document


def _with_value(document: Any, kind: str, path: list[str], value: Any) -> Any:
    if kind == "test":
        if _get_or_none(document, path) != value:
            raise PatchError(f"testing value /{'/'.join(path)} failed")
        return document
    if kind == "replace":
        _get(document, path)
        return _replace(document, path, value)
    return _put(document, path, value)


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise PatchError(f"not a JSON pointer: {text!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _index(items: list[Any], part: str, *, end: bool = False) -> int:
    if end and part == "-":
        return len(items)
    if not part.isdigit() or int(part) >= len(items) + end:
        raise PatchError(f"no index {part} in a list of {len(items)}")
    return int(part)


def _get(document: Any, path: list[str]) -> Any:
    for part in path:
        if isinstance(document, list):
            document = document[_index(document, part)]
        elif isinstance(document, dict) and part in document:
            document = document[part]
        else:
            raise PatchError(f"missing path: {part}")
    return document


def _get_or_none(document: Any, path: list[str]) -> Any:
    try:
        return _get(document, path)
    except PatchError:
        return None


def _put(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _get(document, path[:-1]), path[-1]
    if isinstance(parent, list):
        parent.insert(_index(parent, last, end=True), value)
    elif isinstance(parent, dict):
        parent[last] = value
    else:
        raise PatchError(f"missing path: {last}")
    return document


def _replace(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, last = _get(document, path[:-1]), path[-1]
    parent[_index(parent, last) if isinstance(parent, list) else last] = value
    return document


def _take(document: Any, path: list[str]) -> Any:
    taken = _get(document, path)
    if not path:
        raise PatchError("the whole document cannot be removed")
    parent, last = _get(document, path[:-1]), path[-1]
    del parent[_index(parent, last) if isinstance(parent, list) else last]
    return taken
