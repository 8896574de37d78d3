"""The Pods that the controller itself runs in, as the API server has them: who stands by, and who is not ready.

What a replica says of itself over HTTP proves nothing, for anybody may say it. The Pods of our own namespace with our
Deployment's labels are made by those who may make Pods there. Those that ended are left out: evicted ones stay long.
"""

from collections.abc import Mapping

import msgspec

from controller.core.views import ReplicaPod
from controller.kube.connection import Call, Connection, path_of
from controller.kube.decode import Condition, Metadata, malformed
from controller.kube.namespace import own_namespace

MOST = 50
"""Replicas that are read: more than anybody runs."""
ALIVE = "status.phase!=Failed,status.phase!=Succeeded"


class _Container(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    restart_count: int = 0


class _Spec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    node_name: str | None = None


class _Status(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    conditions: list[Condition] | None = None
    container_statuses: list[_Container] | None = None


class _Pod(msgspec.Struct, frozen=True, gc=False):
    metadata: Metadata
    spec: _Spec = _Spec()
    status: _Status = _Status()


class _PodList(msgspec.Struct, frozen=True):
    items: list[_Pod] | None = None


class ReplicaReader:
    """Lists the Pods of one namespace that a label selector finds."""

    def __init__(self, connection: Connection, namespace: str, selector: str) -> None:
        self._connection, self._selector = connection, selector
        self._path = path_of("api", "v1", "namespaces", namespace, "pods")

    def read(self) -> tuple[ReplicaPod, ...]:
        """The Pods by name. Raises what `Connection.send` does, and Unavailable for an answer that is no list."""
        query = (("labelSelector", self._selector), ("fieldSelector", ALIVE), ("limit", str(MOST)))
        body = self._connection.send(Call(verb="list", resource="pods", path=self._path, query=query))
        try:
            pods = msgspec.json.decode(body, type=_PodList).items or []
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed("list of replicas", error) from error
        return tuple(sorted(map(_replica, pods), key=lambda pod: pod.name))


def selector_of(env: Mapping[str, str]) -> str:
    """The labels of the controller's own Pods, as the chart says them; empty where nobody says."""
    return env.get("POD_SELECTOR", "").strip()


def reader_of(connection: Connection, env: Mapping[str, str]) -> ReplicaReader | None:
    """The reader of what the chart says in POD_SELECTOR; None where nobody says."""
    selector = selector_of(env)
    namespace = env.get("POD_NAMESPACE", "").strip() or own_namespace()
    return ReplicaReader(connection, namespace, selector) if selector else None


def _replica(pod: _Pod) -> ReplicaPod:
    conditions = {each.type: each.status for each in pod.status.conditions or ()}
    return ReplicaPod(
        name=pod.metadata.name,
        ready=conditions.get("Ready") == "True",
        restarts=sum(each.restart_count for each in pod.status.container_statuses or ()),
        node=pod.spec.node_name or "",
    )
