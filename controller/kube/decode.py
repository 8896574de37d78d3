"""Decodes only the fields of a Pod that are used, because a list is large: 74 MB of JSON for 10,000 Pods.

msgspec skips every field that is not named here, and builds small structs instead of dictionaries. (With the typed
client such a list takes 11.4 s and 1.3 GB.) The Pods of a list are decoded one by one. So a Pod that cannot be decoded
hides no other (it is logged and left out), and a large Pod is in memory only while it is looked at.
"""

import logging
import sys
from collections.abc import Iterator, Sequence

import msgspec

from controller.core.contract import CONDITION
from controller.core.views import PodView
from controller.kube.carried import Annotations, Labels, branch_interfaces, ours
from state.errors import Unavailable
from state.model import PodUid

FARGATE = "fargate-scheduler"
FARGATE_NODE = "fargate-"

log = logging.getLogger(__name__)


class Metadata(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """`meta/v1 ObjectMeta`, as far as we read it."""

    name: str
    uid: str
    namespace: str = ""
    resource_version: str = ""
    annotations: Annotations | None = None
    labels: Labels | None = None
    deletion_timestamp: str | None = None
    creation_timestamp: str | None = None


class ReadinessGate(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """One of `spec.readinessGates`."""

    condition_type: str = ""


class PodSpec(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """`core/v1 PodSpec`."""

    node_name: str | None = None
    host_network: bool | None = None
    scheduler_name: str | None = None
    readiness_gates: list[ReadinessGate] | None = None


class PodIp(msgspec.Struct, frozen=True, gc=False):
    """One of `status.podIPs`."""

    ip: str = ""


class Condition(msgspec.Struct, frozen=True, gc=False):
    """One of `status.conditions`."""

    type: str = ""
    status: str = ""


class Marker(msgspec.Struct, frozen=True, gc=False):
    """An object of which only the presence counts."""


class ContainerState(msgspec.Struct, frozen=True, gc=False):
    """`core/v1 ContainerState`: one of the three is set."""

    running: Marker | None = None
    terminated: Marker | None = None


class ContainerStatus(msgspec.Struct, frozen=True, gc=False):
    """`core/v1 ContainerStatus`."""

    state: ContainerState | None = None


class PodStatus(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """`core/v1 PodStatus`."""

    phase: str | None = None
    pod_ip: str | None = msgspec.field(name="podIP", default=None)
    pod_ips: list[PodIp] | None = msgspec.field(name="podIPs", default=None)
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Pod(msgspec.Struct, frozen=True, gc=False):
    """`core/v1 Pod`."""

    metadata: Metadata
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Bookmark(msgspec.Struct, frozen=True):
    """The object of a BOOKMARK event: of its kind, with nothing but a version."""

    metadata: "BookmarkMeta"


class BookmarkMeta(msgspec.Struct, frozen=True, rename="camel"):
    """Its metadata."""

    resource_version: str = ""


class ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    """`meta/v1 ListMeta`; `next_page` is the continue token."""

    resource_version: str = ""
    next_page: str | None = msgspec.field(name="continue", default=None)


class RawList(msgspec.Struct, frozen=True):
    """A page of objects that are not decoded yet."""

    metadata: ListMeta
    items: list[msgspec.Raw] | None = None


_RAW = msgspec.json.Decoder(RawList)
_POD = msgspec.json.Decoder(Pod)
_BOOKMARK = msgspec.json.Decoder(Bookmark)


def pod_page(body: bytes) -> tuple[ListMeta, Iterator[Pod]]:
    """A page of a list, without the Pods that cannot be decoded. Raises Unavailable if it is no list at all.

    The Pods are decoded one by one as they are asked for, so that no more than one of them is in memory.
    """
    try:
        page = _RAW.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed("list of Pods", error) from error
    return page.metadata, (pod for item in page.items or () if (pod := _readable(item)) is not None)


def pod_of(body: bytes | msgspec.Raw) -> Pod:
    """One Pod. Raises Unavailable if it is none."""
    try:
        return _POD.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed("Pod", error) from error


def version_of(body: bytes | msgspec.Raw) -> str:
    """The resourceVersion of a bookmark. Raises Unavailable if it is none."""
    try:
        return _BOOKMARK.decode(body).metadata.resource_version
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed("bookmark", error) from error


def malformed(what: str, error: Exception) -> Unavailable:
    """The error for an answer that is not what the API promises; nothing can be concluded from it."""
    return Unavailable(f"unreadable {what}: {error}", code="MalformedAnswer")


def view_of(pod: Pod) -> PodView:
    """The Pod as the core sees it. Strings that many Pods share are kept once."""
    meta, spec, status = pod.metadata, pod.spec, pod.status
    deleting = meta.deletion_timestamp is not None
    return PodView(
        uid=PodUid(meta.uid),
        namespace=sys.intern(meta.namespace),
        name=meta.name,
        ip=_ipv4(status),
        node=sys.intern(spec.node_name or ""),
        ipv6_only=_ipv6_only(status),
        annotations=ours(meta.annotations),
        labels=ours(meta.labels),
        branch_interfaces=branch_interfaces(meta.annotations),
        host_network=bool(spec.host_network),
        fargate=_fargate(meta, spec),
        finished=status.phase in ("Succeeded", "Failed"),
        deleting=deleting,
        drained=deleting and _terminated(status),
        gated=any(gate.condition_type == CONDITION for gate in spec.readiness_gates or ()),
        condition=next((c.status for c in status.conditions or () if c.type == CONDITION), None),
        created=meta.creation_timestamp or "",
        version=meta.resource_version,
    )


def _readable(item: msgspec.Raw) -> Pod | None:
    try:
        return pod_of(item)
    except Unavailable as error:
        log.error("A Pod is left out: %s. It begins with %r", error.message, bytes(item)[:200])
        return None


def _ips(status: PodStatus) -> list[str]:
    ips = [status.pod_ip or "", *(entry.ip for entry in status.pod_ips or ())]
    return [ip for ip in ips if ip]


def _ipv4(status: PodStatus) -> str:
    return next((ip for ip in _ips(status) if ":" not in ip), "")


def _ipv6_only(status: PodStatus) -> bool:
    """Whether the Pod has its addresses and none is IPv4; Kubernetes writes all of `podIPs` at once."""
    ips = _ips(status)
    return bool(ips) and all(":" in ip for ip in ips)


def _fargate(meta: Metadata, spec: PodSpec) -> bool:
    labelled = meta.labels is not None and meta.labels.fargate_profile is not None
    return labelled or spec.scheduler_name == FARGATE or (spec.node_name or "").startswith(FARGATE_NODE)


def _terminated(status: PodStatus) -> bool:
    """Whether no process of the Pod can still use its address; False without any container status."""
    containers: Sequence[ContainerStatus] = status.container_statuses or ()
    ended = all(c.state is not None and c.state.terminated is not None for c in containers)
    init_runs = any(c.state is not None and c.state.running is not None for c in status.init_container_statuses or ())
    return bool(containers) and ended and not init_runs
