"""The API server as `doctor` asks it: what this account may do, who else works here, nodes, Pods, the CNI's settings.

Only what is needed of each object is decoded. Reviews of access are made (POST) and kept nowhere.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

import msgspec

from controller.core import contract
from controller.core.diagnosis.cluster import COMPUTE_TYPE, FARGATE, Controller, NodeView
from controller.core.diagnosis.rbac import Right
from controller.core.views import PodView
from controller.kube.connection import Call, Connection, path_of
from controller.kube.decode import ListMeta, malformed, pod_page, view_of
from controller.kube.nodes import provider_of_id
from controller.kube.paging import pages
from controller.kube.rights import is_allowed
from state.errors import AccessDenied, ObjectNotFound
from state.model import ClusterUid

_APP: Final = "app.kubernetes.io/name"
_NAME: Final = contract.COMPONENT
_LEASE, _LEASE_NAMESPACE = "PEC_LEASE_NAME", "PEC_LEASE_NAMESPACE"

T = TypeVar("T")


class _Meta(msgspec.Struct, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] | None = None


class _NodeSpec(msgspec.Struct, frozen=True):
    provider_id: str | None = msgspec.field(name="providerID", default=None)


class _Node(msgspec.Struct, frozen=True):
    metadata: _Meta
    spec: _NodeSpec = _NodeSpec()


class _Variable(msgspec.Struct, frozen=True):
    name: str = ""
    value: str | None = None


class _Container(msgspec.Struct, frozen=True):
    image: str = ""
    env: list[_Variable] | None = None


class _PodSpec(msgspec.Struct, frozen=True):
    containers: list[_Container] | None = None


class _Template(msgspec.Struct, frozen=True):
    spec: _PodSpec = _PodSpec()


class _WorkloadSpec(msgspec.Struct, frozen=True):
    replicas: int | None = None
    template: _Template = _Template()


class _Workload(msgspec.Struct, frozen=True):
    """A Deployment or a DaemonSet."""

    metadata: _Meta
    spec: _WorkloadSpec = _WorkloadSpec()

    @property
    def env(self) -> dict[str, str]:
        """The variables of all containers that have a value of their own."""
        containers = self.spec.template.spec.containers or ()
        return {found.name: found.value or "" for c in containers for found in c.env or ()}


class _Nodes(msgspec.Struct, frozen=True):
    metadata: ListMeta
    items: list[_Node] | None = None


class _Workloads(msgspec.Struct, frozen=True):
    metadata: ListMeta
    items: list[_Workload] | None = None


class _UserInfo(msgspec.Struct, frozen=True):
    username: str = ""


class _WhoStatus(msgspec.Struct, frozen=True):
    user_info: _UserInfo = msgspec.field(name="userInfo", default=_UserInfo())


class _Who(msgspec.Struct, frozen=True):
    status: _WhoStatus = _WhoStatus()


class ClusterReader:
    """Asks one API server; each call has the connection's time limit. Raises errors of `state.errors`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def uid(self) -> ClusterUid:
        """The cluster's identity: the UID of its namespace kube-system."""
        path = path_of("api", "v1", "namespaces", "kube-system")
        return ClusterUid(self._get("namespaces", path, _Node).metadata.uid)

    def who(self) -> str:
        """Whom the API server takes us for (SelfSubjectReview, Kubernetes 1.28)."""
        path = path_of("apis", "authentication.k8s.io", "v1", "selfsubjectreviews")
        body = {"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"}
        try:
            said = self._post("selfsubjectreviews", path, body, _Who)
        except (ObjectNotFound, AccessDenied):
            return "this account"
        return said.status.user_info.username or "this account"

    def may(self, right: Right) -> bool:
        """Whether we may do that, by SelfSubjectAccessReview."""
        return is_allowed(self._connection, right)

    def nodes(self) -> list[NodeView]:
        """All Nodes."""
        return [_node_of(node) for page in self._pages("nodes", path_of("api", "v1", "nodes"), _Nodes) for node in page]

    def pods(self, namespace: str) -> list[PodView]:
        """The Pods of a namespace ("": all) that carry an annotation of ours."""
        path = path_of("api", "v1", "namespaces", namespace, "pods") if namespace else path_of("api", "v1", "pods")
        views = (view_of(pod) for _, page in pages(self._connection, "pods", path, pod_page) for pod in page)
        return [view for view in views if view.annotations]

    def controllers(self) -> list[Controller]:
        """The Deployments that run this program or the Go controller."""
        path = path_of("apis", "apps", "v1", "deployments")
        found = [w for page in self._pages("deployments", path, _Workloads) for w in page if _is_controller(w)]
        return [_controller_of(workload) for workload in found]

    def cni_settings(self) -> dict[str, str] | None:
        """The variables of the VPC CNI's DaemonSet; None where there is none."""
        path = path_of("apis", "apps", "v1", "namespaces", "kube-system", "daemonsets", "aws-node")
        try:
            return self._get("daemonsets", path, _Workload).env
        except ObjectNotFound:
            return None

    def _get(self, resource: str, path: str, kind: type[T]) -> T:
        return _decoded(self._connection.send(Call(verb="get", resource=resource, path=path)), kind)

    def _post(self, resource: str, path: str, body: dict[str, Any], kind: type[T]) -> T:
        return _decoded(self._connection.send(Call(verb="create", resource=resource, path=path, body=body)), kind)

    def _pages(self, resource: str, path: str, kind: type[Any]) -> Iterator[Sequence[Any]]:
        read: Callable[[bytes], tuple[ListMeta, Sequence[Any]]] = lambda body: _listed(body, kind)  # noqa: E731
        yield from (page for _, page in pages(self._connection, resource, path, read))


def _listed(body: bytes, kind: type[Any]) -> tuple[ListMeta, Sequence[Any]]:
    page = _decoded(body, kind)
    return page.metadata, page.items or ()


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed("answer of the API server", error) from error


def _node_of(node: _Node) -> NodeView:
    value = (node.metadata.labels or {}).get(COMPUTE_TYPE, "")
    compute = f"{COMPUTE_TYPE}={value}" if value else ""
    instance = provider_of_id(node.spec.provider_id).instance_id or ""
    return NodeView(name=node.metadata.name, instance_id="" if compute == FARGATE else instance, compute=compute)


def _is_controller(workload: _Workload) -> bool:
    """By the chart's label, which is the Go controller's too, or by the name of the image, without its tag."""
    images = [c.image.partition("@")[0].rpartition("/")[2] for c in workload.spec.template.spec.containers or ()]
    labelled = (workload.metadata.labels or {}).get(_APP) == _NAME
    return labelled or any(image.partition(":")[0] == _NAME for image in images)


def _controller_of(workload: _Workload) -> Controller:
    """Only ours has a Lease: the Go controller elects nobody."""
    env, meta = workload.env, workload.metadata
    namespace = env.get(_LEASE_NAMESPACE) or meta.namespace
    replicas = workload.spec.replicas
    return Controller(
        name=f"{meta.namespace}/{meta.name}",
        lease=f"{namespace}/{env.get(_LEASE) or _NAME}",
        upstream=_LEASE not in env,
        replicas=1 if replicas is None else replicas,
    )
