"""What the adapter makes of descriptions: whole ones, and those that lack something."""

import logging
from collections.abc import Mapping
from typing import Any

import pytest

from controller.aws.addresses import AddressReader
from controller.aws.interfaces import BY_IP, border_group_of, pages, questions, read_interfaces
from controller.core.views import Association
from state.errors import Unavailable
from state.model import AssociationId, InterfaceId, Target

WHOLE = {
    "AllocationId": "eipalloc-1",
    "PublicIp": "198.18.0.1",
    "NetworkBorderGroup": "us-west-2-lax-1",
    "AssociationId": "eipassoc-1",
    "NetworkInterfaceId": "eni-1",
    "PrivateIpAddress": "10.0.0.1",
    "InstanceId": "i-1",
    "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b"}],
}


def without(*keys: str, **changes: Any) -> dict[str, Any]:
    """The whole description, but for these keys."""
    return {**{key: value for key, value in WHOLE.items() if key not in keys}, **changes}


def test_a_whole_address() -> None:
    (address,) = AddressReader("us-west-2").read([WHOLE])
    assert (address.allocation_id, address.public_ip, address.border_group) == (
        "eipalloc-1",
        "198.18.0.1",
        "us-west-2-lax-1",
    )
    assert address.tags == {"a": "1", "b": ""}
    assert address.association == Association(
        association_id=AssociationId("eipassoc-1"),
        target=Target(interface_id=InterfaceId("eni-1"), private_ip="10.0.0.1"),
        instance_id="i-1",
    )


def test_an_address_without_a_border_group_is_the_regions() -> None:
    (address,) = AddressReader("us-west-2").read([without("NetworkBorderGroup", "InstanceId")])
    assert address.border_group == "us-west-2"
    assert address.association is not None
    assert address.association.instance_id is None


@pytest.mark.parametrize("lacking", ["PublicIp", "AssociationId", "NetworkInterfaceId", "PrivateIpAddress"])
def test_half_an_address_is_left_alone_and_reported_once(lacking: str, caplog: pytest.LogCaptureFixture) -> None:
    reader = AddressReader("us-west-2")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            half, whole = reader.read([without(lacking), without(AllocationId="eipalloc-2")])
            assert (half.allocation_id, half.readable) == ("eipalloc-1", False), "it is there, which is no absence"
            assert (whole.allocation_id, whole.readable) == ("eipalloc-2", True)
    assert [record.args for record in caplog.records] == [("eipalloc-1", f"'{lacking}'")]


def test_relics_and_managed_addresses_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    classic, managed = without("AllocationId"), without(ServiceManaged="alb")
    assert AddressReader("us-west-2").read([classic, managed]) == []
    assert not caplog.records


def test_a_wavelength_address_has_a_carrier_ip() -> None:
    (address,) = AddressReader("us-west-2").read([without("PublicIp", CarrierIp="155.146.0.1")])
    assert address.public_ip == "155.146.0.1"


def test_an_interface_with_everything() -> None:
    (interface,) = read_interfaces(
        [
            {
                "NetworkInterfaceId": "eni-1",
                "PrivateIpAddress": "10.0.0.1",
                "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.0.1"}, {"PrivateIpAddress": "10.0.0.2"}],
                "Ipv4Prefixes": [{"Ipv4Prefix": "10.0.8.0/28"}],
                "Attachment": {"InstanceId": "i-1"},
                "AvailabilityZone": "us-west-2-lax-1a",
            }
        ]
    )
    assert interface.private_ips == {"10.0.0.1", "10.0.0.2"}
    assert (interface.prefixes, interface.instance_id) == (("10.0.8.0/28",), "i-1")
    assert interface.border_group == "us-west-2-lax-1"


def test_interfaces_without_this_and_that() -> None:
    bare = {"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.1", "Attachment": {"AttachmentId": "x"}}
    (interface,) = read_interfaces([{"PrivateIpAddress": "10.0.0.9"}, {"NetworkInterfaceId": "eni-v6"}, bare])
    assert (interface.interface_id, interface.instance_id, interface.border_group) == ("eni-1", None, None)


@pytest.mark.parametrize(
    ("zone", "group"),
    [
        ("us-west-2a", "us-west-2"),
        ("us-gov-east-1c", "us-gov-east-1"),
        ("us-west-2-lax-1b", "us-west-2-lax-1"),
        ("us-east-1-wl1-bos-wlz-1", "us-east-1-wl1-bos-wlz-1"),
        ("", None),
        (None, None),
    ],
)
def test_border_groups_follow_from_zones(zone: str | None, group: str | None) -> None:
    assert border_group_of(zone) == group


def test_filters_hold_two_hundred_values_and_the_vpc() -> None:
    asked = list(questions("vpc-1", BY_IP, [f"10.0.{i // 256}.{i % 256}" for i in range(401)]))
    assert [len(filters[1].get("Values", ())) for filters in asked] == [200, 200, 1]
    assert all(filters[0] == {"Name": "vpc-id", "Values": ["vpc-1"]} for filters in asked)


def page(ip: str, token: str | None) -> Mapping[str, Any]:
    """A page of one interface."""
    described = {"NetworkInterfaceId": f"eni-{ip}", "PrivateIpAddress": ip}
    return {"NetworkInterfaces": [described], **({"NextToken": token} if token else {})}


def test_pages_are_followed_to_the_end() -> None:
    book = {None: page("10.0.0.1", "b"), "b": page("10.0.0.2", "c"), "c": page("10.0.0.3", None)}
    assert [interface.interface_id for interface in pages(book.__getitem__)] == [
        "eni-10.0.0.1",
        "eni-10.0.0.2",
        "eni-10.0.0.3",
    ]


def test_a_page_that_leads_to_itself_is_no_answer() -> None:
    with pytest.raises(Unavailable):
        list(pages(lambda _: page("10.0.0.1", "again")))
