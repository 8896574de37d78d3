"""The calls as values, so that the state machine never sees a query string.

Only the parameters that the simulation acts on are here; what a client sends besides is ignored. Whether a mutation is
a dry run is no part of it: `service` asks the protocol.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One filter of a describe: its values are alternatives."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocateAddress:
    """`recover` is a public IP that was released before."""

    pool: str = "amazon"
    border_group: str = ""
    ipam_pool: str = ""
    recover: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociateAddress:
    """To a private IP of an interface, by default its primary one."""

    allocation_id: str
    interface_id: str = ""
    instance_id: str = ""
    private_ip: str = ""
    allow_reassociation: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class DisassociateAddress:
    """Cuts one association."""

    association_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAddress:
    """An empty border group is any."""

    allocation_id: str
    border_group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTags:
    """Adds or overwrites tags."""

    resources: tuple[str, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTags:
    """`tags` maps a key to the value it must have, or to None for any value; empty means every tag."""

    resources: tuple[str, ...]
    tags: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAddresses:
    """Ids and public IPs must exist, filters need not match."""

    allocation_ids: tuple[str, ...] = ()
    public_ips: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeNetworkInterfaces:
    """One page; without `max_results` the largest."""

    interface_ids: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    max_results: int | None = None
    next_token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAvailabilityZones:
    """All of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAccountAttributes:
    """The attributes of these names; without names all."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeSurroundings:
    """Instances, route tables, security groups, subnets or VPC endpoints, by the action's name; all in one page."""

    action: str
    filters: tuple[Filter, ...] = ()


Mutation = AllocateAddress | AssociateAddress | DisassociateAddress | ReleaseAddress | CreateTags | DeleteTags
Describe = (
    DescribeAddresses
    | DescribeNetworkInterfaces
    | DescribeAvailabilityZones
    | DescribeAccountAttributes
    | DescribeSurroundings
)
Request = Mutation | Describe
