"""What of a VPC decides whether an Elastic IP answers: route tables, security groups, metadata options, VPC endpoints.

Nothing in the state machine of addresses depends on it. It is here to be described, by whoever wants to know why an
address that is associated does not answer. The default is a VPC in which all is well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where traffic to this range goes: a gateway (`igw-…`, `vgw-…`, `local`) or a NAT gateway."""

    destination: str = "0.0.0.0/0"
    gateway: str = ""
    nat_gateway: str = ""
    state: str = "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteTable:
    """`main`: it counts for each subnet of the VPC that no route table names."""

    table_id: str
    vpc_id: str = "vpc-1"
    main: bool = False
    subnets: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """One rule for what comes in; the protocol `-1` is all of them, and has no ports."""

    protocol: str = "tcp"
    from_port: int | None = None
    to_port: int | None = None
    cidrs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityGroup:
    """A security group of the VPC."""

    group_id: str
    vpc_id: str = "vpc-1"
    ingress: tuple[Ingress, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOptions:
    """How an instance is set up. `groups`: the security groups of all of its interfaces."""

    http_tokens: str = "required"
    hop_limit: int = 2
    http_endpoint: str = "enabled"
    groups: tuple[str, ...] = ("sg-1",)


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcEndpoint:
    """A way to one of AWS's services that stays in the VPC."""

    endpoint_id: str
    service: str
    vpc_id: str = "vpc-1"
    kind: str = "Interface"
    state: str = "available"


_OPEN = Ingress(protocol="-1", cidrs=("0.0.0.0/0",))
_OUT = Route(gateway="igw-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One account's networks; an instance that is not named has the default options."""

    route_tables: tuple[RouteTable, ...] = (RouteTable(table_id="rtb-1", main=True, routes=(_OUT,)),)
    security_groups: tuple[SecurityGroup, ...] = (SecurityGroup(group_id="sg-1", ingress=(_OPEN,)),)
    instances: Mapping[str, InstanceOptions] = field(default_factory=dict)
    endpoints: tuple[VpcEndpoint, ...] = ()
