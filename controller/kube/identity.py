"""Which cluster this is, because an API server that answers may be another cluster's.

Two clusters can have one name, and a kubeconfig, a DNS name or a restored control plane can lead to another cluster.
The UID of the `kube-system` namespace identifies the cluster. What another cluster's API server says about our Pods
proves nothing.
"""

import threading

import msgspec

from controller.core.ports import Clock
from controller.kube.connection import Call, Connection, path_of
from controller.kube.decode import Metadata, malformed
from controller.kube.namespace import own_namespace
from state.errors import Unavailable
from state.model import ClusterUid

__all__ = ["ClusterIdentity", "own_namespace"]


class Namespace(msgspec.Struct, frozen=True):
    """`core/v1 Namespace`."""

    metadata: Metadata


class ClusterIdentity:
    """The UID that the first read gave, and the check that it still is the same. Thread-safe."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._uid: ClusterUid | None = None
        self._confirmed = float("-inf")

    def uid(self) -> ClusterUid:
        """The cluster's UID; the first call reads it."""
        self.confirm(max_age_s=float("inf"))
        assert self._uid is not None
        return self._uid

    def confirm(self, max_age_s: float = 0.0) -> None:
        """Raise Unavailable unless the API server was our cluster's at most `max_age_s` seconds ago."""
        with self._lock:
            asked = self._clock()
            if asked - self._confirmed < max_age_s:
                return
            seen = self._read()
            if self._uid not in (None, seen):
                self._confirmed = float("-inf")
                raise Unavailable(
                    f"the API server's kube-system namespace has the UID {seen}, ours has {self._uid}",
                    code="ForeignCluster",
                    advice="Point the controller at its own cluster again, or restart it if it was moved on purpose",
                )
            self._uid, self._confirmed = seen, asked

    def _read(self) -> ClusterUid:
        path = path_of("api", "v1", "namespaces", "kube-system")
        body = self._connection.send(Call(verb="get", resource="namespaces", path=path))
        try:
            return ClusterUid(msgspec.json.decode(body, type=Namespace).metadata.uid)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed("Namespace", error) from error
