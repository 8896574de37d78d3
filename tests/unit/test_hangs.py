"""What waits for somebody else is seen: as a number at once, and as a reason not to be ready once it is too long."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from controller.core.hangs import Bounds, Waits, overdue
from controller.engine.hang_detector import HangDetector, writer_bound_s
from controller.engine.replica import Parts, Replica
from state.errors import NotLeading
from state.model import Change, Epoch
from state.operations import Entry
from state.transaction import WriteTerm
from state.writer import Writer

LIMIT_S = 20.0
CALL_S, LEASE_S, WATCH_S = 4.0, 15.0, 228.0


@dataclass
class World:
    """A clock that a test turns, and what the parts of a replica say."""

    now: float = 1_000.0
    watch: float = 0.0
    writer: float = 0.0
    term: float = 0.0
    trouble: str = ""

    def __call__(self) -> float:
        """Now."""
        return self.now

    def hang_detector(self) -> HangDetector:
        """Over these parts."""
        return HangDetector(
            watch=lambda: self.watch,
            watch_limit_s=WATCH_S,
            writer=lambda: self.writer,
            term=lambda: self.term,
            credentials=lambda: None,
            call_timeout_s=CALL_S,
            lease_duration_s=LEASE_S,
        )

    def replica(self) -> Replica:
        """A replica of which readiness alone is asked."""
        nothing: Any = None
        parts = Parts(
            loop=nothing,
            elector=nothing,
            snapshot=nothing,
            explainer=nothing,
            answers=nothing,
            synced=lambda: True,
            trouble=lambda: self.trouble,
            unable=lambda: "",
            hang_detector=self.hang_detector(),
            stoppables=(),
            close=lambda: None,
        )
        return Replica(
            build=lambda: parts, cluster="a", version="1", hang_s=30.0, ended=lambda: None, clock=lambda: self.now
        )


@pytest.fixture
def world() -> World:
    """Nobody waits."""
    return World()


@pytest.mark.parametrize(
    ("part", "outage", "hangs", "words"),
    [
        ("watch", 2 * WATCH_S, 2 * WATCH_S + 1, "nothing was heard of Pods for 457 s"),
        ("writer", 64.0, 65.0, "a change waits for the ledger's writer for 65 s"),
        ("term", 2 * LEASE_S, 2 * LEASE_S + 1, "the epoch has been being raised for 31 s"),
    ],
)
def test_what_hangs_is_not_ready_and_an_outage_that_may_pass_is(
    world: World, part: str, outage: float, hangs: float, words: str
) -> None:
    replica, built = world.replica(), threading.Event()
    while not replica.ready()[0]:
        assert not built.wait(0.001)
    setattr(world, part, outage)
    assert replica.ready() == (True, "caches are synced")
    setattr(world, part, hangs)
    assert replica.ready() == (False, words)
    world.trouble = "another install"
    assert replica.ready() == (False, "cannot lead: another install")
    world.trouble = ""
    setattr(world, part, 0.0)
    assert replica.ready() == (True, "caches are synced")


def test_nothing_that_waits_within_its_bound_is_overdue() -> None:
    bounds = Bounds(watch_silent_s=3, writer_waiting_s=2, term_beginning_s=1)
    at_bounds = Waits(watch_silent_s=3, writer_waiting_s=2, term_beginning_s=1, credentials_expire_s=0)
    assert overdue(at_bounds, bounds) == ""
    assert "Pods" in overdue(replace(at_bounds, watch_silent_s=4), bounds)


@dataclass
class Gate:
    """Commits a group when the test says so."""

    clock: World
    busy: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def __call__(self, term: WriteTerm, group: Sequence[Entry]) -> None:
        """Wait, and answer."""
        self.busy.release()
        assert self.go.acquire(timeout=LIMIT_S)
        for entry in group:
            entry.result.set_result(None)

    def taken(self) -> None:
        """Wait until a group is on its way."""
        assert self.busy.acquire(timeout=LIMIT_S)


@pytest.fixture
def gate(world: World) -> Gate:
    """Closed."""
    return Gate(world)


@pytest.fixture
def writer(world: World, gate: Gate) -> Iterator[Writer]:
    """A writer in a term."""
    made = Writer(gate, name="writer", clock=world)
    made.open(WriteTerm(epoch=Epoch(1), guard=lambda: None))
    yield made
    for _ in range(10):
        gate.go.release()
    made.close(LIMIT_S)


def submit(writer: Writer) -> Future[None]:
    """A change."""
    entry = Entry(change=Change(), operations=())
    writer.submit(entry)
    return entry.result


def test_a_writer_that_waits_says_for_how_long(world: World, gate: Gate, writer: Writer) -> None:
    assert writer.waiting_s() == 0
    submit(writer)
    gate.taken()
    world.now += 5
    second = submit(writer)
    world.now += 5
    assert writer.waiting_s() == 10
    gate.go.release()
    gate.taken()
    assert writer.waiting_s() == 5
    gate.go.release()
    second.result(LIMIT_S)
    idle = threading.Event()
    while writer.waiting_s():
        assert not idle.wait(0.001)


def test_a_change_that_is_on_its_way_when_its_term_ends_counts_on(world: World, gate: Gate, writer: Writer) -> None:
    """Else a leader whose writer hangs would take the Lease anew, and could write nothing."""
    submit(writer)
    gate.taken()
    queued = submit(writer)
    world.now += writer_bound_s(CALL_S) + 1
    assert not writer.end(0.0)
    with pytest.raises(NotLeading):
        queued.result(LIMIT_S)
    assert writer.waiting_s() > writer_bound_s(CALL_S)
