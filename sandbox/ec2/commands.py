"""What the control plane can be told, as values that both its ends share.

A command travels as JSON in the body of `POST /_sandbox/NAME`. Most are the requests of the EC2 API itself, done by
the sandbox's hand instead of a client's; the rest are here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.ec2.model import InstanceState


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceId:
    """Names an interface to remove."""

    interface_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """Gives an interface to an instance; None takes it off."""

    interface_id: str
    instance_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveIp:
    """Gives a secondary IP to an interface, with or without the address that stands on it."""

    private_ip: str
    interface_id: str
    with_address: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInstanceState:
    """What an instance is doing."""

    instance_id: str
    state: InstanceState


@dataclass(frozen=True, slots=True, kw_only=True)
class SetGateway:
    """Whether a VPC has an Internet gateway."""

    vpc_id: str
    attached: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceId:
    """Names an instance to kill."""

    instance_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeIps:
    """IPs and prefixes that an interface gets and loses."""

    interface_id: str
    add_ips: tuple[str, ...] = ()
    remove_ips: tuple[str, ...] = ()
    add_prefixes: tuple[str, ...] = ()
    remove_prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAddress:
    """An address that is there, whatever the quota; the server fills in what is empty."""

    allocation_id: str = ""
    public_ip: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    border_group: str = ""
    pool: str = "amazon"
    service_managed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveAway:
    """The address, here or released before, is another account's now."""

    allocation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetGo:
    """Lets one held call go on, or with None all."""

    held_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """A command without particulars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The answer of a command that counts or numbers something."""

    count: int
