"""Addresses that one answer lacks although they are there, and addresses that are another account's by now."""

import pytest

from sandbox.ec2.control import ControlError
from sandbox.ec2.faults import Fault
from sandbox.ec2.settings import Ec2Settings
from tests.contract.simulators.ec2_scene import Scene, refused, scene


def listed(ec2: Scene) -> list[str]:
    """The addresses that a describe of all shows."""
    return [address["AllocationId"] for address in ec2.api.describe_addresses()["Addresses"]]


def test_so_many_answers_lack_an_old_address_and_no_other() -> None:
    with scene() as ec2:
        gone, other = ec2.address(), ec2.address()
        ec2.control.omit_address(gone, 2)
        assert [listed(ec2), listed(ec2)] == [[other], [other]]
        assert sorted(listed(ec2)) == sorted([gone, other])
        assert ec2.control.lies() == ()


def test_an_omitted_address_is_not_found_by_its_id_and_works_all_the_same() -> None:
    with scene() as ec2:
        eni, gone = ec2.node(), ec2.address()
        ec2.control.omit_address(gone, None)
        with refused("InvalidAllocationID.NotFound", words=gone):
            ec2.api.describe_addresses(AllocationIds=[gone])
        assert ec2.find_addresses("allocation-id", gone) == []
        ec2.api.associate_address(AllocationId=gone, NetworkInterfaceId=eni)
        assert ec2.where(gone) == "10.0.0.1"
        ec2.control.clear_faults()
        assert listed(ec2) == [gone]


def test_only_answers_that_would_show_the_address_use_a_lie_up() -> None:
    with scene() as ec2:
        first, second = ec2.address(), ec2.address()
        ec2.control.omit_address(first)
        ec2.control.omit_address(second)
        assert ec2.find_addresses("allocation-id", second) == []
        ec2.api.describe_network_interfaces()
        ec2.control.inject(Fault(kind="error", action="DescribeAddresses", code="RequestLimitExceeded", status=503))
        with refused("RequestLimitExceeded", 503):
            listed(ec2)
        assert listed(ec2) == [second]
        assert sorted(listed(ec2)) == sorted([first, second])


@pytest.mark.parametrize(
    ("field", "name"), [("publicIp", "PublicIp"), ("associationId", "AssociationId"), ("tagSet", "Tags")]
)
def test_an_answer_may_lack_a_field_of_one_address(field: str, name: str) -> None:
    with scene() as ec2:
        eni, eip, other = ec2.node(), ec2.address(pool="x"), ec2.address(pool="x")
        ec2.control.associate(eip, eni)
        ec2.control.garble_address(eip, field=field)
        garbled, again = ({a["AllocationId"]: a for a in ec2.api.describe_addresses()["Addresses"]} for _ in range(2))
        assert again[eip].keys() - garbled[eip].keys() == {name}
        assert garbled[other] == again[other]


@pytest.mark.parametrize("idempotent", [False, True])
def test_an_address_of_another_account_is_not_shown_and_not_ours_to_call(idempotent: bool) -> None:
    with scene(Ec2Settings(idempotent_disassociate=idempotent)) as ec2:
        eni, eip = ec2.node(), ec2.address()
        association = ec2.control.associate(eip, eni)
        ec2.control.give_away(eip)
        assert listed(ec2) == []
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.describe_addresses(AllocationIds=[eip])
        words = rf"The address with allocation id \[{eip}\] does not belong to you\."
        with refused("AuthFailure", words=words):
            ec2.api.release_address(AllocationId=eip)
        with refused("AuthFailure", words=words):
            ec2.api.associate_address(AllocationId=eip, NetworkInterfaceId=eni)
        with refused("AuthFailure", words=r"does not belong to you\."):
            ec2.api.disassociate_address(AssociationId=association)


def test_a_released_address_is_not_found_until_another_account_has_it() -> None:
    with scene() as ec2:
        born = ec2.api.allocate_address()
        eip = born["AllocationId"]
        ec2.api.release_address(AllocationId=eip)
        with refused("InvalidAllocationID.NotFound"):
            ec2.api.release_address(AllocationId=eip)
        ec2.control.give_away(eip)
        with refused("AuthFailure"):
            ec2.api.release_address(AllocationId=eip)
        with refused("InvalidAddress.NotFound"):
            ec2.api.allocate_address(Address=born["PublicIp"])
        with pytest.raises(ControlError, match="does not exist"):
            ec2.control.give_away("eipalloc-0")
