"""A Pod's trace tells why it was not served: each wait with its reason and length, and never a span for each look."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from controller.core import contract
from controller.core.actions import Action, Tell, Wait, WaitReason
from controller.core.spans import GIVE_UP, QUEUED, SEEN, SERVE, action_names, wait_names
from controller.core.tenancy import Rules
from controller.core.tracing import Attributes, Made, Note, Past, Subject, trace_id
from controller.engine.pod_rows import PodRows
from controller.engine.pod_spans import FREE, PIECE_S, PodSpans
from controller.engine.sightings import Sightings
from controller.engine.wall import WallClock
from state.errors import Throttled
from state.model import PodRecord
from tests.unit.engine_harness import HandClock, Plans, Replica, World, auto, fixed

HOUR_S = 3600.0
POOL = f"wait: {WaitReason.POOL}"


@dataclass(kw_only=True)
class Told:
    """A span: when it began and ended, in whose trace it is, and what it says."""

    name: str
    trace: str
    began: float
    ended: float
    attributes: Attributes
    error: tuple[str, str] | None = None
    link: str = ""

    @property
    def lasted(self) -> float:
        """Seconds."""
        return self.ended - self.began


@dataclass
class Traces(Plans):
    """Keeps all spans, by the world's clock."""

    clock: HandClock
    told: list[Told] = field(default_factory=list)
    on = True
    begun = 0

    def begin(self, subject: Subject, known: str, *, began_s: float = 0.0, link: str = "") -> str:
        """A root."""
        self.begun += 1
        if known:
            return known
        name, now = SERVE if subject.serving else GIVE_UP, self.clock.now
        attributes = {"pod_eip.epoch": subject.epoch}
        told = Told(name=name, trace=subject.trace_id, began=now - began_s, ended=now, attributes=attributes, link=link)
        self.told.append(told)
        return f"00-{subject.trace_id}-{len(self.told):016x}-01"

    @contextmanager
    def action(self, subject: Subject, action: Action, parent: str) -> Iterator[Note]:
        """An action's span."""
        self.begun += 1
        began = self.clock.now

        def note(record: PodRecord | None, made: Made) -> None:
            if isinstance(action, Tell):  # has no span
                return
            told = {"attempt": subject.attempt}
            name, trace, now = type(action).__name__, trace_id(parent), self.clock.now
            self.told.append(Told(name=name, trace=trace, began=began, ended=now, attributes=told))

        yield note

    def past(self, past: Past, parent: str) -> None:
        """A span that is over."""
        now = self.clock.now
        self.told.append(
            Told(
                name=past.name,
                trace=trace_id(parent),
                began=now - past.began_s,
                ended=now - past.ended_s,
                attributes=past.attributes,
                error=past.error,
            )
        )

    def named(self, name: str) -> list[Told]:
        """The spans of this name."""
        return [told for told in self.told if told.name == name]


@pytest.fixture
def traces(world: World) -> Traces:
    return Traces(world.clock)


def test_a_pod_that_waits_for_an_hour_leaves_a_span_each_ten_minutes(world: World, traces: Traces) -> None:
    replica = Replica(world, plans=traces).lead()
    [address] = world.pool(1)
    world.pod("holder", fixed(), ip="10.0.0.4")
    replica.run(5)
    pod = world.pod("u-1", fixed(), name="p")
    replica.run(HOUR_S, step=5.0)
    waits = traces.named(POOL)
    assert 5 <= len(waits) <= HOUR_S / PIECE_S + 1
    assert all(wait.attributes["pod_eip.wait.goes_on"] for wait in waits)
    opened = replica.loop.opened
    row = PodRows(opened, Rules(), WallClock(world.clock)).row(pod, None, world.pods.pods[pod])
    assert row is not None
    assert row.trace_id == waits[0].trace
    assert "held by cluster" in str(waits[0].attributes["pod_eip.wait.detail"])
    world.pool(1)
    replica.until(lambda: world.label(pod))
    waits = traces.named(POOL)
    assert not waits[-1].attributes["pod_eip.wait.goes_on"]
    assert sum(wait.lasted for wait in waits) == pytest.approx(HOUR_S, abs=30)
    assert all(later.began == pytest.approx(earlier.ended) for earlier, later in pairwise(waits))
    assert len({told.trace for told in traces.told if told.attributes.get("k8s.pod.name") == "p"}) == 1
    assert address


def test_what_is_throttled_for_an_hour_says_so(world: World, traces: Traces) -> None:
    replica = Replica(world, plans=traces).lead()
    world.ec2.fail("AllocateAddress", Throttled("slow down", code="RequestLimitExceeded"), times=10_000)
    world.pod("u-1", auto())
    replica.run(HOUR_S, step=5.0)
    retries = traces.named("retry: Throttled")
    assert 5 <= len(retries) <= HOUR_S / PIECE_S + 1
    assert {retry.error and retry.error[0] for retry in retries} == {"RequestLimitExceeded"}
    assert all(int(retry.attributes["pod_eip.wait.looks"]) > 5 for retry in retries)
    attempts = [told.attributes["attempt"] for told in traces.named("Allocate")]
    assert attempts[:3] == [1, 2, 3]


def test_a_pod_is_seen_until_it_has_its_ip_and_queued_until_its_plan_begins(world: World, traces: Traces) -> None:
    replica = Replica(world, plans=traces).lead()
    pod = world.pod("u-1", auto(), ip="")
    came = world.clock.now
    replica.run(20)
    world.change(pod, ip="10.0.0.5")
    with_ip = world.clock.now
    replica.run(5)
    [seen], queued, [root] = traces.named(SEEN), traces.named(QUEUED), traces.named(SERVE)
    assert seen.began == pytest.approx(came, abs=0.1)
    assert seen.ended == pytest.approx(with_ip, abs=0.1)
    assert queued[0].began == pytest.approx(with_ip, abs=0.1)
    assert root.began == pytest.approx(came, abs=0.1)
    assert not traces.named(f"wait: {WaitReason.NO_IP}")  # it is seen that long
    assert {told.trace for told in traces.told} == {root.trace}


def test_a_leader_that_dies_before_its_first_write_leaves_its_waits_in_the_trace(world: World, traces: Traces) -> None:
    first = Replica(world, plans=traces).lead()
    pod = world.pod("u-1", fixed())
    first.run(2 * PIECE_S, step=5.0)
    first.crash()
    world.clock.now += 20
    second = Replica(world, plans=traces)
    second.loop.wake([pod])
    second.lead()
    world.pool(1)
    second.until(lambda: world.label(pod))
    assert [root.attributes["pod_eip.epoch"] for root in traces.named(SERVE)] == [1, 2]
    assert len({told.trace for told in traces.told}) == 1
    assert {told.attributes["pod_eip.epoch"] for told in traces.named(POOL)} == {1}
    assert second.ledger.pods()[pod].traceparent == f"00-{traces.told[0].trace}-{_place(traces, second=True):016x}-01"


def _place(traces: Traces, *, second: bool) -> int:
    roots = [number for number, told in enumerate(traces.told, 1) if told.name == SERVE]
    return roots[second]


def test_a_wait_of_a_pod_that_goes_unserved_is_told(world: World, traces: Traces) -> None:
    replica = Replica(world, plans=traces).lead()
    pod = world.pod("u-1", fixed())
    replica.run(100)
    assert not traces.named(POOL)
    world.pods.delete(pod)
    replica.run(5)
    [wait] = traces.named(POOL)
    assert wait.lasted == pytest.approx(100, abs=5)


def test_a_wait_is_told_when_the_term_ends(world: World, traces: Traces) -> None:
    replica = Replica(world, plans=traces).lead()
    world.pod("u-1", fixed())
    replica.run(100)
    replica.lose()
    replica.settle()
    [wait] = traces.named(POOL)
    assert wait.attributes["pod_eip.wait.goes_on"]
    assert wait.lasted == pytest.approx(100, abs=5)


def test_a_release_is_one_trace_with_its_waits_and_links_to_the_serving(world: World, traces: Traces) -> None:
    replica = Replica(world, plans=traces).lead()
    pod = world.pod("u-1", auto())
    replica.settle()
    kept = replica.ledger.pods()[pod].traceparent
    world.pods.delete(pod)
    replica.run(120)
    [root], [served] = traces.named(GIVE_UP), traces.named(SERVE)
    assert root.link == kept
    assert root.trace != served.trace == trace_id(kept)
    below = {told.name for told in traces.told if told.trace == root.trace}
    assert {"Cut", "MarkReleasing", "Release", "Forget", f"wait: {WaitReason.RELEASE}"} <= below
    assert "Cut" not in {told.name for told in traces.told if told.trace == served.trace}


def test_reasons_that_take_turns_leave_few_spans(world: World, traces: Traces) -> None:
    assert _spans_of_turns(world, traces) <= FREE + 1000 / PIECE_S + 1
    assert "pod_eip.wait.also" in traces.told[-1].attributes


def test_the_number_of_free_spans_is_the_guard(world: World, traces: Traces) -> None:
    """Negative control."""
    assert _spans_of_turns(world, traces, free=10_000) > 900


def _spans_of_turns(world: World, traces: Traces, free: int = FREE) -> int:
    """A Pod that waits for one thing in one second, and for another in the next."""
    replica = Replica(world, plans=traces).lead()
    pod = world.pod("u-1", fixed())
    replica.settle()
    parts, s = replica.parts, replica.parts.observer.observe([pod], frozenset()).situations[0]
    spans = PodSpans(
        tracing=traces, memory=parts.memory, queue=parts.queue, term=parts.term, sightings=Sightings(), free=free
    )
    for turn in range(1000):
        world.clock.now += 1.0
        spans.takes_in(s, None, Wait(reason=WaitReason.TARGET if turn % 2 else WaitReason.LOOK))
    spans.end()
    return sum(told.name.startswith("wait: ") for told in traces.told)


def test_off_nothing_is_remembered(world: World) -> None:
    replica = Replica(world).lead()
    pod = world.pod("u-1", fixed())
    replica.run(30)
    assert replica.parts.memory.of(pod).story is None
    assert not replica.loop.known.sightings.seen
    assert not replica.loop.known.sightings.due


def test_each_span_of_a_life_is_one_that_is_documented(world: World, traces: Traces) -> None:
    replica = Replica(world, plans=traces).lead()
    world.pool(1)
    for n, annotations in enumerate((auto(), fixed(), {contract.ANNOTATION_TYPE: "nonsense"})):
        world.pod(f"u-{n}", annotations, ip=f"10.0.0.{4 + n}")
    replica.run(60)
    for uid in list(world.pods.pods):
        world.pods.delete(uid)
    replica.run(120)
    known = {SERVE, GIVE_UP, SEEN, QUEUED, *action_names(), *wait_names()}
    assert {told.name for told in traces.told} <= known
