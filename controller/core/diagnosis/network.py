"""What is said of the VPC: whether traffic from the Internet reaches the nodes' interfaces, and metadata their Pods.

The shapes are those of EC2's answers, as botocore gives them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from controller.core.diagnosis.finding import Check, Finding, broken, fine, listed, not_looked_at, warning

Shape = Mapping[str, Any]
ALL_PROTOCOLS: Final = "-1"
_ANYWHERE: Final = "0.0.0.0/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterfaceView:
    """One interface of a node: where it is, and the security groups that guard it."""

    interface_id: str
    subnet_id: str
    groups: frozenset[str]


def interfaces_of(instances: Sequence[Shape]) -> list[InterfaceView]:
    """All interfaces of these instances."""
    return [
        InterfaceView(
            interface_id=interface["NetworkInterfaceId"],
            subnet_id=interface.get("SubnetId", ""),
            groups=frozenset(group["GroupId"] for group in interface.get("Groups", ())),
        )
        for instance in instances
        for interface in instance.get("NetworkInterfaces", ())
    ]


def of_subnets(interfaces: Sequence[InterfaceView], tables: Sequence[Shape]) -> Finding:
    """Whether the default route of each subnet leads to an Internet gateway.

    A subnet that no route table names has the VPC's main one (VPC user guide, "Subnet route tables").
    """
    subnets = sorted({interface.subnet_id for interface in interfaces if interface.subnet_id})
    private = [subnet for subnet in subnets if not _is_public(_table_of(subnet, tables))]
    check, named = Check.SUBNETS, listed(private)
    if not subnets:
        return not_looked_at(check, "no interface of a node is known")
    advice = "Run Pods that ask for an address on nodes in public subnets, or route 0.0.0.0/0 to an Internet gateway"
    if len(private) == len(subnets):
        text = f"no subnet of the nodes ({named}) has a route to an Internet gateway: no Elastic IP answers there"
        return broken(check, text, advice)
    if private:
        text = f"{len(private)} of {len(subnets)} subnets of the nodes ({named}) have no route to an Internet gateway"
        return warning(check, f"{text}: an Elastic IP of a Pod there does not answer", advice)
    return fine(check, f"all {len(subnets)} subnets of the nodes have a route to an Internet gateway")


def _table_of(subnet: str, tables: Sequence[Shape]) -> Shape:
    """Its own route table, else the main one, else an empty one."""
    links = [(link, table) for table in tables for link in table.get("Associations", ())]
    own = [table for link, table in links if link.get("SubnetId") == subnet]
    return next(iter([*own, *(table for link, table in links if link.get("Main"))]), {})


def _is_public(table: Shape) -> bool:
    return any(
        route.get("DestinationCidrBlock") == _ANYWHERE
        and str(route.get("GatewayId", "")).startswith("igw-")
        and route.get("State", "active") == "active"
        for route in table.get("Routes", ())
    )


def of_security_groups(interfaces: Sequence[InterfaceView], groups: Sequence[Shape], port: int) -> Finding:
    """Whether a rule of each interface's groups lets the port in; who is let in by one group is let in."""
    check = Check.SECURITY_GROUPS
    rules = {group["GroupId"]: [r for r in group.get("IpPermissions", ()) if _covers(r, port)] for group in groups}
    open_ = {i.interface_id: [r for name in i.groups for r in rules.get(name, ())] for i in interfaces}
    shut = sorted(name for name, found in open_.items() if not found)
    if not open_:
        return not_looked_at(check, "no interface of a node is known")
    if shut:
        text = f"no security group of {len(shut)} of {len(open_)} interfaces ({listed(shut)}) lets port {port} in"
        return warning(check, text, "Add a rule to the nodes' security group; Pods with groups of their own have these")
    wide = all(any(_ANYWHERE in _sources(rule) for rule in found) for found in open_.values())
    sources = sorted({source for found in open_.values() for rule in found for source in _sources(rule)})
    return fine(check, f"port {port} is let in on all interfaces, from {'everywhere' if wide else listed(sources)}")


def _covers(rule: Shape, port: int) -> bool:
    if rule.get("IpProtocol") == ALL_PROTOCOLS:
        return True
    known = rule.get("IpProtocol") in ("tcp", "udp", "6", "17")
    return known and int(rule.get("FromPort", -1)) <= port <= int(rule.get("ToPort", -1))


def _sources(rule: Shape) -> Iterator[str]:
    yield from (entry["CidrIp"] for entry in rule.get("IpRanges", ()))
    yield from (entry["CidrIpv6"] for entry in rule.get("Ipv6Ranges", ()))
    yield from (entry["PrefixListId"] for entry in rule.get("PrefixListIds", ()))
    yield from (entry["GroupId"] for entry in rule.get("UserIdGroupPairs", ()) if entry.get("GroupId"))


CREDENTIALS: Final = "credentials"
_TWO_HOPS: Final = (
    "Set region and vpcID, and give the ServiceAccount a role; or allow two hops: "
    "`aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2 --instance-id ...`"
)


def of_metadata(instances: Sequence[Shape], needed_for: Sequence[str]) -> Finding:
    """Whether a Pod on these instances reaches instance metadata. `needed_for`: what the controller takes from there.

    A Pod is a network hop further than its node, and the answer with the token of version 2 may make so many hops (EC2
    user guide, "Use the Instance Metadata Service"). We take Region and VPC by version 2 alone; for
    credentials botocore falls back to version 1, where that is allowed.
    """
    check = Check.METADATA
    if not needed_for:
        return fine(check, "nothing is taken from instance metadata")
    old = set(needed_for) == {CREDENTIALS}
    far = sorted(str(found["InstanceId"]) for found in instances if not _reaches(found.get("MetadataOptions", {}), old))
    what = " and ".join(needed_for)
    if not instances:
        return not_looked_at(check, f"{what}: from instance metadata, and no instance is known")
    if far:
        text = f"{what}: from instance metadata, which Pods on {listed(far)} do not reach (hop limit 1, or off)"
        return warning(check, text, _TWO_HOPS)
    return fine(check, f"{what}: from instance metadata, which Pods reach on all {len(instances)} instances")


def _reaches(options: Shape, by_version_1: bool) -> bool:
    if options.get("HttpEndpoint", "enabled") == "disabled":
        return False
    without_token = by_version_1 and options.get("HttpTokens") != "required"
    return without_token or int(options.get("HttpPutResponseHopLimit", 1)) > 1
