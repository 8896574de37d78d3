"""How an object dies: at once, after a grace that its kubelet ends, or when its finalizers are gone.

Follows apiserver's rest.BeforeDelete and the Pod's CheckGracefulDelete: only Pods have a grace; one that was
never scheduled, or has ended, has none; a second DELETE can only shorten it.
"""

from dataclasses import dataclass
from datetime import timedelta

from sandbox.kube.metadata import now, parse_time, rfc3339
from sandbox.kube.resources import PODS, Json, Resource
from sandbox.kube.status import conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """What a DELETE may say; `grace` in seconds, None for the object's own."""

    grace: int | None = None
    uid: str = ""
    version: str = ""


def check_preconditions(resource: Resource, body: Json, options: DeleteOptions) -> None:
    """Raise a 409 where the object is not the one that was meant."""
    meta = body["metadata"]
    for field, wanted in (("uid", options.uid), ("resourceVersion", options.version)):
        if wanted and wanted != meta[field]:
            why = f"the {field} in the precondition ({wanted}) does not match that in record ({meta[field]})"
            raise conflict(resource, meta["name"], why)


def marked(resource: Resource, body: Json, grace: int | None) -> Json:
    """The object as a DELETE leaves it, with its time of deletion; itself where nothing changes."""
    meta = body["metadata"]
    if "deletionTimestamp" not in meta:
        seconds = _grace_of(body, grace) if resource is PODS else 0
        return _with_deletion(body, now(seconds), seconds)
    left = meta.get("deletionGracePeriodSeconds", 0)
    if grace is None or grace >= left:
        return body
    earlier = parse_time(meta["deletionTimestamp"]) - timedelta(seconds=left - max(grace, 0))
    return _with_deletion(body, max(rfc3339(earlier), now()), max(grace, 0))


def is_over(body: Json) -> bool:
    """Whether nothing holds the object any more: it is being deleted, has no grace left and no finalizers."""
    meta = body["metadata"]
    deleting = "deletionTimestamp" in meta and meta.get("deletionGracePeriodSeconds", 0) == 0
    return deleting and not meta.get("finalizers")


def _grace_of(body: Json, grace: int | None) -> int:
    unscheduled = not body["spec"].get("nodeName")
    if unscheduled or body["status"].get("phase") in ("Succeeded", "Failed"):
        return 0
    seconds = body["spec"]["terminationGracePeriodSeconds"] if grace is None else grace
    return int(seconds) if seconds >= 0 else 1


def _with_deletion(body: Json, when: str, seconds: int) -> Json:
    about = {"deletionTimestamp": when, "deletionGracePeriodSeconds": seconds}
    return {**body, "metadata": {**body["metadata"], **about}}
