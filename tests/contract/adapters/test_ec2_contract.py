"""What whoever holds the port `Ec2` may rely on, true of the real adapter on the sandbox and of the fake alike."""

from collections.abc import Iterator

import pytest

from controller.core.quota import used
from controller.core.views import AllocationRequest
from state.errors import (
    AddressForeign,
    AddressInUse,
    AddressNotFound,
    AlreadyAssociated,
    AssociationNotFound,
    BorderGroupMismatch,
    InterfaceNotFound,
    InvalidTarget,
    NotLeading,
    PoolNotFound,
    QuotaExceeded,
    Throttled,
    Unavailable,
)
from state.model import AllocationId, AssociationId, InterfaceId, Target
from tests.contract.adapters.ec2_worlds import REGION, FakeWorld, World, sandbox_world

AMAZON = AllocationRequest(public_ipv4_pool="amazon", tags={"made-by": "test"})
LOCAL = "us-west-2-lax-1"


@pytest.fixture(params=["fake", "sandbox"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An empty account."""
    if request.param == "fake":
        yield FakeWorld()
        return
    with sandbox_world(monkeypatch) as made:
        yield made


def where(world: World, allocation_id: AllocationId) -> Target | None:
    """Where a describe shows the address."""
    (address,) = [a for a in world.ec2.describe_addresses() if a.allocation_id == allocation_id]
    return address.association.target if address.association else None


def target(world: World, ip: str = "10.0.0.1") -> Target:
    """A fresh interface with this IP."""
    return Target(interface_id=world.interface(ip, instance_id="i-1"), private_ip=ip)


def test_an_address_lives_from_allocate_to_release(world: World) -> None:
    there = target(world)
    made = world.ec2.allocate(AMAZON)
    association_id = world.ec2.associate(made.allocation_id, there)
    (address,) = world.ec2.describe_addresses()
    assert (address.allocation_id, address.public_ip) == (made.allocation_id, made.public_ip)
    assert (address.tags, address.border_group) == ({"made-by": "test"}, REGION)
    assert address.association is not None
    assert address.association.association_id == association_id
    assert (address.association.target, address.association.instance_id) == (there, "i-1")
    world.ec2.disassociate(association_id)
    assert where(world, made.allocation_id) is None
    world.ec2.release(made.allocation_id, REGION)
    assert list(world.ec2.describe_addresses()) == []


def test_the_quota_is_an_error_of_its_own(world: World) -> None:
    world.settings(quota=1)
    world.ec2.allocate(AMAZON)
    with pytest.raises(QuotaExceeded) as caught:
        world.ec2.allocate(AMAZON)
    assert caught.value.code == "AddressLimitExceeded"


def test_the_quota_that_is_told_is_the_one_that_holds(world: World) -> None:
    assert world.ec2.address_quota() is None, "where nothing is enforced, nothing is said"
    world.settings(quota=7)
    assert world.ec2.address_quota() == 7
    assert world.calls("DescribeAccountAttributes") == 2


def test_addresses_of_a_pool_of_ones_own_do_not_draw_on_the_quota(world: World) -> None:
    mine = "ipv4pool-ec2-mine"
    world.settings(quota=1, pools=[mine])
    for pool in (mine, "amazon", mine):
        world.ec2.allocate(AllocationRequest(public_ipv4_pool=pool, tags={}))
    shown = world.ec2.describe_addresses()
    assert sorted(address.public_ipv4_pool for address in shown) == ["amazon", mine, mine]
    assert used(shown) == 1
    with pytest.raises(QuotaExceeded):
        world.ec2.allocate(AMAZON)


def test_a_pool_is_asked_for_by_name(world: World) -> None:
    mine = AllocationRequest(public_ipv4_pool="ipv4pool-ec2-mine", tags={})
    with pytest.raises(PoolNotFound):
        world.ec2.allocate(mine)
    world.settings(pools=["ipv4pool-ec2-mine"])
    assert world.ec2.allocate(mine).public_ip


def test_the_same_association_again_gives_the_same_id(world: World) -> None:
    address, there = world.address(), target(world)
    assert world.ec2.associate(address, there) == world.ec2.associate(address, there)


def test_an_address_that_is_associated_elsewhere_stays_there(world: World) -> None:
    address, here, there = world.address(), target(world, "10.0.0.1"), target(world, "10.0.0.2")
    world.associate_by_hand(address, here)
    with pytest.raises(AlreadyAssociated):
        world.ec2.associate(address, there)
    assert where(world, address) == here


@pytest.mark.parametrize("refuse", [False, True])
def test_an_ip_that_has_an_address_refuses_or_displaces(world: World, refuse: bool) -> None:
    first, second, there = world.address(), world.address(), target(world)
    world.settings(refuse_occupied=refuse)
    world.ec2.associate(first, there)
    if refuse:
        with pytest.raises(AlreadyAssociated):
            world.ec2.associate(second, there)
    else:
        world.ec2.associate(second, there)
    assert where(world, first) == (there if refuse else None)
    assert where(world, second) == (None if refuse else there)


def test_an_ip_that_is_not_on_the_interface_is_an_invalid_target(world: World) -> None:
    address, interface_id = world.address(), world.interface("10.0.0.1")
    with pytest.raises(InvalidTarget):
        world.ec2.associate(address, Target(interface_id=interface_id, private_ip="10.9.9.9"))


def test_an_ip_inside_a_delegated_prefix_is_a_target_but_not_listed(world: World) -> None:
    interface_id = world.interface("10.0.0.1", prefixes=["10.0.8.0/28"], instance_id="i-7")
    world.ec2.associate(world.address(), Target(interface_id=interface_id, private_ip="10.0.8.5"))
    assert list(world.ec2.describe_interfaces_by_ip(["10.0.8.5"])) == []
    (interface,) = world.ec2.describe_interfaces_by_instance(["i-7", "i-unknown"])
    assert (interface.interface_id, interface.prefixes) == (interface_id, ("10.0.8.0/28",))


def test_unknown_ids_are_told_apart(world: World) -> None:
    there = target(world)
    with pytest.raises(AddressNotFound):
        world.ec2.associate(AllocationId("eipalloc-00000000000000bad"), there)
    with pytest.raises(InterfaceNotFound):
        world.ec2.associate(
            world.address(), Target(interface_id=InterfaceId("eni-00000000000000bad"), private_ip="10.0.0.1")
        )
    with pytest.raises(AssociationNotFound):
        world.ec2.disassociate(AssociationId("eipassoc-00000000000000bad"))
    with pytest.raises(AddressNotFound):
        world.ec2.release(AllocationId("eipalloc-00000000000000bad"), REGION)


def test_a_stale_association_id_cannot_cut_a_newer_association(world: World) -> None:
    address, here, there = world.address(), target(world, "10.0.0.1"), target(world, "10.0.0.2")
    stale = world.ec2.associate(address, here)
    world.associate_by_hand(address, there)
    with pytest.raises(AssociationNotFound):
        world.ec2.disassociate(stale)
    assert where(world, address) == there


def test_a_lost_node_takes_its_associations_along(world: World) -> None:
    address, there = world.address(), target(world)
    association_id = world.ec2.associate(address, there)
    world.kill_instance("i-1")
    assert where(world, address) is None
    with pytest.raises(InterfaceNotFound):
        world.ec2.disassociate(association_id)


@pytest.mark.parametrize("default_vpc", [False, True])
def test_release_of_an_associated_address(world: World, default_vpc: bool) -> None:
    address = world.address()
    world.settings(default_vpc=default_vpc)
    world.ec2.associate(address, target(world))
    if default_vpc:
        world.ec2.release(address, REGION)
    else:
        with pytest.raises(AddressInUse):
            world.ec2.release(address, REGION)
    assert len(world.ec2.describe_addresses()) == (0 if default_vpc else 1)


def test_another_accounts_address_is_foreign(world: World) -> None:
    address = world.address()
    world.give_away(address)
    with pytest.raises(AddressForeign):
        world.ec2.release(address, REGION)


def test_border_groups_must_match(world: World) -> None:
    world.settings(border_groups=[LOCAL])
    there = Target(interface_id=world.interface("10.0.0.1", zone=f"{LOCAL}a"), private_ip="10.0.0.1")
    (interface,) = world.ec2.describe_interfaces_by_ip(["10.0.0.1"])
    assert interface.border_group == LOCAL
    with pytest.raises(BorderGroupMismatch):
        world.ec2.associate(world.address(), there)
    made = world.ec2.allocate(AllocationRequest(public_ipv4_pool="amazon", tags={}, border_group=LOCAL))
    world.ec2.disassociate(world.ec2.associate(made.allocation_id, there))
    with pytest.raises(BorderGroupMismatch):
        world.ec2.release(made.allocation_id, "us-west-2-den-1")
    world.ec2.release(made.allocation_id, LOCAL)


def test_an_unknown_border_group_is_a_mismatch(world: World) -> None:
    with pytest.raises(BorderGroupMismatch):
        world.ec2.allocate(AllocationRequest(public_ipv4_pool="amazon", tags={}, border_group="us-west-2-den-1"))


def test_interfaces_are_found_by_any_of_their_ips(world: World) -> None:
    interface_id = world.interface("10.0.0.1", "10.0.0.2", instance_id="i-1")
    world.interface("10.0.0.3")
    (found,) = world.ec2.describe_interfaces_by_ip(["10.0.0.2", "10.9.9.9"])
    assert (found.interface_id, found.private_ips) == (interface_id, frozenset({"10.0.0.1", "10.0.0.2"}))
    assert (found.instance_id, found.border_group) == ("i-1", REGION)


def test_an_interface_may_have_no_attachment(world: World) -> None:
    world.interface("10.0.0.1")
    (found,) = world.ec2.describe_interfaces_by_ip(["10.0.0.1"])
    assert found.instance_id is None


def test_nothing_is_asked_about_nothing(world: World) -> None:
    assert list(world.ec2.describe_interfaces_by_ip([])) == []
    assert list(world.ec2.describe_interfaces_by_instance([])) == []
    assert world.calls("DescribeNetworkInterfaces") == 0


def test_two_hundred_ips_go_into_one_call(world: World) -> None:
    ips = [f"10.0.{i // 250}.{i % 250 + 1}" for i in range(450)]
    for ip in (ips[0], ips[250], ips[449]):
        world.interface(ip)
    assert len(world.ec2.describe_interfaces_by_ip([*ips, *ips])) == 3
    assert world.calls("DescribeNetworkInterfaces") == 3


def test_a_lost_reply_is_perhaps_and_is_not_repeated(world: World) -> None:
    world.lose_reply("AllocateAddress")
    with pytest.raises(Unavailable):
        world.ec2.allocate(AMAZON)
    assert len(world.ec2.describe_addresses()) == 1
    assert world.calls("AllocateAddress") == 1


def test_a_throttled_call_is_not_repeated(world: World) -> None:
    world.throttle("AllocateAddress")
    with pytest.raises(Throttled) as caught:
        world.ec2.allocate(AMAZON)
    assert caught.value.code == "RequestLimitExceeded"
    assert world.calls("AllocateAddress") == 1
    assert list(world.ec2.describe_addresses()) == []


def test_without_leadership_reads_go_on_and_mutations_do_not(world: World) -> None:
    address, there = world.address(), target(world)
    association_id = world.associate_by_hand(address, there)
    world.guard.leading = False
    with pytest.raises(NotLeading):
        world.ec2.allocate(AMAZON)
    with pytest.raises(NotLeading):
        world.ec2.associate(address, there)
    with pytest.raises(NotLeading):
        world.ec2.disassociate(association_id)
    with pytest.raises(NotLeading):
        world.ec2.release(address, REGION)
    assert where(world, address) == there
    assert len(world.ec2.describe_interfaces_by_ip(["10.0.0.1"])) == 1
