"""The describes of instances and of what is around them, as trees: names and nesting are those of botocore's model.

An instance is what interfaces name: there is nothing else to it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from sandbox.ec2.filters import conditions, matches
from sandbox.ec2.model import Ec2Error, Interface, World
from sandbox.ec2.network import Ingress, InstanceOptions, Route, RouteTable, SecurityGroup, VpcEndpoint
from sandbox.ec2.requests import DescribeSurroundings
from sandbox.ec2.xml import Tree

T = TypeVar("T")
Readers = Mapping[str, Callable[[T], Iterable[str]]]


def surroundings_tree(world: World, request: DescribeSurroundings, account: str) -> Tree:
    """The answer to this describe, in one page."""
    match request.action:
        case "DescribeInstances":
            return _instances(world, request, account)
        case "DescribeRouteTables":
            return {"routeTableSet": [_route_table(t, account) for t in _passing(_TABLES, _tables(world), request)]}
        case "DescribeSecurityGroups":
            groups = _passing(_GROUPS, world.network.security_groups, request)
            return {"securityGroupInfo": [_group(group, account) for group in groups]}
        case "DescribeVpcEndpoints":
            found = _passing(_ENDPOINTS, world.network.endpoints, request)
            return {"vpcEndpointSet": [_endpoint(endpoint, account) for endpoint in found]}
        case "DescribeSubnets":
            return {"subnetSet": [_subnet(*found, account) for found in _passing(_SUBNETS, _subnets(world), request)]}
    raise Ec2Error("InvalidAction", f"The action {request.action} is not valid for this web service.")


def _passing(readers: Readers[T], items: Iterable[T], request: DescribeSurroundings) -> list[T]:
    required = conditions(request.filters, readers)
    return [item for item in items if matches(required, partial(_read, readers, item))]


def _read(readers: Readers[T], item: T, name: str) -> Iterable[str]:
    return readers[name](item) if name in readers else ()


_TABLES: Readers[RouteTable] = {
    "vpc-id": lambda table: (table.vpc_id,),
    "route-table-id": lambda table: (table.table_id,),
    "association.subnet-id": lambda table: table.subnets,
    "association.main": lambda table: ("true",) if table.main else (),
}
_GROUPS: Readers[SecurityGroup] = {
    "vpc-id": lambda group: (group.vpc_id,),
    "group-id": lambda group: (group.group_id,),
}
_ENDPOINTS: Readers[VpcEndpoint] = {
    "vpc-id": lambda endpoint: (endpoint.vpc_id,),
    "service-name": lambda endpoint: (endpoint.service,),
}
_SUBNETS: Readers[tuple[str, str, str]] = {
    "subnet-id": lambda found: (found[0],),
    "vpc-id": lambda found: (found[1],),
}
_INSTANCES: Readers[tuple[str, Sequence[Interface]]] = {
    "instance-id": lambda found: (found[0],),
    "vpc-id": lambda found: {interface.vpc_id for interface in found[1]},
}


def _tables(world: World) -> Iterable[RouteTable]:
    return world.network.route_tables


def _subnets(world: World) -> list[tuple[str, str, str]]:
    return sorted({(i.subnet_id, i.vpc_id, i.zone) for i in world.interfaces.values()})


def _instances(world: World, request: DescribeSurroundings, account: str) -> Tree:
    by_id: dict[str, list[Interface]] = {}
    for interface in sorted(world.interfaces.values(), key=lambda found: found.device_index):
        if interface.instance_id:
            by_id.setdefault(interface.instance_id, []).append(interface)
    found = _passing(_INSTANCES, sorted(by_id.items()), request)
    items = [_instance(world, name, interfaces, account) for name, interfaces in found]
    reservations = [{"reservationId": f"r-{name}", "ownerId": account} for name, _ in found]
    return {"reservationSet": [{**r, "instancesSet": [item]} for r, item in zip(reservations, items, strict=True)]}


_CODES = {"pending": 0, "running": 16, "stopped": 80}


def _instance(world: World, name: str, interfaces: Sequence[Interface], account: str) -> Tree:
    options, first = world.network.instances.get(name, InstanceOptions()), interfaces[0]
    state = world.instance_states.get(name, "running")
    groups: list[Tree] = [{"groupId": group, "groupName": group} for group in options.groups]
    return {
        "instanceId": name,
        "instanceState": {"code": _CODES[state], "name": state},
        "privateIpAddress": first.private_ip,
        "subnetId": first.subnet_id,
        "vpcId": first.vpc_id,
        "placement": {"availabilityZone": first.zone, "tenancy": "default"},
        "groupSet": groups,
        "networkInterfaceSet": [
            {
                "networkInterfaceId": interface.interface_id,
                "subnetId": interface.subnet_id,
                "vpcId": interface.vpc_id,
                "ownerId": account,
                "status": "in-use",
                "privateIpAddress": interface.private_ip,
                "groupSet": groups,
            }
            for interface in interfaces
        ],
        "metadataOptions": {
            "state": "applied",
            "httpTokens": options.http_tokens,
            "httpPutResponseHopLimit": options.hop_limit,
            "httpEndpoint": options.http_endpoint,
        },
    }


def _route_table(table: RouteTable, account: str) -> Tree:
    links = [*(["main"] if table.main else []), *table.subnets]
    return {
        "routeTableId": table.table_id,
        "vpcId": table.vpc_id,
        "ownerId": account,
        "routeSet": [_route(Route(destination="10.0.0.0/16", gateway="local")), *map(_route, table.routes)],
        "associationSet": [
            {
                "routeTableAssociationId": f"rtbassoc-{table.table_id}-{link}",
                "routeTableId": table.table_id,
                "main": link == "main",
                "subnetId": None if link == "main" else link,
                "associationState": {"state": "associated"},
            }
            for link in links
        ],
    }


def _route(route: Route) -> Tree:
    return {
        "destinationCidrBlock": route.destination,
        "gatewayId": route.gateway or None,
        "natGatewayId": route.nat_gateway or None,
        "state": route.state,
        "origin": "CreateRouteTable" if route.gateway == "local" else "CreateRoute",
    }


def _group(group: SecurityGroup, account: str) -> Tree:
    return {
        "ownerId": account,
        "groupId": group.group_id,
        "groupName": group.group_id,
        "groupDescription": "",
        "vpcId": group.vpc_id,
        "ipPermissions": [_rule(rule, account) for rule in group.ingress],
        "ipPermissionsEgress": [_rule(Ingress(protocol="-1", cidrs=("0.0.0.0/0",)), account)],
    }


def _rule(rule: Ingress, account: str) -> Tree:
    return {
        "ipProtocol": rule.protocol,
        "fromPort": rule.from_port,
        "toPort": rule.to_port,
        "groups": [{"userId": account, "groupId": name} for name in rule.groups],
        "ipRanges": [{"cidrIp": cidr} for cidr in rule.cidrs],
    }


def _endpoint(endpoint: VpcEndpoint, account: str) -> Tree:
    return {
        "vpcEndpointId": endpoint.endpoint_id,
        "vpcEndpointType": endpoint.kind,
        "vpcId": endpoint.vpc_id,
        "serviceName": endpoint.service,
        "state": endpoint.state,
        "ownerId": account,
        "privateDnsEnabled": endpoint.kind == "Interface",
    }


def _subnet(name: str, vpc: str, zone: str, account: str) -> Tree:
    return {
        "subnetId": name,
        "subnetArn": f"arn:aws:ec2:{zone[:-1]}:{account}:subnet/{name}",
        "state": "available",
        "vpcId": vpc,
        "ownerId": account,
        "availabilityZone": zone,
        "cidrBlock": "10.0.0.0/16",
        "mapPublicIpOnLaunch": False,
    }
