"""What becomes of addresses when interfaces and IPs change hands, and reads that lack something: adapter and fake."""

from collections.abc import Iterator

import pytest

from controller.core.views import Interface
from state.errors import AddressForeign, AssociationNotFound, InterfaceNotFound, InvalidTarget
from state.model import AllocationId, InterfaceId, Target
from tests.contract.adapters.ec2_worlds import REGION, FakeWorld, World, sandbox_world

IP = "10.0.0.2"


@pytest.fixture(params=["fake", "sandbox"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty account."""
    if request.param == "fake":
        yield FakeWorld()
        return
    with sandbox_world(monkeypatch) as made:
        yield made


def two_nodes(world: World) -> tuple[Target, InterfaceId]:
    """A target on the interface of i-1, and the interface of i-2."""
    first = world.interface("10.0.0.1", IP, instance_id="i-1")
    return Target(interface_id=first, private_ip=IP), world.interface("10.0.1.1", instance_id="i-2")


def carrier(world: World) -> Interface | None:
    """The interface that a describe finds by the IP."""
    found = world.ec2.describe_interfaces_by_ip([IP])
    return found[0] if found else None


def stands(world: World, allocation_id: AllocationId) -> tuple[Target, str | None] | None:
    """Where a describe shows the address, and on which instance."""
    (held,) = [a.association for a in world.ec2.describe_addresses() if a.allocation_id == allocation_id]
    return (held.target, held.instance_id) if held else None


def test_a_removed_interface_is_not_there_for_any_call(world: World) -> None:
    (there, _), address = two_nodes(world), world.address()
    association_id = world.ec2.associate(address, there)
    world.remove_interface(there.interface_id)
    assert stands(world, address) is None
    assert carrier(world) is None
    with pytest.raises(InterfaceNotFound):
        world.ec2.associate(address, there)
    with pytest.raises(InterfaceNotFound):
        world.ec2.disassociate(association_id)


@pytest.mark.parametrize("instance_id", [None, "i-2"])
def test_an_interface_is_given_away_with_its_address(world: World, instance_id: str | None) -> None:
    (there, _), address = two_nodes(world), world.address()
    world.ec2.associate(address, there)
    world.attach(there.interface_id, instance_id)
    assert stands(world, address) == (there, instance_id)
    assert there.interface_id not in {i.interface_id for i in world.ec2.describe_interfaces_by_instance(["i-1"])}
    found = carrier(world)
    assert found is not None
    assert (found.interface_id, found.instance_id) == (there.interface_id, instance_id)


def test_an_ip_moves_to_another_instance_without_its_address(world: World) -> None:
    (there, other), address = two_nodes(world), world.address()
    association_id = world.ec2.associate(address, there)
    world.move_ip(IP, other)
    found = carrier(world)
    assert found is not None
    assert (found.interface_id, found.instance_id) == (other, "i-2")
    assert stands(world, address) is None
    with pytest.raises(AssociationNotFound):
        world.ec2.disassociate(association_id)
    with pytest.raises(InvalidTarget):
        world.ec2.associate(address, there)


def test_an_ip_moves_to_another_instance_with_its_address(world: World) -> None:
    (there, other), address = two_nodes(world), world.address()
    association_id = world.ec2.associate(address, there)
    world.move_ip(IP, other, with_address=True)
    assert stands(world, address) == (Target(interface_id=other, private_ip=IP), "i-2")
    with pytest.raises(AssociationNotFound):
        world.ec2.disassociate(association_id)


def test_a_new_interface_and_a_new_ip_show_late_but_take_an_address(world: World) -> None:
    _, other = two_nodes(world)
    with world.late_interfaces():
        world.move_ip("10.0.1.9", other)
        made = world.interface("10.0.2.1", instance_id="i-3")
        assert list(world.ec2.describe_interfaces_by_ip(["10.0.1.9", "10.0.2.1"])) == []
        assert list(world.ec2.describe_interfaces_by_instance(["i-3"])) == []
        world.ec2.associate(world.address(), Target(interface_id=made, private_ip="10.0.2.1"))
    found = world.ec2.describe_interfaces_by_ip(["10.0.1.9", "10.0.2.1"])
    assert {one.interface_id for one in found} == {made, other}


def test_a_describe_may_lack_an_address_that_is_there(world: World) -> None:
    address, other = world.address(), world.address()
    world.omit_address(address, 2)
    seen = [{a.allocation_id for a in world.ec2.describe_addresses()} for _ in range(3)]
    assert seen == [{other}, {other}, {address, other}]


def test_another_accounts_address_is_foreign_to_every_call(world: World) -> None:
    (there, _), address = two_nodes(world), world.address()
    association_id = world.ec2.associate(address, there)
    world.give_away(address)
    assert list(world.ec2.describe_addresses()) == []
    with pytest.raises(AddressForeign, match="does not belong to you"):
        world.ec2.disassociate(association_id)
    with pytest.raises(AddressForeign, match="does not belong to you"):
        world.ec2.release(address, REGION)
    with pytest.raises(AddressForeign, match="does not belong to you"):
        world.ec2.associate(address, there)


def test_a_released_address_may_go_to_another_account(world: World) -> None:
    address = world.address()
    world.ec2.release(address, REGION)
    world.give_away(address)
    with pytest.raises(AddressForeign):
        world.ec2.release(address, REGION)
