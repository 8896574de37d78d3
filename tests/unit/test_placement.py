"""Where IPs are: what is remembered of it shrinks, and a look costs the same however much that is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pytest

from controller.core.situation import Placed, Unplaced
from controller.core.views import Interface
from controller.engine.placement import FORGOTTEN_S, KEPT_S, MISSING_S, Placements, PrefixIndex
from state.model import InterfaceId
from tests.fakes.ec2 import FakeEc2

MANY = 10_000


@dataclass
class Time:
    """A clock that a test turns."""

    now: float = 1_000.0

    def __call__(self) -> float:
        """Now."""
        return self.now


class Vpc(FakeEc2):
    """An account that has the interfaces which the test put there."""

    def __init__(self, there: Sequence[Interface]) -> None:
        super().__init__()
        self.there = there

    def describe_interfaces_by_ip(self, private_ips: Iterable[str]) -> Sequence[Interface]:
        """Those that have one of these."""
        asked = set(private_ips)
        return [one for one in self.there if not asked.isdisjoint(one.private_ips)]

    def describe_interfaces_by_instance(self, instance_ids: Iterable[str]) -> Sequence[Interface]:
        """Those of these instances."""
        asked = set(instance_ids)
        return [one for one in self.there if one.instance_id in asked]


def ip(number: int, last: int = 0) -> str:
    """The first of 16 IPs of this number, or another of them."""
    number = number * 16 + last
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"


def node(number: int) -> Interface:
    """An interface with one IP of its own and a delegated prefix."""
    return Interface(
        interface_id=InterfaceId(f"eni-{number}"),
        private_ips=frozenset({f"172.{16 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"}),
        prefixes=(f"{ip(number)}/28",),
        instance_id=f"i-{number}",
    )


class Counted(dict[str, InterfaceId]):
    """A dictionary that counts what it is asked."""

    asked = 0

    def get(self, key: str, default: object = None) -> object:  # type: ignore[override]
        """Count."""
        self.asked += 1
        return super().get(key, default)

    def __iter__(self):  # type: ignore[no-untyped-def]
        """Who walks through it asks for each."""
        self.asked += len(self)
        return super().__iter__()


@pytest.fixture
def time() -> Time:
    """The test's clock."""
    return Time()


@pytest.fixture
def vpc() -> Vpc:
    """A VPC of ten thousand interfaces."""
    return Vpc([node(number) for number in range(MANY)])


@pytest.mark.parametrize("count", [10, MANY])
def test_a_look_by_prefix_asks_once_for_each_length(count: int) -> None:
    counted = Counted()
    index = PrefixIndex(counted)
    for number in range(count):
        index.add(f"{ip(number)}/28", InterfaceId(f"eni-{number}"))
    counted.asked = 0
    assert index.find(ip(7, last=9)) == "eni-7"
    assert index.find("192.168.0.1") is None
    assert counted.asked == 2


def test_a_length_that_no_prefix_has_any_more_is_not_asked_for() -> None:
    counted = Counted()
    index = PrefixIndex(counted)
    for length in (26, 27, 28):
        index.add(f"10.0.0.0/{length}", InterfaceId(f"eni-{length}"))
    for length in (26, 27):
        index.remove(f"10.0.0.0/{length}", InterfaceId(f"eni-{length}"))
    counted.asked = 0
    assert index.find("10.0.0.1") == "eni-28"
    assert counted.asked == 1


def test_a_prefix_that_has_moved_stays_with_its_new_interface() -> None:
    index = PrefixIndex()
    index.add("10.0.0.0/28", InterfaceId("old"))
    index.add("10.0.0.0/28", InterfaceId("new"))
    index.remove("10.0.0.0/28", InterfaceId("old"))
    assert index.find("10.0.0.1") == "new"
    index.remove("10.0.0.0/28", InterfaceId("new"))
    assert (index.find("10.0.0.1"), len(index)) == (None, 0)


def test_ten_thousand_interfaces_that_nobody_asks_for_are_forgotten(time: Time, vpc: Vpc) -> None:
    places = Placements(vpc, time)
    places.look({ip(number, last=1): f"i-{number}" for number in range(MANY)})
    assert places.sizes() == (MANY, MANY, MANY, 0)
    assert isinstance(places.place(ip(77, last=15)), Placed)
    time.now += KEPT_S + 1
    places.look({ip(77, last=15): "i-77"})
    assert places.sizes() == (MANY, MANY, MANY, 0)
    time.now += FORGOTTEN_S - KEPT_S
    assert isinstance(places.place(ip(77, last=15)), Placed)
    assert places.sizes() == (1, 1, 1, 0)
    time.now += FORGOTTEN_S
    places.prune()
    assert places.sizes() == (0, 0, 0, 0)


def test_what_is_forgotten_was_not_believed_any_more(time: Time, vpc: Vpc) -> None:
    """Memory may shrink only where the answer stays: at no time does a look differ for it."""
    places = Placements(vpc, time)
    places.look({ip(1, last=1): "i-1", "10.255.0.1": "i-none"})
    answers = []
    for _ in range(int(FORGOTTEN_S) + 5):
        time.now += 1
        answers.append((type(places.place(ip(1, last=1))), places.place("10.255.0.1")))
    assert [found for found, _ in answers] == [Placed] * int(KEPT_S) + [Unplaced] * (len(answers) - int(KEPT_S))
    looked = [absent == Unplaced(looked=True) for _, absent in answers]
    assert looked == [True] * 4 + [False] * (len(answers) - 4)


def test_ten_thousand_missing_ips_are_forgotten(time: Time, vpc: Vpc) -> None:
    places = Placements(vpc, time)
    places.look({f"192.168.{n >> 8}.{n & 255}": None for n in range(MANY)})
    assert places.sizes() == (0, 0, 0, MANY)
    assert places.place("192.168.0.1") == Unplaced(looked=True)
    time.now += MISSING_S
    assert places.place("192.168.0.1") == Unplaced(looked=False)
    assert places.sizes() == (0, 0, 0, 0)


def test_an_interface_that_is_learnt_anew_leaves_nothing_of_before(time: Time) -> None:
    vpc = Vpc([node(1)])
    places = Placements(vpc, time)
    for number in range(2, 50):
        vpc.there = [replace(node(number), interface_id=InterfaceId("eni-1"))]
        places.look({ip(number, last=1): f"i-{number}"})
    assert places.sizes() == (1, 1, 1, 0)
