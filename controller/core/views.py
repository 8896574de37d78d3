"""What EC2 and Kubernetes show and are asked for, as values: what passes through the ports, and the term that asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from state.model import (
    AllocationId,
    AssociationId,
    Epoch,
    InterfaceId,
    PodUid,
    Target,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """What EC2 shows an address associated with. `instance_id`: None where the interface has no instance."""

    association_id: AssociationId
    target: Target
    instance_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An Elastic IP as DescribeAddresses shows it (service-managed ones are left out by the adapter).

    `readable`: False where EC2 lists the address but its fields cannot be read; all that is known is that it exists.
    `public_ipv4_pool`: where it is from; empty where EC2 does not say, `amazon` where it is Amazon's own.
    """

    allocation_id: AllocationId
    public_ip: str
    border_group: str
    tags: Mapping[str, str] = field(default_factory=dict)
    association: Association | None = None
    readable: bool = True
    public_ipv4_pool: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface: all its private IPs, its delegated prefixes (CIDR), and where it is."""

    interface_id: InterfaceId
    private_ips: frozenset[str]
    prefixes: tuple[str, ...] = ()
    instance_id: str | None = None
    border_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRequest:
    """The parameters of AllocateAddress; `border_group` None means the Region's own."""

    public_ipv4_pool: str
    tags: Mapping[str, str]
    border_group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """A new address."""

    allocation_id: AllocationId
    public_ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaPod:
    """A Pod that the controller itself runs in; `restarts`: how often its containers began anew."""

    name: str
    ready: bool = False
    restarts: int = 0
    node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView:
    """What the controller reads of a Pod. `annotations` and `labels` hold the controller's own only.

    `branch_interfaces`: those that the VPC resource controller created for this Pod.
    `ip`: its IPv4 address; `ipv6_only`: it has addresses, and none is IPv4.
    `finished`: it is in a terminal phase. `drained`: it is being deleted, and all of its containers have terminated.
    `condition` is the status of our readiness condition (None: there is none); `gated`: readinessGates names it.
    `version` is its resourceVersion: two views that differ in nothing else are equal.
    `asks_since`: when it was first seen with this IP and these annotations (monotonic, of the reader's clock).
    """

    uid: PodUid
    namespace: str
    name: str
    ip: str = ""
    ipv6_only: bool = False
    node: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    branch_interfaces: frozenset[str] = frozenset()
    host_network: bool = False
    fargate: bool = False
    finished: bool = False
    deleting: bool = False
    drained: bool = False
    gated: bool = False
    condition: str | None = None
    created: str = ""
    version: str = field(default="", compare=False)
    asks_since: float | None = field(default=None, compare=False)


class EventType:
    """The two types of Kubernetes events."""

    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class PodEvent:
    """A Kubernetes event to be emitted. If the same event exists, its count is raised instead."""

    type: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One term of leadership: who, since when (wall clock, to be shown only), and under which epoch."""

    identity: str
    epoch: Epoch
    since: str
