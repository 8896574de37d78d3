"""The kinds that this API serves, as data, so that paths, discovery, selectors and storage cannot disagree.

The flags are the update and deletion strategies that the API server gives to each kind
(kubernetes/pkg/registry/core and .../coordination).
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind: its names in paths and discovery, and how the API server treats its objects."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    has_status: bool = False
    """It has a `/status` subresource, and writes elsewhere cannot change its status."""
    create_on_update: bool = False
    """A PUT of a missing object creates it."""
    unconditional_update: bool = True
    """A PUT without resourceVersion overwrites; otherwise it is refused."""
    returns_deleted: bool = False
    """A DELETE answers with the object; otherwise with a Status."""
    selectable: tuple[str, ...] = ()
    """Field selectors beside metadata.name and metadata.namespace."""

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The name that error messages use: `pods`, `leases.coordination.k8s.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def head(self) -> bytes:
        """The start of an object's JSON; bodies are kept without it, for items of a list do not have it."""
        return f'{{"kind":"{self.kind}","apiVersion":"{self.api_version}",'.encode()

    @property
    def fields(self) -> tuple[str, ...]:
        """Every field label that a selector may name."""
        return ("metadata.name", *(("metadata.namespace",) if self.namespaced else ()), *self.selectable)


PODS = Resource(
    group="",
    version="v1",
    plural="pods",
    kind="Pod",
    namespaced=True,
    short_names=("po",),
    has_status=True,
    returns_deleted=True,
    selectable=(
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
)
NODES = Resource(
    group="",
    version="v1",
    plural="nodes",
    kind="Node",
    namespaced=False,
    short_names=("no",),
    has_status=True,
    selectable=("spec.unschedulable",),
)
NAMESPACES = Resource(
    group="",
    version="v1",
    plural="namespaces",
    kind="Namespace",
    namespaced=False,
    short_names=("ns",),
    has_status=True,
    returns_deleted=True,
    selectable=("status.phase",),
)
EVENTS = Resource(
    group="",
    version="v1",
    plural="events",
    kind="Event",
    namespaced=True,
    short_names=("ev",),
    create_on_update=True,
    selectable=(
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
)
LEASES = Resource(
    group="coordination.k8s.io",
    version="v1",
    plural="leases",
    kind="Lease",
    namespaced=True,
    create_on_update=True,
    unconditional_update=False,
)
DEPLOYMENTS = Resource(
    group="apps", version="v1", plural="deployments", kind="Deployment", namespaced=True, short_names=("deploy",)
)
DAEMON_SETS = Resource(
    group="apps", version="v1", plural="daemonsets", kind="DaemonSet", namespaced=True, short_names=("ds",)
)
"""Workloads are there to be read: nothing makes Pods of them."""

ALL = (PODS, NODES, NAMESPACES, EVENTS, LEASES, DEPLOYMENTS, DAEMON_SETS)
GROUPS = (("", "v1"), ("apps", "v1"), ("coordination.k8s.io", "v1"))


def find(group: str, version: str, plural: str) -> Resource | None:
    """The resource served at that place in the URL, if any."""
    return next((r for r in ALL if (r.group, r.version, r.plural) == (group, version, plural)), None)


def storage_key(namespace: str, name: str) -> str:
    """The key that lists are ordered by, as etcd orders them: `namespace/name`, or `name`."""
    return f"{namespace}/{name}" if namespace else name
