"""A copy of a term's state is whole: what the twin does to it, whatever it does, the original does not see.

The state is one of a real loop that has met much, so that hardly a field is empty; then the types are walked, for those
that are. What may be shared is what cannot change, and that is said here.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from controller.engine.circuit_breakers import Breaker
from controller.engine.memory import PodProgress
from controller.engine.plain import Plain
from controller.engine.reconcile import LoopState
from controller.engine.term import TermState
from state.errors import QuotaExceeded
from state.model import PodUid
from tests.unit.engine_harness import Replica, World, auto, fixed

CONTAINERS = (dict, set, list, deque)
LOCK = type(threading.Lock())


@pytest.fixture(name="state", scope="module")
def _state() -> TermState:
    """A term that has served, refused, waited and cut."""
    world = World()
    replica = Replica(world).lead()
    world.pool(1)
    world.pod("p", fixed())
    world.pod("q", fixed(), ip="10.0.0.6")
    world.pod("r", auto(), ip="10.0.0.7")
    replica.run(5)
    world.ec2.fail("AllocateAddress", QuotaExceeded("no more", code="AddressLimitExceeded"), times=99)
    world.pod("s", auto(), ip="10.0.0.8")
    world.pods.delete(PodUid("r"))
    replica.run(20)
    assert replica.loop.opened
    return replica.loop.opened.state


def holders(value: Any, path: str = "state") -> Iterator[tuple[str, Any]]:
    """All in it that changes, with the way to it."""
    if isinstance(value, Plain):
        yield path, value
        for one in fields(value):
            yield from holders(getattr(value, one.name), f"{path}.{one.name}")
    elif isinstance(value, LOCK):
        yield path, value
    elif isinstance(value, CONTAINERS):
        yield path, value
        for key in value:
            yield from holders(value[key] if isinstance(value, dict) else key, f"{path}[{key}]")


def shared(one: Plain, other: Plain) -> list[str]:
    """What changes and is in both."""
    theirs = {id(value) for _, value in holders(other)}
    return [path for path, value in holders(one) if id(value) in theirs]


def test_a_copy_is_equal_and_shares_nothing_that_changes(state: TermState) -> None:
    twin = state.copy()
    assert repr(twin) == repr(state)
    assert [path for path, _ in holders(twin)] == [path for path, _ in holders(state)]
    assert shared(twin, state) == []


def test_whatever_the_twin_does_the_original_does_not_see_it(state: TermState) -> None:
    before, twin = repr(state), state.copy()
    for path, value in list(holders(twin)):
        if isinstance(value, CONTAINERS):
            value.clear()
        elif isinstance(value, Plain):
            for one in fields(value):
                setattr(value, one.name, path)
    assert repr(state) == before
    assert repr(twin) != before


def test_locks_are_not_shared(state: TermState) -> None:
    locks = [path for path, value in holders(state) if isinstance(value, LOCK)]
    assert locks == ["state.memory.queues._lock", "state.claims._lock"]


def test_the_run_filled_most_of_it(state: TermState) -> None:
    filled = {path.split("[")[0] for path, value in holders(state) if isinstance(value, CONTAINERS) and value}
    for name in ("memory.pods", "claims.targets", "seen.addresses", "places.interfaces", "lines.of", "waiters.pool"):
        assert f"state.{name}" in filled
    assert state.breakers


# ── by type: also what no run has filled ──

KINDS = (LoopState, PodProgress, Breaker)
FROZEN = (str, int, float, bool, type(None), Enum, frozenset, tuple, LOCK, type)


def unsound(kind: type[Any], path: str = "") -> Iterator[str]:
    """The fields that a copy would share with the original although they can change."""
    path = path or kind.__name__
    hints = get_type_hints(kind)
    for one in fields(kind):
        yield from _unsound(hints[one.name], f"{path}.{one.name}")


def _unsound(hint: Any, path: str) -> Iterator[str]:
    origin = get_origin(hint) or hint
    if origin is UnionType or not isinstance(origin, type):  # a union, an alias of a function, a NewType
        for part in get_args(hint) or (getattr(hint, "__supertype__", type(None)),):
            yield from _unsound(part, path)
    elif issubclass(origin, Plain):
        yield from unsound(origin, path)
    elif issubclass(origin, CONTAINERS) or origin in (Mapping, Sequence):
        for part in get_args(hint):
            yield from _unsound(part, path)
    elif not (issubclass(origin, FROZEN) or _is_frozen(origin) or _is_function(origin)):
        yield path


def _is_frozen(kind: type[Any]) -> bool:
    return is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]


def _is_function(kind: type[Any]) -> bool:
    return kind.__name__ in ("Callable", "Clock")


OPAQUE = "LoopState.term.lines.of.tickets"  # what the door to EC2's tokens gave: nobody here looks into it


def test_every_field_is_either_copied_or_cannot_change() -> None:
    assert [path for kind in KINDS for path in unsound(kind)] == [OPAQUE]


@dataclass
class Forgotten:
    """A part that changes, and is none of the plain ones."""

    names: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Careless(Plain):
    """A state with a part that no copy knows of."""

    part: Forgotten = field(default_factory=Forgotten)
    call: Callable[[], float] = float


def test_a_part_that_a_copy_would_share_is_found() -> None:
    assert list(unsound(Careless)) == ["Careless.part"]
    one = Careless()
    one.copy().part.names["a"] = "b"
    assert one.part.names == {"a": "b"}


@dataclass(slots=True)
class Forgetful(Plain):
    """A state whose own copy forgets a field."""

    pods: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def copy(self) -> "Forgetful":
        """One that shares a set."""
        return Forgetful(pods=dict(self.pods), names=self.names)


def test_a_copy_that_forgets_a_field_is_found() -> None:
    one = Forgetful()
    assert shared(one.copy(), one) == ["state.names"]
