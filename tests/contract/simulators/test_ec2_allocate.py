"""AllocateAddress and ReleaseAddress: pools, quota, and what a release may not cut."""

from typing import TYPE_CHECKING

import pytest

from sandbox.ec2.settings import Ec2Settings
from tests.contract.simulators.ec2_scene import refused, scene

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import TagTypeDef


def test_an_address_is_tagged_from_birth() -> None:
    with scene() as ec2:
        tags: list[TagTypeDef] = [{"Key": "a/b", "Value": "1"}, {"Key": "empty", "Value": ""}]
        born = ec2.api.allocate_address(
            Domain="vpc",
            TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}],
        )
        (shown,) = ec2.api.describe_addresses(Filters=[{"Name": "tag:a/b", "Values": ["1"]}])["Addresses"]
        assert shown["Tags"] == tags
        assert (shown["AllocationId"], shown["PublicIp"]) == (born["AllocationId"], born["PublicIp"])
        assert (shown["PublicIpv4Pool"], shown["NetworkBorderGroup"], shown["Domain"]) == ("amazon", "us-west-2", "vpc")
        assert "AssociationId" not in shown


def test_only_pools_that_exist_give_addresses() -> None:
    with scene(Ec2Settings(pools=("ipv4pool-ec2-1",), quota=0)) as ec2:
        answer = ec2.api.allocate_address(PublicIpv4Pool="ipv4pool-ec2-1")
        assert answer["PublicIpv4Pool"] == "ipv4pool-ec2-1"
        with refused("InvalidPublicIpv4PoolID.NotFound"):
            ec2.api.allocate_address(PublicIpv4Pool="ipv4pool-ec2-2")
        with refused("AddressLimitExceeded"):
            ec2.api.allocate_address(PublicIpv4Pool="amazon")


def test_border_groups_of_the_region_give_addresses() -> None:
    with scene(Ec2Settings(border_groups=("us-west-2-lax-1",))) as ec2:
        assert ec2.api.allocate_address(NetworkBorderGroup="us-west-2-lax-1")["NetworkBorderGroup"] == "us-west-2-lax-1"
        with refused("InvalidParameterValue"):
            ec2.api.allocate_address(NetworkBorderGroup="eu-west-1")


def test_the_quota_counts_what_is_held_and_frees_on_release() -> None:
    with scene(Ec2Settings(quota=2)) as ec2:
        ec2.control.add_address(service_managed="nlb")
        first = ec2.api.allocate_address()["AllocationId"]
        ec2.api.allocate_address()
        with refused("AddressLimitExceeded"):
            ec2.api.allocate_address()
        ec2.api.release_address(AllocationId=first)
        ec2.api.allocate_address()


def test_the_attributes_of_the_account_tell_the_quota() -> None:
    with scene(Ec2Settings(quota=2)) as ec2:
        told = ec2.api.describe_account_attributes()["AccountAttributes"]
        values = {one["AttributeName"]: [v["AttributeValue"] for v in one["AttributeValues"]] for one in told}
        assert values == {"default-vpc": ["none"], "max-elastic-ips": ["2"], "vpc-max-elastic-ips": ["2"]}
        (default,) = ec2.api.describe_account_attributes(AttributeNames=["default-vpc"])["AccountAttributes"]
        assert default["AttributeName"] == "default-vpc"


def test_without_a_quota_there_is_no_such_attribute() -> None:
    with scene() as ec2:
        (only,) = ec2.api.describe_account_attributes()["AccountAttributes"]
        assert only["AttributeName"] == "default-vpc"


def test_a_released_address_can_be_recovered() -> None:
    with scene() as ec2:
        born = ec2.api.allocate_address()
        with refused("InvalidAddress.NotFound"):
            ec2.api.allocate_address(Address=born["PublicIp"])
        ec2.api.release_address(AllocationId=born["AllocationId"])
        again = ec2.api.allocate_address(Address=born["PublicIp"])
        assert again["PublicIp"] == born["PublicIp"]
        assert again["AllocationId"] != born["AllocationId"]


def test_an_associated_address_is_not_released() -> None:
    with scene() as ec2:
        eni, eip = ec2.node(), ec2.address()
        ec2.control.associate(eip, eni)
        with refused("InvalidIPAddress.InUse"):
            ec2.api.release_address(AllocationId=eip)
        assert ec2.where(eip) == "10.0.0.1"


def test_in_a_default_vpc_a_release_cuts_silently() -> None:
    with scene(Ec2Settings(default_vpc=True)) as ec2:
        eni, eip = ec2.node(), ec2.address()
        ec2.control.associate(eip, eni)
        ec2.api.release_address(AllocationId=eip)
        assert eip not in ec2.control.world().addresses
        assert [h.cause for h in ec2.control.holdings()] == ["released"]


def test_a_released_id_is_not_found_and_a_strangers_is_forbidden() -> None:
    with scene() as ec2:
        released, strange = ec2.address(), ec2.address()
        ec2.api.release_address(AllocationId=released)
        ec2.control.give_away(strange)
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.release_address(AllocationId=released)
        with refused("AuthFailure"):
            ec2.api.release_address(AllocationId=strange)


@pytest.mark.parametrize("group", ["us-west-2", "us-west-2-lax-1"])
def test_a_release_names_the_right_border_group_or_none(group: str) -> None:
    with scene() as ec2:
        eip = ec2.control.add_address(border_group="us-west-2-lax-1").allocation_id
        if group == "us-west-2":
            with refused("InvalidAddress.NotFound"):
                ec2.api.release_address(AllocationId=eip, NetworkBorderGroup=group)
        else:
            ec2.api.release_address(AllocationId=eip, NetworkBorderGroup=group)
        assert (eip in ec2.control.world().addresses) == (group == "us-west-2")


def test_a_wrong_call_is_refused() -> None:
    with scene() as ec2:
        with refused("MissingParameter"):
            ec2.api.release_address()
        with refused("MissingParameter"):
            ec2.api.associate_address(AllocationId="eipalloc-0")
        with refused("InvalidAction"):
            ec2.api.describe_vpcs()
        with refused("InvalidParameterValue"):
            ec2.api.allocate_address(TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "a", "Value": "b"}]}])
