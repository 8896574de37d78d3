"""The EC2 Query protocol, outbound: state to XML, in the names and the namespace of API version 2016-11-15.

Answers are trees of plain Python values first: a dict is a structure, a list a set of `item`s, None is left out.
"""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from sandbox.ec2.describe import Page
from sandbox.ec2.model import Address, Ec2Error, Interface, World

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'

Tree = Mapping[str, "Value"]
Value = str | bool | int | Tree | Sequence[Tree] | None


def render_answer(action: str, request_id: str, tree: Tree) -> bytes:
    """The document of a successful answer."""
    root = f"{action}Response"
    inner = _render({"requestId": request_id, **tree})
    return f'{HEADER}<{root} xmlns="{NAMESPACE}">{inner}</{root}>'.encode()


def render_error(error: Ec2Error, request_id: str) -> bytes:
    """The document of a refusal."""
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    errors = f"<Errors><Error>{inner}</Error></Errors>"
    return f"{HEADER}<Response>{errors}<RequestID>{request_id}</RequestID></Response>".encode()


def _render(tree: Tree) -> str:
    return "".join(f"<{name}>{_text(value)}</{name}>" for name, value in tree.items() if value is not None)


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return escape(str(value), {"\r": "&#13;"})  # a reader takes a bare one for a line feed
    if isinstance(value, Mapping):
        return _render(value)
    return "".join(f"<item>{_render(item)}</item>" for item in value or ())


def allocated_tree(address: Address) -> Tree:
    """The answer of AllocateAddress."""
    return {
        "publicIp": address.public_ip,
        "domain": "vpc",
        "allocationId": address.allocation_id,
        "publicIpv4Pool": address.pool,
        "networkBorderGroup": address.border_group,
    }


def address_tree(world: World, address: Address, account: str) -> Tree:
    """One item of the answer of DescribeAddresses; `instanceId` only where the interface is attached to one."""
    tree = {**allocated_tree(address), "tagSet": _tag_items(address.tags)}
    if address.service_managed:
        tree["serviceManaged"] = address.service_managed
    held = address.association
    if held is None:
        return tree
    interface = world.interfaces.get(held.interface_id)
    return {
        **tree,
        "instanceId": interface.instance_id if interface else None,
        "associationId": held.association_id,
        "networkInterfaceId": held.interface_id,
        "networkInterfaceOwnerId": account,
        "privateIpAddress": held.private_ip,
    }


def _tag_items(tags: Mapping[str, str]) -> list[Tree]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def interfaces_tree(world: World, page: Page, account: str) -> Tree:
    """The answer of DescribeNetworkInterfaces."""
    standing = {
        (held.interface_id, held.private_ip): address
        for address in world.addresses.values()
        if (held := address.association)
    }
    items = [_interface_tree(interface, standing, account) for interface in page.interfaces]
    return {"networkInterfaceSet": items, "nextToken": page.next_token or None}


def _interface_tree(interface: Interface, standing: Mapping[tuple[str, str], Address], account: str) -> Tree:
    def association(private_ip: str) -> Tree | None:
        address = standing.get((interface.interface_id, private_ip))
        return _association_tree(address, account) if address else None

    return {
        "networkInterfaceId": interface.interface_id,
        "subnetId": interface.subnet_id,
        "vpcId": interface.vpc_id,
        "availabilityZone": interface.zone,
        "description": "",
        "ownerId": account,
        "requesterManaged": False,
        "status": "in-use" if interface.instance_id else "available",
        "privateIpAddress": interface.private_ip,
        "interfaceType": interface.interface_type,
        "sourceDestCheck": True,
        "tagSet": _tag_items(interface.tags),
        "attachment": _attachment_tree(interface, account),
        "association": association(interface.private_ip),
        "privateIpAddressesSet": [
            {"privateIpAddress": ip, "primary": ip == interface.private_ip, "association": association(ip)}
            for ip in interface.listed_ips
        ],
        "ipv4PrefixSet": [{"ipv4Prefix": prefix} for prefix in interface.prefixes],
    }


def _association_tree(address: Address, account: str) -> Tree | None:
    if address.association is None:
        return None
    return {
        "publicIp": address.public_ip,
        "ipOwnerId": account,
        "allocationId": address.allocation_id,
        "associationId": address.association.association_id,
    }


def _attachment_tree(interface: Interface, account: str) -> Tree | None:
    if interface.instance_id is None:
        return None
    return {
        "attachmentId": interface.interface_id.replace("eni-", "eni-attach-", 1),
        "instanceId": interface.instance_id,
        "instanceOwnerId": account,
        "deviceIndex": interface.device_index,
        "status": "attached",
        "deleteOnTermination": True,
    }


def attributes_tree(attributes: Mapping[str, str]) -> Tree:
    """The answer of DescribeAccountAttributes."""
    return {
        "accountAttributeSet": [
            {"attributeName": name, "attributeValueSet": [{"attributeValue": value}]}
            for name, value in attributes.items()
        ]
    }


def zones_tree(region: str) -> Tree:
    """The answer of DescribeAvailabilityZones: three ordinary zones."""
    return {
        "availabilityZoneInfo": [
            {
                "zoneName": f"{region}{letter}",
                "zoneState": "available",
                "regionName": region,
                "zoneType": "availability-zone",
                "networkBorderGroup": region,
                "groupName": region,
            }
            for letter in "abc"
        ]
    }
