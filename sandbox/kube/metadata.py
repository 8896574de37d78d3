"""What the server itself writes into an object's metadata, and keeps from being changed by anybody else.

Follows apimachinery's ObjectMeta and apiserver's rest.BeforeCreate and rest.BeforeUpdate. Empty maps and lists
are left out, as Go's `omitempty` leaves them out: a JSON patch that adds to a missing map fails here too.
"""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.kube.resources import Json

_OMITTED_IF_EMPTY = ("labels", "annotations", "finalizers", "ownerReferences", "managedFields", "generateName")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"


def rfc3339(moment: datetime) -> str:
    """A time as `metav1.Time` prints it: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def now(after_seconds: float = 0.0) -> str:
    """The wall clock, `after_seconds` from now, as `metav1.Time`."""
    return rfc3339(datetime.now(UTC) + timedelta(seconds=after_seconds))


def parse_time(text: str) -> datetime:
    """Read a `metav1.Time`; ValueError if it is none."""
    return datetime.fromisoformat(text)


def without_nulls(value: Any) -> Any:
    """The value without the keys whose value is null; typed decoding drops them too."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value


def tidy(body: Json) -> Json:
    """The body as the server would print it: no nulls, no empty metadata maps."""
    clean: Json = without_nulls(body)
    meta = clean.setdefault("metadata", {})
    for key in _OMITTED_IF_EMPTY:
        if key in meta and not meta[key]:
            del meta[key]
    return clean


def generate_name(prefix: str) -> str:
    """A name from `generateName`: the prefix cut to 58 characters, and five random ones."""
    return prefix[:58] + "".join(random.choices(_SUFFIX, k=5))


def stamp_created(meta: Json, namespace: str) -> None:
    """Give new metadata its UID, its time and its namespace; what the client wrote there is dropped."""
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "resourceVersion", "selfLink"):
        meta.pop(key, None)
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = now()
    if namespace:
        meta["namespace"] = namespace


def keep_system_fields(new: Json, old: Json) -> None:
    """Undo an update's changes to what only the server sets; the UID is filled in where it is missing."""
    new.setdefault("uid", old["uid"])
    if not new["uid"]:
        new["uid"] = old["uid"]
    new.pop("generation", None)
    new |= {key: old[key] for key in ("creationTimestamp", "deletionTimestamp", "generation") if key in old}
    if "deletionGracePeriodSeconds" in old:
        new.setdefault("deletionGracePeriodSeconds", old["deletionGracePeriodSeconds"])
