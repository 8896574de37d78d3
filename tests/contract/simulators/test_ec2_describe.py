"""The two describes and the tags: filters and their limits, unknown ids, pages."""

import pytest
from botocore.config import Config

from tests.contract.simulators.ec2_scene import CONFIG, Scene, client, refused, scene


def test_every_address_filter_finds_its_address() -> None:
    with scene() as ec2:
        eni, wanted = ec2.node("10.0.0.2"), ec2.address(pool="x")
        ec2.control.add_address(border_group="us-west-2-lax-1")
        association = ec2.control.associate(wanted, eni, "10.0.0.2")
        public_ip = ec2.control.world().addresses[wanted].public_ip
        values = {
            "allocation-id": wanted,
            "association-id": association,
            "instance-id": "i-1",
            "network-border-group": "us-west-2",
            "network-interface-id": eni,
            "network-interface-owner-id": "123456789012",
            "private-ip-address": "10.0.0.2",
            "public-ip": public_ip,
            "tag:pool": "x",
            "tag-key": "pool",
        }
        for name, value in values.items():
            assert ec2.find_addresses(name, "nothing", value) == [wanted], name
            assert ec2.find_addresses(name, "nothing") == [], name


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("web-1", True),
        ("web-*", True),
        ("w?b-1", True),
        ("*", True),
        ("web-?1", False),
        ("Web-1", False),
        ("web", False),
        ("web.1", False),
        ("web-\\1", True),
        ("web-\\*", False),
    ],
)
def test_filter_values_have_wildcards_and_case(pattern: str, found: bool) -> None:
    with scene() as ec2:
        eip = ec2.address(name="web-1")
        assert ec2.find_addresses("tag:name", pattern) == ([eip] if found else [])


def test_tag_keys_have_wildcards_too() -> None:
    with scene() as ec2:
        eip = ec2.control.add_address(tags={"example.com/pool": ""}).allocation_id
        ec2.address(other="1")
        assert ec2.find_addresses("tag-key", "example.com/*") == [eip]
        assert ec2.find_addresses("tag:example.com/pool", "") == [eip]


def test_filters_are_all_required() -> None:
    with scene() as ec2:
        both = ec2.address(a="1", b="1")
        ec2.address(a="1")
        filters = ec2.api.describe_addresses(
            Filters=[{"Name": "tag-key", "Values": ["a"]}, {"Name": "tag-key", "Values": ["b"]}]
        )
        assert [address["AllocationId"] for address in filters["Addresses"]] == [both]


def test_filters_have_limits() -> None:
    with scene() as ec2:
        assert ec2.find_addresses("allocation-id", *(f"eipalloc-{n}" for n in range(200))) == []
        assert ec2.find_interfaces("addresses.private-ip-address", *(f"10.1.0.{n}" for n in range(200))) == []
        with refused("FilterLimitExceeded"):
            ec2.find_addresses("allocation-id", *(f"eipalloc-{n}" for n in range(201)))
        with refused("FilterLimitExceeded"):
            ec2.find_interfaces("addresses.private-ip-address", *(f"10.1.0.{n}" for n in range(201)))
        with refused("InvalidParameterValue"):
            ec2.find_addresses("unassociated", "true")
        with refused("InvalidParameterValue"):
            ec2.find_interfaces("allocation-id", "x")


def test_one_unknown_id_fails_the_whole_call() -> None:
    with scene() as ec2:
        eip, eni = ec2.address(), ec2.node()
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.describe_addresses(AllocationIds=[eip, "eipalloc-0"])
        with refused("InvalidAddress.NotFound"):
            ec2.api.describe_addresses(PublicIps=["192.0.2.1"])
        with refused("InvalidNetworkInterfaceID.NotFound"):
            ec2.api.describe_network_interfaces(NetworkInterfaceIds=[eni, "eni-0"])
        assert ec2.find_addresses("allocation-id", eip, "eipalloc-0") == [eip]


def test_interface_filters_find_primary_and_secondary_ips_in_their_vpc() -> None:
    with scene() as ec2:
        eni = ec2.node("10.0.0.2")
        twin = ec2.control.add_interface("10.0.0.2", vpc_id="vpc-2", zone="us-west-2b", subnet_id="subnet-2")
        for name, value in {
            "addresses.private-ip-address": "10.0.0.1",
            "private-ip-address": "10.0.0.1",
            "attachment.instance-id": "i-1",
            "network-interface-id": eni,
            "vpc-id": "vpc-1",
            "subnet-id": "subnet-1",
            "availability-zone": "us-west-2a",
            "status": "in-use",
        }.items():
            assert ec2.find_interfaces(name, value) == [eni], name
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.2") == sorted([eni, twin.interface_id])


def test_an_interface_without_an_attachment_is_shown_as_such() -> None:
    with scene() as ec2:
        eni = ec2.node()
        ec2.control.detach_interface(eni)
        ec2.control.add_interface("10.0.0.7", interface_type="branch")
        shown = ec2.api.describe_network_interfaces()["NetworkInterfaces"]
        assert [("Attachment" in one, one["Status"]) for one in shown] == [(False, "available")] * 2
        assert ec2.find_interfaces("interface-type", "branch") != [eni]


def test_interfaces_come_in_pages_of_the_size_asked_for() -> None:
    with scene() as ec2:
        ids = sorted(ec2.control.add_interface(f"10.0.0.{n}").interface_id for n in range(1, 13))
        pages = ec2.api.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5})
        sizes = [[one["NetworkInterfaceId"] for one in page["NetworkInterfaces"]] for page in pages]
        assert [len(page) for page in sizes] == [5, 5, 2]
        assert [one for page in sizes for one in page] == ids


def test_a_page_token_outlives_the_interface_that_it_ended_with() -> None:
    with scene() as ec2:
        ids = sorted(ec2.control.add_interface(f"10.0.0.{n}").interface_id for n in range(1, 8))
        token = ec2.api.describe_network_interfaces(MaxResults=5)["NextToken"]
        ec2.control.remove_interface(ids[4])
        rest = ec2.api.describe_network_interfaces(MaxResults=5, NextToken=token)
        assert [one["NetworkInterfaceId"] for one in rest["NetworkInterfaces"]] == ids[5:]


def test_a_wrong_page_is_refused() -> None:
    with scene() as ec2:
        eni = ec2.node()
        unchecked = client(ec2.url, config=CONFIG.merge(Config(parameter_validation=False)))
        for size in (4, 1001, 0, -1):
            with refused("InvalidParameterValue"):
                unchecked.describe_network_interfaces(MaxResults=size)
        unchecked.close()
        with refused("InvalidParameterCombination"):
            ec2.api.describe_network_interfaces(MaxResults=5, NetworkInterfaceIds=[eni])
        with refused("InvalidPaginationToken"):
            ec2.api.describe_network_interfaces(NextToken="no token")


def tags_of(ec2: Scene, allocation_id: str) -> dict[str, str]:
    return dict(ec2.control.world().addresses[allocation_id].tags)


def test_tags_are_made_overwritten_and_removed() -> None:
    with scene() as ec2:
        first, second = ec2.address(a="1"), ec2.address()
        ec2.api.create_tags(Resources=[first, second], Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
        assert tags_of(ec2, first) == tags_of(ec2, second) == {"a": "2", "b": ""}
        ec2.api.delete_tags(Resources=[first], Tags=[{"Key": "a", "Value": "other"}, {"Key": "b"}])
        assert tags_of(ec2, first) == {"a": "2"}
        ec2.api.delete_tags(Resources=[first])
        assert tags_of(ec2, first) == {}
        assert tags_of(ec2, second) == {"a": "2", "b": ""}


def test_interfaces_have_tags() -> None:
    with scene() as ec2:
        eni = ec2.node()
        ec2.api.create_tags(Resources=[eni], Tags=[{"Key": "node", "Value": "n1"}])
        assert ec2.find_interfaces("tag:node", "n?") == [eni]


def test_wrong_tags_are_refused_and_nothing_is_tagged() -> None:
    with scene() as ec2:
        eip = ec2.address()
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.create_tags(Resources=[eip, "eipalloc-0"], Tags=[{"Key": "a", "Value": "1"}])
        with refused("InvalidParameterValue"):
            ec2.api.create_tags(Resources=[eip], Tags=[{"Key": "aws:a", "Value": "1"}])
        with refused("InvalidParameterValue"):
            ec2.api.create_tags(Resources=[eip], Tags=[{"Key": "a" * 129, "Value": "1"}])
        with refused("TagLimitExceeded"):
            ec2.api.create_tags(Resources=[eip], Tags=[{"Key": f"k{n}", "Value": "1"} for n in range(51)])
        assert tags_of(ec2, eip) == {}
