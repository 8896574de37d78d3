"""What the view of EC2 says is used of the quota, whatever was seen and done in whichever order."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from controller.core.quota import used
from controller.core.views import Address, Association
from controller.engine.ec2view import AddressView
from state.model import AllocationId, AssociationId
from tests.fakes.ec2 import FakeEc2
from tests.unit.engine_harness import CONSISTENCY_S, HandClock, at

KEYS = [AllocationId(f"eipalloc-{number}") for number in range(3)]
STEPS = st.lists(st.tuples(st.sampled_from(["make", "release", "gone", "look", "late", "wait"]), st.sampled_from(KEYS)))


class Garbled(FakeEc2):
    """Of each address that it has, nothing but the id can be read."""

    def describe_addresses(self) -> Sequence[Address]:
        """All addresses."""
        told = super().describe_addresses()
        return [Address(allocation_id=a.allocation_id, public_ip="", border_group="", readable=False) for a in told]


def pool_of(key: AllocationId) -> str:
    """The last one is of a pool of one's own."""
    return "ipv4pool-ec2-1" if key == KEYS[-1] else "amazon"


def play(ec2: FakeEc2, view: AddressView, clock: HandClock, step: str, key: AllocationId) -> None:
    """One step: of ours (`make`, `release`), of somebody else (`gone`), or a look, which may be late."""
    match step:
        case "make" if ec2.address(key) is None:
            ec2.add_address(allocation_id=key, public_ipv4_pool=pool_of(key))
            made = ec2.address(key)
            assert made is not None
            view.allocated(made)
        case "release" | "gone" if ec2.address(key) is not None:
            ec2.release(key, ec2.region)
            if step == "release":
                view.released(key)
        case "look":
            view.look()
        case "late":
            ec2.omit_address(key)
            view.look()
        case "wait":
            clock.now += CONSISTENCY_S + 1


@given(STEPS)
def test_it_is_always_what_is_shown(steps: list[tuple[str, AllocationId]]) -> None:
    ec2, clock = FakeEc2(), HandClock()
    view = AddressView(ec2, clock, CONSISTENCY_S)
    for step, key in steps:
        play(ec2, view, clock, step, key)
        assert view.used == used(view.all())


def test_an_address_that_cannot_be_read_counts() -> None:
    ec2 = Garbled()
    view = AddressView(ec2, HandClock(), CONSISTENCY_S)
    ec2.add_address()
    view.look()
    assert (view.all(), view.used) == ([], 1)


def test_an_association_changes_nothing_of_it() -> None:
    ec2 = FakeEc2()
    view = AddressView(ec2, HandClock(), CONSISTENCY_S)
    key = ec2.add_address()
    view.look()
    view.associated(key, Association(association_id=AssociationId("eipassoc-1"), target=at("10.0.0.5")))
    assert view.at(at("10.0.0.5")) is not None
    view.cut(key, AssociationId("eipassoc-1"))
    assert view.used == 1
