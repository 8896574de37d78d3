"""The two patches of a Pod, each with the Pod's UID in it, and with its version where that matters.

Both go to `pods/status`, which accepts labels as well. The right to patch Pods themselves would allow to change an
image in kube-system, and this program's token could be stolen.

A Pod that was deleted and made again under its name has another UID: the server then answers 409, and the new Pod does
not get the label. A patch that says "associated" also names the `resourceVersion` at which that was true, so a Pod that
has changed since refuses it, however late it comes. The guard is asked last, after any wait for a token, so no patch
is sent after the deadline of our leadership.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from controller.core.contract import CONDITION, legible
from controller.core.ports import Guard
from controller.core.views import PodView
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

        The time of transition changes only with the status, as for every Kubernetes condition.
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
    """The UID and version that the Pod must have for the patch to be accepted."""
    return {"uid": pod.uid, **({"resourceVersion": pod.version} if pod.version else {})}


def _as_conflict(error: ObjectInvalid) -> ObjectInvalid | ObjectConflict:
    """The same conflict, where the server reports another UID as an attempt to change it."""
    return ObjectConflict(error.message, code=error.code) if "metadata.uid" in error.message else error
