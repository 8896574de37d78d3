"""A tiny kubelet: it ends Pods whose deletion has a grace, for nobody else in the sandbox would.

When the time of a Pod is over it marks the containers terminated, as a kubelet does, and then deletes the Pod
with grace 0; finalizers still hold it.
"""

import threading
import time

from sandbox.kube.cluster import terminated
from sandbox.kube.deletion import DeleteOptions
from sandbox.kube.registry import Registry
from sandbox.kube.resources import PODS, Json
from sandbox.kube.status import RefusedError
from sandbox.kube.store import CompactedError
from sandbox.kube.target import Target

_LOOK_SECONDS = 1.0


class Kubelet:
    """One thread that follows the Pods of the store; `seconds` is the longest grace that it grants."""

    def __init__(self, registry: Registry, seconds: float) -> None:
        self._registry, self._seconds = registry, seconds
        self._due: dict[tuple[str, str, str], float] = {}
        self._position = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="sandbox-kubelet", daemon=True)

    def start(self) -> None:
        """Begin to follow the Pods."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping = True
        self._registry.store.wake()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._follow()
            for who in [who for who, due in self._due.items() if due <= time.monotonic()]:
                del self._due[who]
                self._end(*who)

    def _follow(self) -> None:
        """Wait for changes or for the next Pod whose time is over, and note new deletions."""
        store = self._registry.store
        changed = store.changed(PODS)
        with changed:
            if self._position == store.version and not self._stopping:
                next_due = min(self._due.values(), default=float("inf")) - time.monotonic()
                changed.wait(max(0.001, min(_LOOK_SECONDS, next_due)))
            try:
                bodies = [c.now.body for c in store.changes(PODS, self._position) if not c.gone]
            except CompactedError:
                bodies = [s.body for s in store.contents(PODS)[1]]
            self._position = store.version
        for body in bodies:
            self._note(body)

    def _note(self, body: Json) -> None:
        meta = body["metadata"]
        grace = meta.get("deletionGracePeriodSeconds", 0)
        if "deletionTimestamp" in meta and grace > 0:
            due = time.monotonic() + min(grace, self._seconds)
            who = (meta["namespace"], meta["name"], meta["uid"])
            self._due[who] = min(due, self._due.get(who, due))

    def _end(self, namespace: str, name: str, uid: str) -> None:
        pod = Target(resource=PODS, namespace=namespace, name=name)
        status = Target(resource=PODS, namespace=namespace, name=name, subresource="status")
        try:
            if self._registry.get(pod).body["metadata"]["uid"] == uid:
                self._registry.patch(status, lambda body: body | {"status": terminated(body)})
                self._registry.delete(pod, DeleteOptions(grace=0, uid=uid))
        except RefusedError:
            return
