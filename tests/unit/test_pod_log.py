"""The lines of a Pod's life at level info: exactly the documented ones, and a minute between those that repeat."""

import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from controller.core import contract
from controller.engine.line_budget import MINUTE_S, MOST, LineBudget
from controller.engine.pod_log import log
from state.errors import QuotaExceeded, Throttled, Unavailable
from state.model import PodUid
from tests.unit.engine_harness import Replica, World, auto, fixed

HOUR_S = 3600.0
TRACE = "0af7651916cd43dd8448eb211c80319c"
Said = Callable[[], list[logging.LogRecord]]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """The lines about Pods so far."""
    caplog.set_level(logging.INFO, log.name)
    return lambda: [record for record in caplog.records if record.name == log.name]


def messages(records: list[logging.LogRecord]) -> list[str]:
    """What they say."""
    return [record.getMessage() for record in records]


def field(record: logging.LogRecord, name: str) -> Any:
    """A field of a line; None where it has none."""
    return record.__dict__.get(name)


def life(world: World, replica: Replica, annotations: dict[str, str]) -> PodUid:
    """A Pod is served, stays for a while, and goes."""
    pod = world.pod("u-1", annotations, name="p")
    replica.settle()
    assert world.label(pod)
    replica.run(700, step=5.0)
    world.pods.delete(pod)
    replica.run(700, step=5.0)
    return pod


@pytest.mark.parametrize(
    ("annotations", "mode", "end"), [(auto(), "auto", "released"), (fixed(), "fixed-tag", "released to its pool")]
)
def test_a_life_has_five_lines(world: World, said: Said, annotations: dict[str, str], mode: str, end: str) -> None:
    replica = Replica(world).lead()
    world.pool(1)
    life(world, replica, annotations)
    lines = said()
    assert messages(lines) == ["claimed", "associated", "labelled: served in 0.0 s", "disassociated", end]
    assert {line.levelno for line in lines} == {logging.INFO}
    for name in ("pod", "pod_uid", "mode", "address", "allocation_id", "private_ip", "epoch"):
        assert len({field(line, name) for line in lines}) == 1, name
    first = lines[0]
    assert (field(first, "pod"), field(first, "pod_uid"), field(first, "mode")) == ("ns/p", "u-1", mode)
    assert (field(first, "private_ip"), field(first, "epoch")) == ("10.0.0.5", 1)
    assert field(first, "address")
    assert field(first, "allocation_id").startswith("eipalloc-")


def test_the_lines_of_a_traced_life_have_one_trace(world: World, said: Said) -> None:
    replica = Replica(world).lead()
    replica.plans.traceparent = f"00-{TRACE}-b7ad6b7169203331-01"
    life(world, replica, auto())
    assert [field(line, "trace_id") for line in said()] == [TRACE] * 5


def test_a_pod_without_a_trace_has_no_field_for_it(world: World, said: Said) -> None:
    life(world, Replica(world).lead(), auto())
    assert not [line for line in said() if hasattr(line, "trace_id")]


def test_a_new_leader_says_nothing_of_who_is_served(world: World, said: Said) -> None:
    first = Replica(world).lead()
    world.pod("u-1", auto())
    first.settle()
    before = len(said())
    first.crash()
    Replica(world).lead().run(HOUR_S, step=10.0)
    assert len(said()) == before


def test_a_pod_whose_leader_ended_before_it_was_labelled_is_served_by_the_next(world: World, said: Said) -> None:
    first = Replica(world).lead()
    world.pods.fail("patch_labels", Unavailable("no answer"))
    pod = world.pod("u-1", auto())
    first.settle()
    assert not world.label(pod)
    first.crash()
    world.clock.now += 20
    Replica(world).lead().run(5)
    assert world.label(pod)
    assert [line for line in messages(said()) if line.startswith("labelled")] == ["labelled: served in 20.0 s"]


@pytest.mark.parametrize("left", [{contract.LABEL_TYPE: "auto"}, {}], ids=["one label", "the condition"])
def test_a_pod_whose_labels_went_while_nobody_led_was_served_before(
    world: World, said: Said, left: dict[str, str]
) -> None:
    first = Replica(world).lead()
    pod = world.pod("u-1", auto(), gated=not left)
    first.settle()
    first.crash()
    world.change(pod, labels=left)
    Replica(world).lead().run(5)
    assert messages(said())[3:] == ["labelled: its labels were put right"]


def test_a_pod_that_moves_keeps_its_address_and_says_so(world: World, said: Said) -> None:
    replica = Replica(world).lead()
    pod = world.pod("u-1", auto())
    replica.settle()
    before = len(said())
    world.change(pod, ip="10.0.0.6")
    replica.run(5)
    lines = said()[before:]
    assert messages(lines) == ["disassociated", "associated", "labelled: served in 0.0 s"]
    assert [field(line, "private_ip") for line in lines] == ["10.0.0.5", "10.0.0.6", "10.0.0.6"]


def test_an_address_that_somebody_else_released_is_not_called_released(world: World, said: Said) -> None:
    replica = Replica(world).lead()
    world.pod("u-1", auto())
    replica.settle()
    before = len(said())
    [address] = world.ec2.addresses()
    world.ec2.give_away(address.allocation_id)
    replica.run(700, step=5.0)
    assert messages(said()[before:])[0] == "claim ended: the address is left as it is"


def test_a_pod_that_waits_for_an_hour_says_so_once_and_then_how_long_it_was(world: World, said: Said) -> None:
    replica = Replica(world).lead()
    world.pod("u-1", fixed(), name="p")
    replica.run(HOUR_S, step=5.0)
    [line] = said()
    assert line.getMessage().startswith("waits: ")
    assert "pool" in line.getMessage()
    assert (field(line, "pod"), field(line, "mode"), field(line, "address")) == ("ns/p", "fixed-tag", None)
    world.pool(1)
    replica.run(60)
    served = messages(said())[-1]
    assert served.startswith("labelled: served in 36")


def test_a_short_wait_is_no_line(world: World, said: Said) -> None:
    replica = Replica(world).lead()
    world.pod("u-1", fixed())
    replica.run(20)
    world.pool(1)
    replica.run(20)
    assert messages(said())[:2] == ["claimed", "associated"]


def test_what_fails_for_an_hour_says_so_once_a_minute_at_most(world: World, said: Said) -> None:
    replica = Replica(world).lead()
    world.ec2.fail("AllocateAddress", QuotaExceeded("no more", code="AddressLimitExceeded"), times=10_000)
    world.pod("u-1", auto())
    at: list[float] = []
    end = replica.clock.now + HOUR_S
    while replica.clock.now < end:
        before = len(said())
        replica.run(1.0)
        at += [replica.clock.now] * (len(said()) - before)
    assert 1 < len(at) <= HOUR_S / MINUTE_S
    assert all(later - earlier >= MINUTE_S - 1 for earlier, later in pairwise(at))
    assert "AllocateAddress failed: " in messages(said())[0]


def test_a_release_that_fails_for_a_pod_that_is_gone_is_a_line(world: World, said: Said) -> None:
    """No event can tell of it."""
    replica = Replica(world).lead()
    pod = world.pod("u-1", auto(), name="p")
    replica.settle()
    before = len(said())
    world.ec2.fail("ReleaseAddress", Unavailable("later", code="InternalError"))
    world.pods.delete(pod)
    replica.run(120)
    lines = said()[before:]
    assert [text.partition(":")[0] for text in messages(lines)] == [
        "disassociated",
        "ReleaseAddress failed",
        "released",
    ]
    assert field(lines[1], "pod") == "ns/p"


def test_labels_that_come_late_are_told_of_once(world: World, said: Said) -> None:
    """The API server refused them at first, so the plan that puts them on does nothing else."""
    replica = Replica(world).lead()
    world.pods.fail("patch_labels", Throttled("later", code="TooManyRequests"))
    pod = world.pod("u-1", auto())
    replica.until(lambda: world.label(pod))
    replica.run(5)
    texts = messages(said())
    assert [text.partition(":")[0] for text in texts] == ["claimed", "associated", "labelled"]
    assert texts[-1].startswith("labelled: served in ")


def test_labels_that_somebody_takes_off_are_a_line_a_minute_at_most(world: World, said: Said) -> None:
    replica = Replica(world).lead()
    pod = world.pod("u-1", auto())
    replica.run(61)
    before, began = len(said()), replica.clock.now
    while replica.clock.now < began + 3 * MINUTE_S:
        world.change(pod, labels={})
        replica.run(1.0)
    texts = messages(said()[before:])
    assert set(texts) == {"labelled: its labels were put right"}
    assert 1 <= len(texts) <= 4


def test_a_crowd_that_waits_has_a_budget_and_says_what_was_left_out(world: World, said: Said) -> None:
    replica = Replica(world, threads=8).lead()
    crowd = 2 * MOST
    for n in range(crowd):
        world.pod(f"u-{n}", fixed(), ip=f"10.0.0.{4 + n}")
    replica.run(50)
    assert len(said()) == MOST
    replica.run(MINUTE_S + 15)
    assert len(said()) == crowd
    assert [field(line, "left_out") for line in said()[: MOST + 1]] == [None] * MOST + [field(said()[MOST], "left_out")]
    assert field(said()[MOST], "left_out") >= crowd - MOST


def test_a_budget_begins_anew_each_minute() -> None:
    budget = LineBudget()
    assert [budget.take(1.0) for _ in range(MOST + 2)] == [0] * MOST + [None, None]
    assert [budget.take(1.0 + MINUTE_S), budget.take(2.0 + MINUTE_S)] == [2, 0]


def test_the_budget_is_the_guard(world: World, said: Said) -> None:
    """Negative control: with room for all, the same crowd writes a line each."""
    replica = Replica(world, threads=8).lead()
    for n in range(2 * MOST):
        world.pod(f"u-{n}", fixed(), ip=f"10.0.0.{4 + n}")
    replica.run(10)
    replica.parts.memory.lines.began, replica.parts.memory.lines.written = replica.clock.now, -10 * MOST
    replica.run(40)
    assert len(said()) == 2 * MOST


def test_the_secret_of_a_pod_is_not_in_its_lines(world: World, said: Said) -> None:
    """Annotations and labels of a Pod that are not ours are nobody's business."""
    replica = Replica(world).lead()
    world.pod("u-1", {**auto(), "token": "s3cret"})
    replica.settle()
    assert said()
    assert not [line for line in said() if "s3cret" in str(line.__dict__) or contract.PREFIX in str(line.__dict__)]
