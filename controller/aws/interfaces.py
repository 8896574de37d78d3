"""How network interfaces are asked for, in as few calls as EC2's limits allow, and what the answers say.

Private IPs are unique in a VPC only, so every question names the VPC. A filter takes 200 values, a page has 1,000
interfaces (EC2 API reference, DescribeNetworkInterfaces).
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from controller.core.views import Interface
from state.errors import Unavailable
from state.model import InterfaceId

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef

log = logging.getLogger(__name__)

FILTER_VALUES = 200
PAGE = 1000
BY_IP = "addresses.private-ip-address"
BY_INSTANCE = "attachment.instance-id"


def questions(vpc_id: str, name: str, values: Iterable[str]) -> Iterator[list["FilterTypeDef"]]:
    """The filters of each call that is needed to ask for all `values`; no call for no values."""
    rest = iter(sorted(set(values)))
    while batch := list(islice(rest, FILTER_VALUES)):
        yield [*of_vpc(vpc_id), {"Name": name, "Values": batch}]


def of_vpc(vpc_id: str) -> list["FilterTypeDef"]:
    """The filter that every question has."""
    return [{"Name": "vpc-id", "Values": [vpc_id]}]


def pages(ask: Callable[[str | None], Mapping[str, Any]]) -> Iterator[Interface]:
    """Every interface of every page; `ask` gets the token of the page, None for the first."""
    token: str | None = None
    while True:
        answer = ask(token)
        yield from read_interfaces(answer.get("NetworkInterfaces", ()))
        if not answer.get("NextToken"):
            return
        if answer["NextToken"] == token:
            raise Unavailable("EC2 gives the same page of network interfaces again and again", code="SamePage")
        token = answer["NextToken"]


def read_interfaces(items: Iterable[Mapping[str, Any]]) -> Iterator[Interface]:
    """The records of these descriptions; one without an id or an IPv4 address is left out."""
    for item in items:
        ips = _private_ips(item)
        if not item.get("NetworkInterfaceId"):
            log.warning("EC2 describes a network interface without its id: it is left out")
        elif ips or item.get("Ipv4Prefixes"):
            yield _interface(item, ips)


def border_group_of(zone: str | None) -> str | None:
    """The network border group of an Availability, Local or Wavelength Zone; None if the zone is unknown.

    Only DescribeAvailabilityZones says it for certain. By the AWS documentation, a Local Zone's group is the zone
    without its last letter (us-west-2-lax-1a is in us-west-2-lax-1), the group of a Region's own zones is the Region,
    and a Wavelength Zone, which has no letter, is its own group.
    """
    return re.sub(r"(?<=\d)[a-z]$", "", zone) if zone else None


def _interface(item: Mapping[str, Any], ips: frozenset[str]) -> Interface:
    return Interface(
        interface_id=InterfaceId(item["NetworkInterfaceId"]),
        private_ips=ips,
        prefixes=tuple(p["Ipv4Prefix"] for p in item.get("Ipv4Prefixes", ()) if p.get("Ipv4Prefix")),
        instance_id=item.get("Attachment", {}).get("InstanceId") or None,
        border_group=border_group_of(item.get("AvailabilityZone")),
    )


def _private_ips(item: Mapping[str, Any]) -> frozenset[str]:
    listed = (entry.get("PrivateIpAddress") for entry in item.get("PrivateIpAddresses", ()))
    return frozenset(ip for ip in (item.get("PrivateIpAddress"), *listed) if ip)
