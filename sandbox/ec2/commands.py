"""What the control plane can be told, as values that both its ends share.

A command travels as JSON in the body of `POST /_sandbox/NAME`. Most are the requests of the EC2 API itself, done by
the sandbox's hand instead of a client's; the rest are here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceId:
    """Names an interface to remove or to detach."""

    interface_id: str


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
    """The address was released and another account has it now."""

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
