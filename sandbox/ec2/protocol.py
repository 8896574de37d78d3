"""The EC2 Query protocol, inbound: form parameters to typed requests.

Lists arrive as `Name.1`, `Name.2`; structures as `Name.1.Field`. Source: the "Making API requests" pages of the EC2
developer guide, and the serializers of botocore and of the AWS SDK for Go.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from urllib.parse import parse_qsl

from sandbox.ec2.model import Ec2Error
from sandbox.ec2.requests import (
    AllocateAddress,
    AssociateAddress,
    CreateTags,
    DeleteTags,
    DescribeAccountAttributes,
    DescribeAddresses,
    DescribeAvailabilityZones,
    DescribeNetworkInterfaces,
    DescribeSurroundings,
    DisassociateAddress,
    Filter,
    ReleaseAddress,
    Request,
)

Params = Mapping[str, str]
_SURROUNDINGS = frozenset(
    {"DescribeInstances", "DescribeRouteTables", "DescribeSecurityGroups", "DescribeSubnets", "DescribeVpcEndpoints"}
)


def parse_form(body: str) -> Params:
    """The form's parameters; of a repeated one the last."""
    return dict(parse_qsl(body, keep_blank_values=True))


def parse_request(params: Params) -> Request:
    """The typed request. Raises InvalidAction, MissingParameter, InvalidParameterValue."""
    action = params.get("Action", "")
    match action:
        case "DescribeAddresses" | "DescribeNetworkInterfaces" | "DescribeAvailabilityZones":
            return _parse_describe(action, params)
        case name if name in _SURROUNDINGS:
            return DescribeSurroundings(action=name, filters=_filters(params))
        case "DescribeAccountAttributes":
            return DescribeAccountAttributes(names=_list(params, "AttributeName"))
        case "AllocateAddress":
            return _parse_allocate(params)
        case "AssociateAddress":
            return _parse_associate(params)
        case "DisassociateAddress":
            return DisassociateAddress(association_id=_required(params, "AssociationId"))
        case "ReleaseAddress":
            group = params.get("NetworkBorderGroup", "")
            return ReleaseAddress(allocation_id=_required(params, "AllocationId"), border_group=group)
        case "CreateTags":
            return CreateTags(resources=_resources(params), tags=_tags(_structures(params, "Tag")))
        case "DeleteTags":
            return DeleteTags(resources=_resources(params), tags=_tags_to_delete(params))
    raise Ec2Error("InvalidAction", f"The action {action or '(none)'} is not valid for this web service.")


def is_dry_run(params: Params) -> bool:
    """Whether the client asks only if it might. Raises InvalidParameterValue."""
    return _boolean(params, "DryRun", default=False)


def _parse_describe(action: str, params: Params) -> Request:
    match action:
        case "DescribeAddresses":
            return DescribeAddresses(
                allocation_ids=_list(params, "AllocationId"),
                public_ips=_list(params, "PublicIp"),
                filters=_filters(params),
            )
        case "DescribeNetworkInterfaces":
            return DescribeNetworkInterfaces(
                interface_ids=_list(params, "NetworkInterfaceId"),
                filters=_filters(params),
                max_results=_integer(params, "MaxResults"),
                next_token=params.get("NextToken", ""),
            )
    return DescribeAvailabilityZones()


def _parse_allocate(params: Params) -> AllocateAddress:
    specified: list[Params] = []
    for spec in _structures(params, "TagSpecification"):
        if spec.get("ResourceType") != "elastic-ip":
            raise Ec2Error(
                "InvalidParameterValue", f"'{spec.get('ResourceType')}' is not a valid taggable resource type."
            )
        specified += _structures(spec, "Tag")
    return AllocateAddress(
        pool=params.get("PublicIpv4Pool") or "amazon",
        border_group=params.get("NetworkBorderGroup", ""),
        ipam_pool=params.get("IpamPoolId", ""),
        recover=_ip(params, "Address"),
        tags=_tags(specified),
    )


def _parse_associate(params: Params) -> AssociateAddress:
    interface, instance = params.get("NetworkInterfaceId", ""), params.get("InstanceId", "")
    if not interface and not instance:
        raise Ec2Error("MissingParameter", "Either instanceId or networkInterfaceId must be specified")
    if interface and instance:
        raise Ec2Error("InvalidParameterCombination", "The instanceId and networkInterfaceId cannot both be specified")
    return AssociateAddress(
        allocation_id=_required(params, "AllocationId"),
        interface_id=interface,
        instance_id=instance,
        private_ip=_ip(params, "PrivateIpAddress"),
        allow_reassociation=_boolean(params, "AllowReassociation", default=True),
    )


def _required(params: Params, name: str) -> str:
    if not params.get(name):
        raise Ec2Error("MissingParameter", f"The request must contain the parameter {name}")
    return params[name]


def _boolean(params: Params, name: str, *, default: bool) -> bool:
    value = params.get(name, str(default)).lower()
    if value not in ("true", "false"):
        raise Ec2Error("InvalidParameterValue", f"Invalid value '{value}' for {name}.")
    return value == "true"


def _integer(params: Params, name: str) -> int | None:
    value = params.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"-?\d{1,9}", value):
        raise Ec2Error("InvalidParameterValue", f"Invalid value '{value}' for {name}.")
    return int(value)


def _ip(params: Params, name: str) -> str:
    value = params.get(name, "")
    try:
        return value and str(IPv4Address(value))
    except ValueError as error:
        raise Ec2Error("InvalidParameterValue", f"Invalid value '{value}' for {name}.") from error


def _indices(params: Params, prefix: str) -> list[str]:
    heads = {name.removeprefix(f"{prefix}.").partition(".")[0] for name in params if name.startswith(f"{prefix}.")}
    return sorted((head for head in heads if head.isdecimal()), key=int)


def _list(params: Params, prefix: str) -> tuple[str, ...]:
    return tuple(params[f"{prefix}.{index}"] for index in _indices(params, prefix) if f"{prefix}.{index}" in params)


def _structures(params: Params, prefix: str) -> list[Params]:
    return [
        {name.removeprefix(start): value for name, value in params.items() if name.startswith(start)}
        for start in (f"{prefix}.{index}." for index in _indices(params, prefix))
    ]


def _filters(params: Params) -> tuple[Filter, ...]:
    return tuple(
        Filter(name=_required(part, "Name"), values=_list(part, "Value")) for part in _structures(params, "Filter")
    )


def _tags(structures: Iterable[Params]) -> dict[str, str]:
    tags: dict[str, str] = {}
    for part in structures:
        key = _key(part)
        if key in tags:
            raise Ec2Error("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        tags[key] = part.get("Value", "")
    return tags


def _key(tag: Params) -> str:
    """May be empty, which the rules of tags refuse, but must be there."""
    return tag["Key"] if "Key" in tag else _required(tag, "Key")


def _tags_to_delete(params: Params) -> dict[str, str | None]:
    return {_key(part): part.get("Value") for part in _structures(params, "Tag")}


def _resources(params: Params) -> tuple[str, ...]:
    resources = _list(params, "ResourceId")
    if not resources:
        raise Ec2Error("MissingParameter", "The request must contain the parameter resourceIdSet")
    return resources
