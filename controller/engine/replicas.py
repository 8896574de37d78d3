"""Knows the controller's other replicas, for those who ask who stands by: a thread that reads their Pods now and then.

Nothing is decided by it: who leads is the Lease's business alone.
"""

import logging
import threading
from collections.abc import Callable, Sequence

from controller.core.ports import Clock
from controller.core.status import ReplicaStatus
from controller.core.views import ReplicaPod
from state.errors import AccessDenied, PodEipError

log = logging.getLogger(__name__)

EVERY_S = 15.0
REFUSED_S = 600.0
"""Seconds until it is tried again where RBAC does not allow it: the status is then without replicas."""


class Replicas:
    """A thread, where there is somebody to ask. `read` raises what the Kubernetes port does."""

    def __init__(self, read: Callable[[], Sequence[ReplicaPod]] | None, clock: Clock) -> None:
        self._read, self._clock = read, clock
        self._known: tuple[float, Sequence[ReplicaPod]] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replicas", daemon=True)
        self.failures = 0

    def start(self) -> None:
        """Begin to read."""
        if self._read is not None:
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()

    def all(self, leader: str) -> tuple[ReplicaStatus, ...] | None:
        """The replicas as they were read last; None: nobody could read them. `leader`: the Lease's holder identity."""
        if self._known is None:
            return None
        read_at, pods = self._known
        seen_s, leading = round(self._clock() - read_at, 1), leader.rpartition("_")[0]
        return tuple(
            ReplicaStatus(
                identity=pod.name,
                leads=pod.name == leading,
                ready=pod.ready,
                restarts=pod.restarts,
                node=pod.node or None,
                seen_s=seen_s,
            )
            for pod in pods
        )

    def look(self) -> None:
        """Read them now."""
        if self._read is not None:
            asked_at = self._clock()
            self._known = (asked_at, self._read())

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            pause = EVERY_S
            try:
                self.look()
            except PodEipError as error:
                if isinstance(error, AccessDenied):
                    self._known = None
                    pause = REFUSED_S if error.code == "Forbidden" else EVERY_S
                log.info("the controller's own Pods could not be read: %s", error.explain())
            except Exception:  # the thread's top: a status without replicas is better than none
                self.failures += 1
                log.exception("reading the controller's own Pods failed")
