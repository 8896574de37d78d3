"""Interfaces and private IPs that come, go and change hands, as EC2 shows them and as it answers calls about them."""

import pytest

from sandbox.ec2.control import ControlError
from sandbox.ec2.settings import Ec2Settings
from tests.contract.simulators.ec2_scene import HandClock, Scene, refused, scene


def instance_of(ec2: Scene, allocation_id: str) -> str | None:
    """The instance that DescribeAddresses names for the address; None: it names none, not even an empty one."""
    (shown,) = ec2.api.describe_addresses(AllocationIds=[allocation_id])["Addresses"]
    return shown.get("InstanceId")


def test_a_deleted_interface_is_not_found_by_any_call() -> None:
    with scene() as ec2:
        eni, standing, free = ec2.node("10.0.0.2"), ec2.address(), ec2.address()
        association = ec2.control.associate(standing, eni, "10.0.0.2")
        ec2.control.remove_interface(eni)
        assert ec2.where(standing) is None
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.2") == []
        with refused("InvalidNetworkInterfaceID.NotFound", words=eni):
            ec2.api.describe_network_interfaces(NetworkInterfaceIds=[eni])
        with refused("InvalidNetworkInterfaceID.NotFound", words=eni):
            ec2.api.associate_address(AllocationId=free, NetworkInterfaceId=eni, PrivateIpAddress="10.0.0.2")
        with refused("InvalidNetworkInterfaceID.NotFound"):
            ec2.api.create_tags(Resources=[eni], Tags=[{"Key": "a", "Value": "1"}])
        with refused("InvalidNetworkInterfaceID.NotFound"):
            ec2.api.disassociate_address(AssociationId=association)


def test_an_interface_takes_its_addresses_from_instance_to_instance() -> None:
    with scene() as ec2:
        eni, eip = ec2.node("10.0.0.2"), ec2.address()
        association = ec2.control.associate(eip, eni, "10.0.0.2")
        for instance in ("i-1", None, "i-2"):
            ec2.control.attach(eni, instance)
            (shown,) = ec2.api.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"]
            assert shown.get("Attachment", {}).get("InstanceId") == instance
            assert shown["Status"] == ("in-use" if instance else "available")
            assert instance_of(ec2, eip) == instance
            assert ec2.find_addresses("association-id", association) == [eip]
        assert ec2.find_interfaces("attachment.instance-id", "i-1") == []
        ec2.control.kill_instance("i-1")
        assert ec2.where(eip) == "10.0.0.2"


def test_an_interface_that_is_attached_to_nothing_takes_an_address() -> None:
    with scene() as ec2:
        eni, eip = ec2.node(), ec2.address()
        ec2.control.attach(eni, None)
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni, PrivateIpAddress="10.0.0.1")
        assert (ec2.where(eip), instance_of(ec2, eip)) == ("10.0.0.1", None)


def test_a_new_interface_shows_late_but_can_be_used() -> None:
    clock = HandClock()
    with scene(clock=clock) as ec2:
        old, eip = ec2.node(), ec2.address()
        ec2.control.interface_lag(6)
        new = ec2.control.add_interface("10.0.0.9", instance_id="i-2").interface_id
        for passed in (0.0, 5.9):
            clock.now = 1000 + passed
            assert ec2.find_interfaces("vpc-id", "vpc-1") == [old]
            with refused("InvalidNetworkInterfaceID.NotFound"):
                ec2.api.describe_network_interfaces(NetworkInterfaceIds=[new])
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=new, PrivateIpAddress="10.0.0.9")
        assert instance_of(ec2, eip) == "i-2", "only DescribeNetworkInterfaces is late"
        clock.now = 1006
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.9") == [new]


def test_a_new_ip_of_an_old_interface_shows_late_and_a_moved_one_shows_where_it_was() -> None:
    clock = HandClock()
    with scene(Ec2Settings(interface_lag_s=6), clock) as ec2:
        first, second = ec2.node("10.0.0.2"), ec2.control.add_interface("10.0.0.9", instance_id="i-2").interface_id
        clock.now += 10
        ec2.control.assign_ips(first, "10.0.0.3")
        ec2.control.move_ip("10.0.0.2", second)
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.3") == []
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.2") == [first]
        clock.now += 6
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.3") == [first]
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.2") == [second]


def test_an_ip_that_is_unassigned_and_assigned_elsewhere_leaves_its_address_behind() -> None:
    with scene() as ec2:
        first, eip = ec2.node("10.0.0.2"), ec2.address()
        second = ec2.control.add_interface("10.0.0.9", instance_id="i-2").interface_id
        association = ec2.control.associate(eip, first, "10.0.0.2")
        ec2.control.move_ip("10.0.0.2", second)
        assert ec2.where(eip) is None
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.2") == [second]
        with refused("InvalidAssociationID.NotFound"):
            ec2.api.disassociate_address(AssociationId=association)
        with refused("InvalidParameterValue"):
            ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=first, PrivateIpAddress="10.0.0.2")
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=second, PrivateIpAddress="10.0.0.2")
        assert instance_of(ec2, eip) == "i-2"


def test_an_ip_that_is_reassigned_takes_its_address_to_the_other_instance() -> None:
    """The page of AssignPrivateIpAddresses: "any Elastic IP address that is associated ... is also moved"."""
    with scene() as ec2:
        first, eip = ec2.node("10.0.0.2"), ec2.address()
        second = ec2.control.add_interface("10.0.0.9", instance_id="i-2").interface_id
        association = ec2.control.associate(eip, first, "10.0.0.2")
        ec2.control.move_ip("10.0.0.2", second, with_address=True)
        (shown,) = ec2.api.describe_addresses()["Addresses"]
        assert (shown["NetworkInterfaceId"], shown["PrivateIpAddress"]) == (second, "10.0.0.2")
        assert shown["InstanceId"] == "i-2"
        assert shown["AssociationId"] != association
        assert [(one.interface_id, one.until is None) for one in ec2.control.holdings()] == [
            (first, False),
            (second, True),
        ]


def test_a_primary_ip_cannot_move_but_comes_back_with_another_interface() -> None:
    with scene() as ec2:
        eni, other, eip = ec2.node(), ec2.control.add_interface("10.0.0.9").interface_id, ec2.address()
        with pytest.raises(ControlError, match="primary"):
            ec2.control.move_ip("10.0.0.1", other)
        ec2.control.kill_instance("i-1")
        ec2.control.move_ip("10.0.0.1", other)
        assert ec2.find_interfaces("addresses.private-ip-address", "10.0.0.1") == [other]
        with refused("InvalidNetworkInterfaceID.NotFound"):
            ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni, PrivateIpAddress="10.0.0.1")


def test_a_starting_instance_takes_no_address_until_it_runs() -> None:
    with scene() as ec2:
        eni, eip = ec2.node(), ec2.address()
        ec2.control.instance_state("i-1", "pending")
        words = f"The pending-instance-creation instance to which '{eni}' is attached is not in a valid state"
        with refused("IncorrectInstanceState", words=words):
            ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni)
        with refused("InvalidInstanceID", words="The pending instance 'i-1' is not in a valid state"):
            ec2.api.associate_address(AllocationId=eip, InstanceId="i-1")
        assert ec2.where(eip) is None
        ec2.control.instance_state("i-1", "running")
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni)
        assert ec2.where(eip) == "10.0.0.1"


def test_a_stopped_instance_keeps_its_address_and_takes_one() -> None:
    with scene() as ec2:
        eni, kept, new = ec2.node("10.0.0.2"), ec2.address(), ec2.address()
        ec2.control.associate(kept, eni, "10.0.0.2")
        ec2.control.instance_state("i-1", "stopped")
        ec2.api.associate_address(AllocationId=new, NetworkInterfaceId=eni)
        assert (ec2.where(kept), ec2.where(new)) == ("10.0.0.2", "10.0.0.1")


def test_without_an_internet_gateway_the_interfaces_of_a_vpc_take_no_address() -> None:
    with scene() as ec2:
        eni, eip, other = ec2.node(), ec2.address(), ec2.control.add_interface("10.0.0.1", vpc_id="vpc-2")
        ec2.control.internet_gateway("vpc-1", attached=False)
        with refused("Gateway.NotAttached", words="Network vpc-1 is not attached to any internet gateway"):
            ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni)
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=other.interface_id)
        ec2.control.internet_gateway("vpc-1", attached=True)
        ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni)
        assert instance_of(ec2, eip) == "i-1"
