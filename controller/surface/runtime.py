"""The interface between the server and the controller: what the surface asks of the running controller.

The controller is built in the worker process, after the fork, in a thread of its own. So the server answers probes from
the first moment, also while the API server or the table cannot be reached yet.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    # For types only: the server's master process imports this module, and does not need prometheus_client.
    from controller.surface.metrics import Metrics


class Runtime(Protocol):
    """The running controller. Only the last two methods may block or call an API, and `status` asks the leader."""

    def status(self) -> dict[str, Any]:
        """What is known of the whole install, as `controller.core.status.Status.to_json` makes it: the leader's words.
        On a standby it takes up to a second and a half; without an answer of the leader it is `own_status`.
        """
        ...

    def own_status(self) -> dict[str, Any]:
        """A snapshot of what this replica knows itself."""
        ...

    def explain(self, namespace: str, name: str, *, own: bool = False) -> dict[str, Any] | None:
        """One Pod, as `Explanation.to_json` makes it; `own`: as we know it. None while the replica is being built."""
        ...

    def healthy(self) -> tuple[bool, str]:
        """Whether the loop is alive, and why not."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether the caches are synced (a standby is ready too), and why not."""
        ...

    def begin_shutdown(self) -> None:
        """Start nothing new, finish what is in flight, release the Lease: within one call's time limit and a second."""
        ...

    def stop(self) -> None:
        """End all threads and flush what telemetry has gathered, within two seconds or so. Called once, last."""
        ...


Start = Callable[["Metrics"], Runtime]
"""Builds the controller and starts its threads. Raises Misconfigured, TableMissing or TableNotUsable where its user
has to act, another PodEipError where it cannot work. What may pass by itself is retried while `ready` says no."""
