"""A cluster of which nothing is left, as the engine's doors show it: every Pod is gone, and nobody hears an event.

With these before it the controller's own loop takes down what such a cluster held: one way down, not two.
"""

from collections.abc import Mapping, Sequence

from controller.core.ports import PodEvent, PodView
from state.model import PodUid


class NoPods:
    """Implements `Pods`. That the cluster is gone is what a person said; its API is never asked."""

    synced = True

    def get(self, uid: PodUid) -> None:
        """No Pod."""
        del uid

    def annotated(self) -> Sequence[PodView]:
        """No Pod."""
        return ()

    def at_ip(self, ip: str) -> Sequence[PodView]:
        """No Pod."""
        del ip
        return ()

    def ip_version(self, uid: PodUid) -> int:
        """No Pod has an IP."""
        del uid
        return 0

    def in_scope(self, namespace: str) -> bool:
        """All that the install held, wherever it was."""
        del namespace
        return True

    def seen_deleted(self, uid: PodUid) -> bool:
        """Every Pod is gone."""
        del uid
        return True

    def fetch(self, namespace: str, name: str) -> None:
        """Every Pod is gone."""
        del namespace, name

    def patch_labels(self, pod: PodView, labels: Mapping[str, str | None]) -> PodView:
        """There is none to be patched."""
        del labels
        return pod

    def patch_condition(self, pod: PodView, *, status: bool, reason: str, message: str) -> PodView:
        """There is none to be patched."""
        del status, reason, message
        return pod

    def instance_of(self, node: str, since: float) -> tuple[bool, None]:
        """No Node."""
        del node, since
        return True, None

    def read_instance(self, node: str) -> None:
        """No Node."""
        del node

    def own_instances(self) -> frozenset[str]:
        """No Node."""
        return frozenset()


class NoEvents:
    """Implements `Events`."""

    def emit(self, pod: PodView, event: PodEvent) -> None:
        """There is nobody to hear it."""


class NoObserver:
    """Implements the ports' `Observer`."""

    def call(self, service: str, operation: str, seconds: float, code: str) -> None:
        """Nobody counts."""

    def event_dropped(self, reason: str) -> None:
        """Nobody counts."""
