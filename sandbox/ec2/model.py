"""What EC2 knows, as values: addresses, associations, interfaces, and what a call did to them.

A `World` is never changed, only replaced. That makes a consistent read a plain reference, an old read an older
reference, and every rule of the state machine a function from one world to the next.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from sandbox.ec2.network import Network

InstanceState = Literal["pending", "running", "stopped"]


class Ec2Error(Exception):
    """A refusal, with the code and the HTTP status that EC2 gives it."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """An address standing at one private IP of one interface, since a monotonic time."""

    association_id: str
    interface_id: str
    private_ip: str
    since: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An Elastic IP of this account."""

    allocation_id: str
    public_ip: str
    border_group: str
    pool: str = "amazon"
    tags: Mapping[str, str] = field(default_factory=dict)
    service_managed: str = ""
    association: Association | None = None
    created: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """A network interface; `instance_id` is None for one without an attachment."""

    interface_id: str
    private_ip: str
    secondary_ips: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    instance_id: str | None = None
    device_index: int = 0
    vpc_id: str = "vpc-1"
    subnet_id: str = "subnet-1"
    zone: str = "us-west-2a"
    interface_type: str = "interface"
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def listed_ips(self) -> tuple[str, ...]:
        """The IPs that a describe lists: the primary and the secondary ones, not those inside a prefix."""
        return (self.private_ip, *self.secondary_ips)

    @property
    def border_group(self) -> str:
        """The network border group of the zone: the zone's name without its last letter."""
        return self.zone.rstrip("abcdefghijklmnopqrstuvwxyz")

    def has_ip(self, ip: str) -> bool:
        """Whether the interface owns this IP, listed or inside a delegated prefix."""
        return ip in self.listed_ips or any(IPv4Address(ip) in IPv4Network(prefix) for prefix in self.prefixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The account at one instant.

    `foreign` ids (of addresses, and of the associations that they had) belong to another account, `lost` associations
    went with their interface, and `released` public IPs, with the ids that they had, can be recovered. An instance
    whose state is not named runs; a VPC has an Internet gateway unless it is among `without_gateway`.
    Nothing else here depends on the `network`.
    """

    addresses: Mapping[str, Address] = field(default_factory=dict)
    interfaces: Mapping[str, Interface] = field(default_factory=dict)
    foreign: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    released: Mapping[str, str] = field(default_factory=dict)
    instance_states: Mapping[str, InstanceState] = field(default_factory=dict)
    without_gateway: frozenset[str] = frozenset()
    network: Network = field(default_factory=Network)

    def at_target(self, interface_id: str, private_ip: str) -> Address | None:
        """The address that stands at this private IP of this interface."""
        for address in self.addresses.values():
            held = address.association
            if held and held.interface_id == interface_id and held.private_ip == private_ip:
                return address
        return None


EffectKind = Literal["allocated", "released", "associated", "disassociated", "tagged", "untagged"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One thing that happened to one resource. `order` is total over a server's life; `cause` says why, if indirect.

    `instance_id`: of an association that began, the instance that the interface was attached to then.
    """

    kind: EffectKind
    allocation_id: str = ""
    public_ip: str = ""
    association_id: str = ""
    interface_id: str = ""
    instance_id: str = ""
    private_ip: str = ""
    cause: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    order: int = 0
    mono: float = 0.0
    wall: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The next world, what happened on the way, and the id that the answer carries."""

    world: World
    effects: tuple[Effect, ...] = ()
    answer: str = ""
