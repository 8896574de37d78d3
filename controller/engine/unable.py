"""Tells people that this replica may not do what it must: the log, the controller's own Pod, and the Pods that wait.

The reason stands where each of them looks first: `kubectl logs` and `kubectl describe pod` of the Deployment's Pod
after a `helm install --wait` that failed, and `kubectl describe pod` of a Pod that waits for its address.
"""

import logging

from controller.core import contract
from controller.core.desire import Pending, Serve, desire
from controller.core.ports import Events, Pods
from controller.core.views import EventType, PodEvent, PodView
from state.model import PodUid

log = logging.getLogger(__name__)


class UnableTeller:
    """Used by one thread. `own`: the controller's Pod, where it is known."""

    def __init__(self, *, events: Events, pods: Pods, own: PodView | None) -> None:
        self._events, self._pods, self._own = events, pods, own
        self._said = ""
        self._told: set[PodUid] = set()

    def __call__(self, trouble: str, *, for_all: str) -> None:
        """This is refused now (empty: nothing is). `for_all`: what the Pods that wait are told; empty: nothing."""
        if trouble != self._said:
            self._change(trouble)
        if for_all:
            self._tell_who_waits(f"the controller may not do what it must, so it serves nobody: {for_all}")

    def _change(self, trouble: str) -> None:
        self._said = trouble
        self._told.clear()
        if trouble:
            log.error("not ready: this replica may not do what it must: %s", trouble)
        else:
            log.info("ready: this replica may do what it must")
        if self._own is not None:
            kind = EventType.WARNING if trouble else EventType.NORMAL
            reason = contract.CONTROLLER_UNABLE if trouble else contract.CONTROLLER_ABLE
            message = trouble or "it may do what it must"
            self._events.emit(self._own, PodEvent(type=kind, reason=reason, message=message))

    def _tell_who_waits(self, message: str) -> None:
        """Each Pod once, as long as nothing changes: who comes later hears of it in the next round."""
        for pod in self._pods.annotated():
            waits = isinstance(desire(pod), Serve | Pending) and contract.LABEL_PUBLIC_IP not in pod.labels
            if waits and pod.uid not in self._told:
                self._told.add(pod.uid)
                event = PodEvent(type=EventType.WARNING, reason=contract.WAITING, message=message)
                self._events.emit(pod, event)
