"""AssociateAddress and DisassociateAddress: whose address stands where, and who may move it."""

import pytest
from botocore.exceptions import ClientError

from sandbox.ec2.settings import Ec2Settings
from tests.contract.simulators.ec2_scene import Scene, refused, scene


def associate(ec2: Scene, allocation_id: str, interface_id: str, ip: str, *, allow: bool | None = None) -> str:
    """Associates; `allow` None leaves AllowReassociation out. Returns the association id."""
    if allow is None:
        answer = ec2.api.associate_address(
            AllocationId=allocation_id, NetworkInterfaceId=interface_id, PrivateIpAddress=ip
        )
    else:
        answer = ec2.api.associate_address(
            AllocationId=allocation_id, NetworkInterfaceId=interface_id, PrivateIpAddress=ip, AllowReassociation=allow
        )
    return answer["AssociationId"]


def test_both_describes_show_an_association_at_its_private_ip() -> None:
    with scene() as ec2:
        eni, eip = ec2.node("10.0.0.2"), ec2.address()
        association = associate(ec2, eip, eni, "10.0.0.2")
        shown = ec2.api.describe_addresses(AllocationIds=[eip])["Addresses"][0]
        interface = ec2.api.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]
        assert shown["AssociationId"] == association
        assert (shown["NetworkInterfaceId"], shown["PrivateIpAddress"]) == (eni, "10.0.0.2")
        assert (shown["InstanceId"], shown["NetworkInterfaceOwnerId"]) == ("i-1", "123456789012")
        primary, secondary = interface["PrivateIpAddresses"]
        assert "Association" not in interface
        assert "Association" not in primary
        assert secondary["Association"]["AllocationId"] == eip
        assert secondary["Association"]["PublicIp"] == shown["PublicIp"]


def test_without_a_private_ip_the_primary_is_meant() -> None:
    with scene() as ec2:
        eni, eip = ec2.node("10.0.0.2"), ec2.address()
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni)
        assert ec2.where(eip) == "10.0.0.1"


def test_an_instance_stands_for_its_only_interface() -> None:
    with scene() as ec2:
        ec2.node()
        eip = ec2.address()
        ec2.api.associate_address(AllocationId=eip, InstanceId="i-1")
        assert ec2.where(eip) == "10.0.0.1"
        ec2.control.add_interface("10.0.0.9", instance_id="i-1", device_index=1)
        with refused("InvalidInstanceID"):
            ec2.api.associate_address(AllocationId=eip, InstanceId="i-1")
        with refused("InvalidInstanceID.NotFound"):
            ec2.api.associate_address(AllocationId=eip, InstanceId="i-2")


@pytest.mark.parametrize("allow", [None, True, False])
def test_the_same_association_again_keeps_its_id(allow: bool | None) -> None:
    with scene(Ec2Settings(occupied_ip="refuse")) as ec2:
        eni, eip = ec2.node(), ec2.address()
        first = associate(ec2, eip, eni, "10.0.0.1", allow=False)
        assert associate(ec2, eip, eni, "10.0.0.1", allow=allow) == first


def test_an_associated_address_is_not_moved_if_reassociation_is_forbidden() -> None:
    with scene() as ec2:
        eni, eip = ec2.node("10.0.0.2"), ec2.address()
        associate(ec2, eip, eni, "10.0.0.1")
        with refused("Resource.AlreadyAssociated"):
            associate(ec2, eip, eni, "10.0.0.2", allow=False)
        assert ec2.where(eip) == "10.0.0.1"


@pytest.mark.parametrize("allow", [None, True])
def test_reassociation_is_automatic_and_gives_a_new_id(allow: bool | None) -> None:
    with scene() as ec2:
        eni, eip = ec2.node("10.0.0.2"), ec2.address()
        first = associate(ec2, eip, eni, "10.0.0.1")
        assert associate(ec2, eip, eni, "10.0.0.2", allow=allow) != first
        assert ec2.where(eip) == "10.0.0.2"


def test_an_occupied_private_ip_displaces_the_old_address() -> None:
    with scene(Ec2Settings(occupied_ip="displace")) as ec2:
        eni, old, new = ec2.node(), ec2.address(), ec2.address()
        associate(ec2, old, eni, "10.0.0.1", allow=False)
        associate(ec2, new, eni, "10.0.0.1", allow=False)
        assert (ec2.where(old), ec2.where(new)) == (None, "10.0.0.1")
        assert [h.cause for h in ec2.control.holdings()] == ["displaced", ""]
        assert [h.contended for h in ec2.control.holdings()] == [True, False]


def test_an_occupied_private_ip_refuses_and_names_the_interface() -> None:
    with scene(Ec2Settings(occupied_ip="refuse")) as ec2:
        eni, old, new = ec2.node(), ec2.address(), ec2.address()
        associate(ec2, old, eni, "10.0.0.1")
        with pytest.raises(ClientError, match=f"Resource.AlreadyAssociated.*{eni}"):
            associate(ec2, new, eni, "10.0.0.1", allow=False)
        assert (ec2.where(old), ec2.where(new)) == ("10.0.0.1", None)


@pytest.mark.parametrize("ip", ["10.0.0.3", "10.0.1.16", "no-ip", "999.0.0.1"])
def test_an_ip_that_is_not_on_the_interface_is_refused(ip: str) -> None:
    with scene() as ec2:
        eni, eip = ec2.node("10.0.0.2", prefixes=("10.0.1.0/28",)), ec2.address()
        with refused("InvalidParameterValue"):
            associate(ec2, eip, eni, ip)


def test_an_ip_in_a_delegated_prefix_takes_an_address_but_is_not_found_by_ip() -> None:
    with scene() as ec2:
        eni, eip = ec2.node(prefixes=("10.0.1.0/28",)), ec2.address()
        associate(ec2, eip, eni, "10.0.1.15")
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.1.15") == []
        (found,) = ec2.api.describe_network_interfaces(Filters=[{"Name": "attachment.instance-id", "Values": ["i-1"]}])[
            "NetworkInterfaces"
        ]
        assert found["Ipv4Prefixes"] == [{"Ipv4Prefix": "10.0.1.0/28"}]
        assert ec2.api.describe_addresses()["Addresses"][0]["PrivateIpAddress"] == "10.0.1.15"


@pytest.mark.parametrize(
    ("zone", "group", "fits"),
    [
        ("us-west-2a", "us-west-2", True),
        ("us-west-2-lax-1a", "us-west-2-lax-1", True),
        ("us-west-2-lax-1a", "us-west-2", False),
        ("us-west-2b", "us-west-2-lax-1", False),
    ],
)
def test_address_and_interface_are_of_one_border_group(zone: str, group: str, fits: bool) -> None:
    with scene() as ec2:
        eni = ec2.node(zone=zone)
        eip = ec2.control.add_address(border_group=group).allocation_id
        if fits:
            associate(ec2, eip, eni, "10.0.0.1")
        else:
            with refused("OperationNotPermitted"):
                associate(ec2, eip, eni, "10.0.0.1")
        assert ec2.where(eip) == ("10.0.0.1" if fits else None)


def test_unknown_ids_are_not_found() -> None:
    with scene() as ec2:
        eni, eip = ec2.node(), ec2.address()
        with refused("InvalidNetworkInterfaceID.NotFound"):
            associate(ec2, eip, "eni-0", "10.0.0.1")
        with refused("InvalidAllocationID.NotFound"):
            associate(ec2, "eipalloc-0", eni, "10.0.0.1")
        ec2.control.give_away(eip)
        with refused("AuthFailure"):
            associate(ec2, eip, eni, "10.0.0.1")


def test_a_service_managed_address_cannot_be_taken() -> None:
    with scene() as ec2:
        eni = ec2.node()
        managed = ec2.control.add_address(service_managed="nlb").allocation_id
        with refused("AuthFailure"):
            associate(ec2, managed, eni, "10.0.0.1")
        assert ec2.api.describe_addresses()["Addresses"][0]["ServiceManaged"] == "nlb"


def test_a_stale_association_id_cannot_cut_a_newer_association() -> None:
    with scene() as ec2:
        eni, eip = ec2.node("10.0.0.2"), ec2.address()
        stale = associate(ec2, eip, eni, "10.0.0.1")
        fresh = associate(ec2, eip, eni, "10.0.0.2")
        with refused("InvalidAssociationID.NotFound"):
            ec2.api.disassociate_address(AssociationId=stale)
        assert ec2.where(eip) == "10.0.0.2"
        ec2.api.disassociate_address(AssociationId=fresh)
        assert ec2.where(eip) is None
        with refused("InvalidAssociationID.NotFound"):
            ec2.api.disassociate_address(AssociationId=fresh)


def test_disassociate_can_be_idempotent_as_documented() -> None:
    with scene(Ec2Settings(idempotent_disassociate=True)) as ec2:
        ec2.api.disassociate_address(AssociationId="eipassoc-0")


def test_a_lost_node_takes_its_interfaces_and_associations_along() -> None:
    with scene() as ec2:
        eni, eip = ec2.node("10.0.0.2"), ec2.address()
        association = associate(ec2, eip, eni, "10.0.0.2")
        ec2.control.kill_instance("i-1")
        assert ec2.where(eip) is None
        assert ec2.api.describe_network_interfaces()["NetworkInterfaces"] == []
        with refused("InvalidNetworkInterfaceID.NotFound"):
            ec2.api.disassociate_address(AssociationId=association)


def test_an_ip_that_leaves_the_interface_drops_its_address() -> None:
    with scene() as ec2:
        eni, kept, dropped = ec2.node("10.0.0.2", prefixes=("10.0.1.0/28",)), ec2.address(), ec2.address()
        associate(ec2, kept, eni, "10.0.0.2")
        associate(ec2, dropped, eni, "10.0.1.1")
        ec2.control.unassign_ips(eni, prefixes=["10.0.1.0/28"])
        ec2.control.assign_ips(eni, "10.0.0.3")
        assert (ec2.where(kept), ec2.where(dropped)) == ("10.0.0.2", None)
        ec2.control.unassign_ips(eni, "10.0.0.2")
        assert ec2.where(kept) is None
