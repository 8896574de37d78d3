"""The describes: which addresses and interfaces a client sees, and in which pages; and the account's attributes.

All are pure reads of one world, which may be an old one: an id that is too new for that world is not found, as in
EC2. Order is by id, so that a page token stays good while the world changes.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from sandbox.ec2.filters import conditions, matches, tag_values
from sandbox.ec2.model import Address, Association, Ec2Error, Interface, World
from sandbox.ec2.requests import DescribeAccountAttributes, DescribeAddresses, DescribeNetworkInterfaces
from sandbox.ec2.settings import Ec2Settings
from sandbox.ec2.targets import interface_of

MIN_PAGE = 5
MAX_PAGE = 1000
_QUOTAS = ("max-elastic-ips", "vpc-max-elastic-ips")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Interfaces, and the token of the next page or an empty string."""

    interfaces: tuple[Interface, ...]
    next_token: str


def describe_addresses(world: World, request: DescribeAddresses, account: str) -> tuple[Address, ...]:
    """All addresses that match. Raises InvalidAllocationID.NotFound if any id named is unknown."""
    required = conditions(request.filters, ADDRESS_FILTERS)
    for allocation_id in request.allocation_ids:
        if allocation_id not in world.addresses:
            raise Ec2Error("InvalidAllocationID.NotFound", f"The allocation ID '{allocation_id}' does not exist")
    named = [world.addresses[key] for key in sorted(set(request.allocation_ids) or world.addresses)]
    candidates = _with_public_ips(named, request.public_ips)
    return tuple(a for a in candidates if matches(required, partial(_read_address, world, account, a)))


ADDRESS_FILTERS = (
    "allocation-id",
    "association-id",
    "domain",
    "instance-id",
    "network-border-group",
    "network-interface-id",
    "network-interface-owner-id",
    "private-ip-address",
    "public-ip",
)


def _read_address(world: World, account: str, address: Address, name: str) -> Iterable[str]:
    match name:
        case "allocation-id":
            return (address.allocation_id,)
        case "domain":
            return ("vpc",)
        case "network-border-group":
            return (address.border_group,)
        case "public-ip":
            return (address.public_ip,)
        case tag if tag.startswith("tag"):
            return tag_values(address.tags, tag)
    return _read_association(world, account, address.association, name)


def _read_association(world: World, account: str, held: Association | None, name: str) -> Iterable[str]:
    if held is None:
        return ()
    interface = world.interfaces.get(held.interface_id)
    values = {
        "association-id": held.association_id,
        "instance-id": interface.instance_id if interface else None,
        "network-interface-id": held.interface_id,
        "network-interface-owner-id": account,
        "private-ip-address": held.private_ip,
    }
    value = values[name]
    return (value,) if value else ()


def _with_public_ips(addresses: list[Address], public_ips: tuple[str, ...]) -> list[Address]:
    unknown = set(public_ips) - {address.public_ip for address in addresses}
    if unknown:
        raise Ec2Error("InvalidAddress.NotFound", f"Address '{min(unknown)}' not found.")
    return [address for address in addresses if not public_ips or address.public_ip in public_ips]


INTERFACE_FILTERS: Mapping[str, Callable[[Interface], Iterable[str]]] = {
    "addresses.private-ip-address": lambda eni: eni.listed_ips,
    "attachment.instance-id": lambda eni: (eni.instance_id,) if eni.instance_id else (),
    "attachment.status": lambda eni: ("attached",) if eni.instance_id else (),
    "availability-zone": lambda eni: (eni.zone,),
    "interface-type": lambda eni: (eni.interface_type,),
    "network-interface-id": lambda eni: (eni.interface_id,),
    "private-ip-address": lambda eni: (eni.private_ip,),
    "status": lambda eni: ("in-use" if eni.instance_id else "available",),
    "subnet-id": lambda eni: (eni.subnet_id,),
    "vpc-id": lambda eni: (eni.vpc_id,),
}


def _read_interface(interface: Interface, name: str) -> Iterable[str]:
    read = INTERFACE_FILTERS.get(name)
    return read(interface) if read else tag_values(interface.tags, name)


def describe_interfaces(world: World, request: DescribeNetworkInterfaces) -> Page:
    """One page of the interfaces that match. Raises InvalidNetworkInterfaceID.NotFound if any id is unknown."""
    required = conditions(request.filters, INTERFACE_FILTERS)
    _check_page(request)
    for interface_id in request.interface_ids:
        interface_of(world, interface_id)
    after = _decode_token(request.next_token)
    keys = sorted(key for key in set(request.interface_ids) or world.interfaces if key > after)
    found = [e for e in map(world.interfaces.__getitem__, keys) if matches(required, partial(_read_interface, e))]
    size = request.max_results or MAX_PAGE
    page = tuple(found[:size])
    return Page(interfaces=page, next_token=_encode_token(page[-1].interface_id) if len(found) > size else "")


def describe_attributes(request: DescribeAccountAttributes, settings: Ec2Settings) -> Mapping[str, str]:
    """The attributes that are asked for; there is no quota among them where none is enforced.

    Raises InvalidParameterValue for a name that is unknown.
    """
    shown = {name: str(settings.quota) for name in _QUOTAS if settings.quota is not None}
    shown = {"default-vpc": "vpc-1" if settings.default_vpc else "none", **shown}
    for name in request.names:
        if name not in ("default-vpc", *_QUOTAS):
            raise Ec2Error("InvalidParameterValue", f"Value ({name}) for parameter attributeName is invalid.")
    return {name: value for name, value in shown.items() if not request.names or name in request.names}


def _check_page(request: DescribeNetworkInterfaces) -> None:
    if request.max_results is None:
        return
    if request.interface_ids:
        message = "The parameter MaxResults cannot be used with the parameter networkInterfaceId"
        raise Ec2Error("InvalidParameterCombination", message)
    if not MIN_PAGE <= request.max_results <= MAX_PAGE:
        message = (
            f"Value ( {request.max_results} ) for parameter maxResults is invalid. Expecting {MIN_PAGE}..{MAX_PAGE}."
        )
        raise Ec2Error("InvalidParameterValue", message)


def _encode_token(last_id: str) -> str:
    return base64.urlsafe_b64encode(last_id.encode()).decode()


def _decode_token(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise Ec2Error("InvalidPaginationToken", "The pagination token is invalid or expired") from error
