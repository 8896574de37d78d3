"""The two things that we write on a Pod, each with the Pod's UID in the patch, and with its version where that matters.

Both go to `pods/status`, which takes labels as well: who may patch Pods themselves may change an image in kube-system,
and this program's token could be stolen.

A Pod that was deleted and came back under its name has another UID: the server then answers 409 instead of giving a
stranger our label. What says "associated" is for the Pod as it was when that was true: one that has changed since, by
its `resourceVersion`, does not take it, however late it comes. The guard is asked last, after any wait for a token, so
nothing leaves after the deadline of our leadership.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from controller.core.contract import CONDITION, legible
from controller.core.ports import Guard, PodView
from controller.kube.connection import STRATEGIC_PATCH, Call, Connection, path_of
from controller.kube.decode import Pod, pod_of
from state.errors import ObjectConflict, ObjectInvalid


def now() -> str:
    """The wall clock in the form of `meta/v1 Time`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class PodWriter:
    """Sends patches, one call each, never repeated."""

    def __init__(self, connection: Connection, guard: Guard) -> None:
        self._connection = connection
        self._guard = guard

    def labels(self, pod: PodView, labels: Mapping[str, str | None]) -> Pod:
        """Set and remove (None) labels; returns the Pod as it is now."""
        return self._patch(pod, {"metadata": {**_of(pod), "labels": dict(labels)}})

    def condition(self, pod: PodView, *, status: bool, reason: str, message: str) -> Pod:
        """Write our condition (in a strategic merge patch they merge by type); returns the Pod as it is now.

        The time of transition changes with the status alone, as for every Kubernetes condition.
        """
        condition = {"type": CONDITION, "status": str(status), "reason": reason, "message": legible(message)}
        if pod.condition != condition["status"]:
            condition["lastTransitionTime"] = now()
        return self._patch(pod, {"metadata": _of(pod), "status": {"conditions": [condition]}})

    def _patch(self, pod: PodView, body: Mapping[str, Any]) -> Pod:
        call = Call(
            verb="patch",
            resource="pods/status",
            path=path_of("api", "v1", "namespaces", pod.namespace, "pods", pod.name, "status"),
            body=body,
            content_type=STRATEGIC_PATCH,
            before_send=self._guard.check,
        )
        try:
            return pod_of(self._connection.send(call))
        except ObjectInvalid as error:
            raise _as_conflict(error) from error


def _of(pod: PodView) -> dict[str, Any]:
    """What the Pod must be for a patch to be taken."""
    return {"uid": pod.uid, **({"resourceVersion": pod.version} if pod.version else {})}


def _as_conflict(error: ObjectInvalid) -> ObjectInvalid | ObjectConflict:
    """Where the server calls another UID an attempt to change it, that is the same conflict."""
    return ObjectConflict(error.message, code=error.code) if "metadata.uid" in error.message else error
