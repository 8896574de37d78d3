"""What is around the instances, as botocore reads it, and dry runs. moto's answers are a second opinion."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from sandbox.ec2.network import Ingress, InstanceOptions, Network, Route, RouteTable, SecurityGroup, VpcEndpoint
from sandbox.ec2.settings import Ec2Settings
from tests.contract.simulators.ec2_scene import Scene, refused, scene

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import FilterTypeDef

NETWORK = Network(
    route_tables=(
        RouteTable(table_id="rtb-main", main=True, routes=(Route(nat_gateway="nat-1"),)),
        RouteTable(table_id="rtb-out", subnets=("subnet-1",), routes=(Route(gateway="igw-1"),)),
        RouteTable(table_id="rtb-other", vpc_id="vpc-2", main=True),
    ),
    security_groups=(
        SecurityGroup(
            group_id="sg-1", ingress=(Ingress(from_port=80, to_port=81, cidrs=("10.0.0.0/8",), groups=("sg-2",)),)
        ),
    ),
    instances={"i-1": InstanceOptions(hop_limit=1)},
    endpoints=(VpcEndpoint(endpoint_id="vpce-1", service="com.amazonaws.us-west-2.ec2"),),
)


@pytest.fixture
def ec2() -> Iterator[Scene]:
    """An instance in a network."""
    with scene() as made:
        made.node("10.0.0.2")
        made.control.network(NETWORK)
        yield made


def test_an_instance_is_described_with_its_interfaces_groups_and_metadata_options(ec2: Scene) -> None:
    [reservation] = ec2.api.describe_instances(Filters=[{"Name": "instance-id", "Values": ["i-1"]}])["Reservations"]
    [instance] = reservation["Instances"]
    assert (instance["VpcId"], instance["SubnetId"], instance["State"]["Name"]) == ("vpc-1", "subnet-1", "running")
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    [interface] = instance["NetworkInterfaces"]
    assert (interface["SubnetId"], interface["Groups"]) == ("subnet-1", [{"GroupId": "sg-1", "GroupName": "sg-1"}])
    assert ec2.api.describe_instances(Filters=[{"Name": "instance-id", "Values": ["i-2"]}])["Reservations"] == []


def test_route_tables_tell_whose_they_are_and_where_they_lead(ec2: Scene) -> None:
    found = ec2.api.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}])["RouteTables"]
    main, out = found
    assert [link["Main"] for link in main["Associations"]] == [True]
    assert "SubnetId" not in main["Associations"][0]
    assert [(link["Main"], link["SubnetId"]) for link in out["Associations"]] == [(False, "subnet-1")]
    assert [route.get("GatewayId", route.get("NatGatewayId")) for route in main["Routes"]] == ["local", "nat-1"]
    assert out["Routes"][1] == {
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": "igw-1",
        "State": "active",
        "Origin": "CreateRoute",
    }


def test_groups_endpoints_and_subnets_are_described(ec2: Scene) -> None:
    [group] = ec2.api.describe_security_groups(Filters=[{"Name": "group-id", "Values": ["sg-1"]}])["SecurityGroups"]
    [rule] = group["IpPermissions"]
    assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 80, 81)
    assert (rule["IpRanges"], rule["UserIdGroupPairs"][0]["GroupId"]) == ([{"CidrIp": "10.0.0.0/8"}], "sg-2")
    assert "FromPort" not in group["IpPermissionsEgress"][0]
    [endpoint] = ec2.api.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}])["VpcEndpoints"]
    assert (endpoint["ServiceName"], endpoint["State"]) == ("com.amazonaws.us-west-2.ec2", "available")
    [subnet] = ec2.api.describe_subnets(Filters=[{"Name": "vpc-id", "Values": ["vpc-1"]}])["Subnets"]
    assert (subnet["SubnetId"], subnet["MapPublicIpOnLaunch"]) == ("subnet-1", False)


def test_moto_answers_with_the_same_fields(ec2: Scene) -> None:
    with mock_aws():
        theirs = boto3.client("ec2", region_name="us-west-2", aws_access_key_id="a", aws_secret_access_key="s")
        vpc = theirs.describe_vpcs()["Vpcs"][0]["VpcId"]
        of_vpc: list[FilterTypeDef] = [{"Name": "vpc-id", "Values": [vpc]}]
        tables = theirs.describe_route_tables(Filters=of_vpc)["RouteTables"]
        groups = theirs.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
        subnets = theirs.describe_subnets(Filters=of_vpc)["Subnets"]
    ours = ec2.api.describe_route_tables()["RouteTables"]
    assert ours[0]["Associations"][0].keys() <= {*tables[0]["Associations"][0], "AssociationState"}
    assert ours[0]["Routes"][0].keys() <= tables[0]["Routes"][0].keys()
    assert ours[0].keys() <= {*tables[0], "OwnerId"}
    assert ec2.api.describe_security_groups()["SecurityGroups"][0].keys() <= groups[0].keys()
    assert ec2.api.describe_subnets()["Subnets"][0].keys() <= subnets[0].keys()


def test_a_dry_run_says_what_would_happen_and_does_nothing(ec2: Scene) -> None:
    eip, eni = ec2.address(), next(iter(ec2.control.world().interfaces))
    with refused("DryRunOperation", 412):
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni, DryRun=True)
    with refused("InvalidAllocationID.NotFound"):
        ec2.api.release_address(AllocationId="eipalloc-0", DryRun=True)
    with refused("DryRunOperation", 412):
        ec2.api.release_address(AllocationId=eip, DryRun=True)
    with refused("DryRunOperation", 412):
        ec2.api.allocate_address(Domain="vpc", DryRun=True)
    assert ec2.where(eip) is None
    assert list(ec2.control.world().addresses) == [eip]


def test_an_ec2_may_look_at_the_right_before_the_parameters() -> None:
    with scene(Ec2Settings(dry_run_validates=False)) as ec2, refused("DryRunOperation", 412):
        ec2.api.release_address(AllocationId="eipalloc-0", DryRun=True)
