"""What DescribeAddresses says, as the records of the core.

An address that lacks a field is logged once and returned as not `readable`, for a guess about it could give somebody's
address away. Addresses that a service of AWS manages (load balancers, NAT gateways) are left out, and so are those
without an allocation id, which are relics of EC2-Classic.
"""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from controller.core.views import Address, Association
from state.model import AllocationId, AssociationId, InterfaceId, Target

log = logging.getLogger(__name__)

QUOTA_ATTRIBUTE = "vpc-max-elastic-ips"
_NUMBER = re.compile(r"[0-9]{1,9}")


class AddressReader:
    """Reads descriptions; remembers only which ones it has logged as faulty."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._reported: set[str] = set()

    def read(self, items: Sequence[Mapping[str, Any]]) -> list[Address]:
        """The addresses in the answer, without those that AWS manages."""
        return [self._read_one(item) for item in items if item.get("AllocationId") and not item.get("ServiceManaged")]

    def _read_one(self, item: Mapping[str, Any]) -> Address:
        try:
            return Address(
                allocation_id=AllocationId(item["AllocationId"]),
                public_ip=item.get("CarrierIp") or item["PublicIp"],  # the former in Wavelength Zones
                border_group=item.get("NetworkBorderGroup") or self._region,
                tags=_tags(item),
                association=_association(item),
                public_ipv4_pool=item.get("PublicIpv4Pool", ""),
            )
        except KeyError as missing:
            self._report(item["AllocationId"], str(missing))
            known = AllocationId(item["AllocationId"])
            return Address(allocation_id=known, public_ip="", border_group=self._region, readable=False)

    def _report(self, allocation_id: str, missing: str) -> None:
        if allocation_id not in self._reported:
            self._reported.add(allocation_id)
            log.warning("EC2 describes address %s without %s: it is left alone", allocation_id, missing)


def quota_of(attributes: Sequence[Mapping[str, Any]]) -> int | None:
    """How many addresses the account may have in the Region, from the answer of DescribeAccountAttributes.

    The EC2 API reference has `vpc-max-elastic-ips` as "the maximum number of Elastic IP addresses that you can
    allocate". None where the answer lacks it, or it is not a number.
    """
    for attribute in attributes:
        if attribute.get("AttributeName") == QUOTA_ATTRIBUTE:
            said = [value.get("AttributeValue", "") for value in attribute.get("AttributeValues", ())]
            return int(said[0]) if len(said) == 1 and _NUMBER.fullmatch(said[0]) else None
    return None


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags", ())}


def _association(item: Mapping[str, Any]) -> Association | None:
    """The association; None only where no field of one is there. KeyError for a part of one: it must not look free."""
    if not any(item.get(hint) for hint in ("AssociationId", "NetworkInterfaceId", "PrivateIpAddress", "InstanceId")):
        return None
    return Association(
        association_id=AssociationId(item["AssociationId"]),
        target=Target(interface_id=InterfaceId(item["NetworkInterfaceId"]), private_ip=item["PrivateIpAddress"]),
        instance_id=item.get("InstanceId") or None,
    )
