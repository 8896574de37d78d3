"""The servers that tests share, because a real API server needs some seconds of a processor before it is ready.

A test takes a cluster and gives it back; the next one gets it empty, which costs some milliseconds. DynamoDB Local is
started once, and each world has a table of its own in it.
"""

import itertools
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sandbox.dynamodb import DynamoDb
from tests.real.cluster import RealCluster


class RealHost:
    """Clusters without controllers and one DynamoDB Local, started when they are first asked for. Safe for threads."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack, self._lock = folder, ExitStack(), threading.Lock()
        self._free: list[RealCluster] = []
        self._dynamodb: DynamoDb | None = None
        self._tables = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @contextmanager
    def cluster(self) -> Iterator[RealCluster]:
        """A cluster for one user at a time, with no Pod, Node, Event or Lease in it."""
        taken = self._take()
        try:
            yield taken
        finally:
            taken.start_api()  # a test may have stopped it
            empty(taken)
            with self._lock:
                self._free.append(taken)

    def _take(self) -> RealCluster:
        with self._lock:
            if self._free:
                return self._free.pop()
        started = RealCluster().__enter__()  # not under the lock: a world starts its clusters together
        with self._lock:
            self._stack.push(started)
        return started

    def dynamodb(self) -> DynamoDb:
        """The one server, which is not to be stopped."""
        with self._lock:
            if self._dynamodb is None:
                self._dynamodb = DynamoDb.start("local", log=self._folder / "dynamodb.log")
                self._stack.callback(self._dynamodb.stop)
            return self._dynamodb

    def new_table(self, name: str) -> str:
        """A name that no other world has."""
        return f"{name}-{next(self._tables)}"


def empty(cluster: RealCluster) -> None:
    """Take away what a test left; roles and namespaces stay, for nothing would end them."""
    for namespace in cluster.request("GET", "/api/v1/namespaces")["items"]:
        name = namespace["metadata"]["name"]
        core, leases = f"/api/v1/namespaces/{name}", f"/apis/coordination.k8s.io/v1/namespaces/{name}/leases"
        for path in (f"{core}/pods", f"{core}/events", leases):
            cluster.request("DELETE", path, {"gracePeriodSeconds": 0})
        for pod in cluster.request("GET", f"{core}/pods")["items"]:  # held by a finalizer
            free(cluster, f"{core}/pods/{pod['metadata']['name']}")
    cluster.request("DELETE", "/api/v1/nodes")


def free(cluster: RealCluster, path: str) -> None:
    """Take the finalizers off an object that is being deleted."""
    patch = {"metadata": {"finalizers": None}}
    cluster.request("PATCH", path, patch, content_type="application/merge-patch+json")
