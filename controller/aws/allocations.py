"""What AllocateAddress is sent: by who allocates, and by who asks beforehand whether that is allowed."""

from typing import TYPE_CHECKING

from controller.core.contract import AMAZON_POOL
from controller.core.views import AllocationRequest

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import AllocateAddressRequestTypeDef, TagTypeDef


def allocation_arguments(request: AllocationRequest) -> "AllocateAddressRequestTypeDef":
    """The parameters of AllocateAddress for this request."""
    tags: list[TagTypeDef] = [{"Key": key, "Value": value} for key, value in sorted(request.tags.items())]
    arguments: AllocateAddressRequestTypeDef = {"Domain": "vpc"}
    if tags:
        arguments["TagSpecifications"] = [{"ResourceType": "elastic-ip", "Tags": tags}]
    if request.public_ipv4_pool not in ("", AMAZON_POOL):
        arguments["PublicIpv4Pool"] = request.public_ipv4_pool
    if request.border_group:
        arguments["NetworkBorderGroup"] = request.border_group
    return arguments
