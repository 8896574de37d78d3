"""Which objects are refused: names, labels, annotations and the few fields that clients of this API write.

Rules are those of apimachinery (pkg/api/validation, pkg/util/validation) and of kubernetes/pkg/apis. What is of
the wrong JSON type is a 400, as in the API server's decoder; what is well typed and wrong is a 422 that lists
every fault.
"""

import re
from collections.abc import Iterator
from typing import Any

from sandbox.kube.resources import EVENTS, LEASES, NAMESPACES, PODS, Json, Resource
from sandbox.kube.status import FieldFault, bad_request

ANNOTATIONS_LIMIT = 256 * 1024
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)")

_NAME_RULE = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
_LABEL_RULE = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
_KEY_RULE = "name part must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS prefix and '/'"
_VALUE_RULE = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"


def _quote(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def wrong(field: str, value: Any, why: str) -> FieldFault:
    """A value that breaks a rule."""
    return FieldFault(field=field, message=f"Invalid value: {_quote(value)}: {why}")


def missing(field: str, why: str = "") -> FieldFault:
    """A required field that is not there."""
    return FieldFault(field=field, message="Required value" + (f": {why}" if why else ""), reason="FieldValueRequired")


def not_allowed(field: str, why: str) -> FieldFault:
    """A field that may not be as it is."""
    return FieldFault(field=field, message=f"Forbidden: {why}", reason="FieldValueForbidden")


def is_qualified_name(key: str) -> bool:
    """Whether a label or annotation key is legal: an optional DNS prefix and `/`, then at most 63 characters."""
    prefix, slash, name = key.rpartition("/")
    if slash and not (_SUBDOMAIN.fullmatch(prefix) and len(prefix) <= 253):
        return False
    return len(name) <= 63 and bool(_QUALIFIED.fullmatch(name))


def is_label_value(value: str) -> bool:
    """Whether a label value is legal: empty, or at most 63 characters that start and end alphanumeric."""
    return not value or (len(value) <= 63 and bool(_QUALIFIED.fullmatch(value)))


def check_types(resource: Resource, body: Any) -> None:
    """Raise a 400 where the body could not be decoded into the kind's Go type."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata", {}), dict):
        raise bad_request(f"the object provided is not a {resource.kind}")
    kind, version = body.get("kind", resource.kind), body.get("apiVersion", resource.api_version)
    if (kind, version) != (resource.kind, resource.api_version):
        raise bad_request(f"{kind} in version {version!r} cannot be handled as a {resource.kind}")
    for problem in _type_problems(resource, body):
        raise bad_request(f'{resource.kind} in version "{resource.version}" cannot be handled: {problem}')


def _type_problems(resource: Resource, body: Json) -> Iterator[str]:
    meta = body.get("metadata", {})
    for field in ("labels", "annotations"):
        yield from _not_strings(field, meta.get(field) or {})
    for field in ("name", "namespace", "uid", "resourceVersion", "generateName"):
        if not isinstance(meta.get(field, ""), str):
            yield f"metadata.{field} must be a string"
    for field in ("spec", "status", "involvedObject"):
        if not isinstance(body.get(field, {}), dict):
            yield f"{field} must be an object"
    if resource is LEASES:
        yield from _micro_times(body.get("spec", {}), ("renewTime", "acquireTime"))
    if resource is EVENTS:
        yield from _micro_times(body, ("eventTime",))


def _not_strings(field: str, mapping: Any) -> Iterator[str]:
    if not isinstance(mapping, dict):
        yield f"metadata.{field} must be an object"
    elif bad := [key for key, value in mapping.items() if not isinstance(value, str)]:
        yield f"metadata.{field}.{bad[0]} must be a string"


def _micro_times(part: Json, fields: tuple[str, ...]) -> Iterator[str]:
    for field in fields:
        text = part.get(field)
        if text is not None and not _MICRO_TIME.fullmatch(str(text)):
            yield f'parsing time "{text}" as "2006-01-02T15:04:05.000000Z07:00" ({field})'


def metadata_faults(resource: Resource, meta: Json) -> Iterator[FieldFault]:
    """What is wrong with an object's metadata, whatever its kind."""
    yield from _name_faults(resource, meta.get("name", ""))
    for key, value in meta.get("labels", {}).items():
        if not is_qualified_name(key):
            yield wrong("metadata.labels", key, _KEY_RULE)
        if not is_label_value(value):
            too_long = len(value) > 63
            yield wrong("metadata.labels", value, "must be no more than 63 characters" if too_long else _VALUE_RULE)
    yield from _annotation_faults(meta.get("annotations", {}))
    for index, owner in enumerate(meta.get("ownerReferences", [])):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield missing(f"metadata.ownerReferences[{index}].{field}", "must not be empty")
    for name in meta.get("finalizers", []):
        if not is_qualified_name(name):
            yield wrong("metadata.finalizers", name, _KEY_RULE)


def _name_faults(resource: Resource, name: str) -> Iterator[FieldFault]:
    rule, text, limit = (_LABEL, _LABEL_RULE, 63) if resource is NAMESPACES else (_SUBDOMAIN, _NAME_RULE, 253)
    if not name:
        yield missing("metadata.name", "name or generateName is required")
    elif len(name) > limit:
        yield wrong("metadata.name", name, f"must be no more than {limit} characters")
    elif not rule.fullmatch(name):
        yield wrong("metadata.name", name, text)


def _annotation_faults(annotations: dict[str, str]) -> Iterator[FieldFault]:
    for key in annotations:
        if not is_qualified_name(key.lower()):
            yield wrong("metadata.annotations", key, _KEY_RULE)
    size = sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        why = f"Too long: may not be more than {ANNOTATIONS_LIMIT} bytes"
        yield FieldFault(field="metadata.annotations", message=why, reason="FieldValueTooLong")


def update_faults(new: Json, old: Json) -> Iterator[FieldFault]:
    """What an update of metadata may not do: change identity, or add finalizers to what is being deleted."""
    for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if new.get(field) != old.get(field):
            yield wrong(f"metadata.{field}", new.get(field), "field is immutable")
    added = sorted(set(new.get("finalizers", [])) - set(old.get("finalizers", [])))
    if "deletionTimestamp" in old and added:
        yield not_allowed("metadata.finalizers", f"no new finalizers while the object is being deleted: {added}")


def spec_faults(resource: Resource, body: Json, namespace: str) -> Iterator[FieldFault]:
    """What is wrong with the kind's own fields."""
    if resource is PODS:
        yield from _pod_faults(body.get("spec", {}))
    elif resource is LEASES:
        yield from _lease_faults(body.get("spec", {}))
    elif resource is EVENTS:
        about = body.get("involvedObject", {}).get("namespace", "")
        if about != namespace and not (about == "" and namespace == "default"):
            yield wrong("involvedObject.namespace", about, "does not match event.namespace")


def _pod_faults(spec: Json) -> Iterator[FieldFault]:
    if not spec.get("containers"):
        yield missing("spec.containers")
    for index, container in enumerate(spec.get("containers", [])):
        for field in ("name", "image"):
            if not container.get(field):
                yield missing(f"spec.containers[{index}].{field}")


def _lease_faults(spec: Json) -> Iterator[FieldFault]:
    seconds, transitions = spec.get("leaseDurationSeconds"), spec.get("leaseTransitions")
    if seconds is not None and seconds <= 0:
        yield wrong("spec.leaseDurationSeconds", seconds, "must be greater than 0")
    if transitions is not None and transitions < 0:
        yield wrong("spec.leaseTransitions", transitions, "must be greater than or equal to 0")
