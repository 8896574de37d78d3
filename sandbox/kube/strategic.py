"""Strategic merge patch, the format of `kubectl apply`, `kubectl label` and the kubelet.

Like a merge patch, but lists that have a merge key in the Go types (`patchMergeKey` in k8s.io/api) are merged
item by item, and directives (`$patch`, `$retainKeys`, `$deleteFromPrimitiveList/...`) say what else to do.
`$setElementOrder/...` is read and sets the order of merged items.
"""

import copy
from typing import Any

from sandbox.kube.patches import PatchError
from sandbox.kube.resources import Json

_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"
_CONTAINER = {"env": "name", "ports": "containerPort", "volumeMounts": "mountPath", "volumeDevices": "devicePath"}
_MERGE_KEYS = {
    "metadata.ownerReferences": "uid",
    "spec.volumes": "name",
    "spec.imagePullSecrets": "name",
    "spec.hostAliases": "ip",
    "spec.topologySpreadConstraints": "topologyKey",
    "spec.schedulingGates": "name",
    "status.conditions": "type",
    "status.podIPs": "ip",
    "status.hostIPs": "ip",
    "status.addresses": "type",
} | {
    f"spec.{kind}{path}": key
    for kind in ("containers", "initContainers", "ephemeralContainers")
    for path, key in {"": "name", **{f".{field}": key for field, key in _CONTAINER.items()}}.items()
}
_PRIMITIVE_SETS = ("metadata.finalizers", "spec.podCIDRs")


def strategic_merge(target: Json, patch: Json, path: str = "") -> Json:
    """Apply the patch and return the new object; PatchError where a list item lacks its merge key."""
    if patch.get("$patch") == "replace":
        return _plain(patch)
    if patch.get("$patch") == "delete":
        return {}
    merged = dict(target)
    for key, value in patch.items():
        if not key.startswith("$"):
            _merge_field(merged, key, value, f"{path}.{key}" if path else key)
    _obey_directives(merged, patch, path)
    return merged


def _merge_field(merged: Json, key: str, value: Any, path: str) -> None:
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, dict):
        old = merged.get(key)
        merged[key] = strategic_merge(old if isinstance(old, dict) else {}, value, path)
    elif isinstance(value, list):
        merged[key] = _merge_list(merged.get(key) or [], value, path)
    else:
        merged[key] = value


def _merge_list(old: list[Any], patch: list[Any], path: str) -> list[Any]:
    if path in _PRIMITIVE_SETS:
        return [item for item in patch if item not in old] + old
    merge_key = _MERGE_KEYS.get(path)
    if merge_key is None:
        return copy.deepcopy(patch)
    if {"$patch": "replace"} in patch:
        return [_plain(item) for item in patch if item != {"$patch": "replace"}]
    return _merge_items(old, patch, merge_key, path)


def _merge_items(old: list[Json], patch: list[Json], merge_key: str, path: str) -> list[Json]:
    """Patched items stay where they are; new ones come before them, as the API server puts them."""
    items = {item[merge_key]: item for item in old}
    for item in patch:
        if merge_key not in item:
            raise PatchError(f"map: {item} does not contain declared merge key: {merge_key}")
        name = item[merge_key]
        if item.get("$patch") == "delete":
            items.pop(name, None)
        else:
            items[name] = strategic_merge(items.get(name, {}), item, path)
    known = {item[merge_key] for item in old}
    return sorted(items.values(), key=lambda item: item[merge_key] in known)


def _obey_directives(merged: Json, patch: Json, path: str) -> None:
    for directive, value in patch.items():
        if directive == "$retainKeys":
            for key in set(merged) - set(value):
                del merged[key]
        elif directive.startswith(_DELETE):
            _keep(merged, directive.removeprefix(_DELETE), value)
        elif directive.startswith(_ORDER):
            field = directive.removeprefix(_ORDER)
            _sort(merged, field, value, _MERGE_KEYS.get(f"{path}.{field}" if path else field))


def _keep(merged: Json, field: str, deleted: list[Any]) -> None:
    merged[field] = [item for item in merged.get(field, []) if item not in deleted]


def _sort(merged: Json, field: str, order: list[Any], merge_key: str | None) -> None:
    """Items that the order names come first, in that order; others keep theirs."""
    names = [item[merge_key] if merge_key and isinstance(item, dict) else item for item in order]
    rank = {name: index for index, name in enumerate(names)}
    if field in merged:
        merged[field] = sorted(merged[field], key=lambda i: rank.get(i[merge_key] if merge_key else i, len(rank)))


def _plain(patch: Json) -> Json:
    return {k: copy.deepcopy(v) for k, v in patch.items() if not k.startswith("$") and v is not None}
