"""Starts the controller in the server's worker, answers for it, and stops it in the right order.

The order at the end is the reason for this module. First the loop ends and the Lease is released, so that the next
leader can act within a second; then the server drains its connections. A thread does this, because a signal handler
must not block and the main thread must go on answering probes.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from controller.core.status import starting
from controller.surface.program import version
from controller.surface.runtime import Runtime, Start
from state.errors import Misconfigured, PodEipError, TableMissing, TableNotUsable

if TYPE_CHECKING:
    from controller.surface.metrics import Metrics

EXIT_STOPPED = 0
EXIT_MISCONFIGURED = 2
EXIT_CANNOT_START = 3

log = logging.getLogger(__name__)


class Lifecycle:
    """One controller, from `begin` until `over` was called; from then on `exit_code` is valid."""

    def __init__(self, start: Start, cluster: str, complain: Callable[[Sequence[str]], None]) -> None:
        self.exit_code = EXIT_STOPPED
        self._start = start
        self._cluster = cluster
        self._complain = complain
        self._runtime: Runtime | None = None
        self._stopping = False
        # A queue and not an Event: SimpleQueue.put may be called from a signal handler that interrupted another put.
        self._orders: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self, metrics: "Metrics", over: Callable[[], None]) -> None:
        """Start the controller in a thread; it calls `over` once the Lease is released, or the start failed."""
        self._thread = threading.Thread(target=self._live, args=(metrics, over), name="lifecycle", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask the controller to stop. Returns at once; may be called more than once, and from a signal handler."""
        self._stopping = True
        self._orders.put(None)

    def join(self, timeout_s: float) -> None:
        """Wait until the controller's threads have ended, at most so long."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def healthy(self) -> tuple[bool, str]:
        """The loop's health; a controller that is still starting is healthy."""
        runtime = self._runtime
        return runtime.healthy() if runtime is not None else (True, "starting")

    def ready(self) -> tuple[bool, str]:
        """The loop's readiness; one that starts or stops is not ready."""
        runtime = self._runtime
        if self._stopping:
            return False, "stopping"
        return runtime.ready() if runtime is not None else (False, "starting")

    def status(self) -> dict[str, Any]:
        """The controller's status, as `Runtime` says; before it has started, an empty document of the same form."""
        runtime = self._runtime
        return runtime.status() if runtime is not None else self._nothing()

    def own_status(self) -> dict[str, Any]:
        """The same, of what this replica knows itself."""
        runtime = self._runtime
        return runtime.own_status() if runtime is not None else self._nothing()

    def _nothing(self) -> dict[str, Any]:
        return starting(self._cluster, version()).to_json()

    def explain(self, namespace: str, name: str, *, own: bool = False) -> dict[str, Any] | None:
        """One Pod's explanation; None before the controller has started."""
        runtime = self._runtime
        return runtime.explain(namespace, name, own=own) if runtime is not None else None

    def _live(self, metrics: "Metrics", over: Callable[[], None]) -> None:
        runtime = self._runtime = self._started(metrics)
        if runtime is None:
            over()
            return
        self._orders.get()
        self._stopping = True
        self._guarded(runtime.begin_shutdown)
        over()
        self._guarded(runtime.stop)

    def _started(self, metrics: "Metrics") -> Runtime | None:
        """The controller; None where it could not start: then the fault is reported and the exit code set."""
        try:
            return self._start(metrics)
        except Misconfigured as fault:
            self._complain(list(fault.faults))
            self.exit_code = EXIT_MISCONFIGURED
        except (TableMissing, TableNotUsable) as fault:
            self._complain([fault.explain()])
            self.exit_code = EXIT_MISCONFIGURED
        except PodEipError as fault:
            self._complain([fault.explain()])
            self.exit_code = EXIT_CANNOT_START
        except Exception as fault:  # the thread's top: the process must end, and say why
            log.exception("The controller could not start")
            self._complain([f"the controller could not start: {fault!r}"])
            self.exit_code = EXIT_CANNOT_START
        return None

    def _guarded(self, act: Callable[[], None]) -> None:
        """Call it, and go on whatever it raises: the process must end."""
        try:
            act()
        except Exception:  # the thread's top
            log.exception("The controller did not stop cleanly")
