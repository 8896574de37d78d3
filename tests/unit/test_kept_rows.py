"""Rows that are kept between status documents: they are those that would be made anew, whatever has changed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.core.status import PodStatus, Status
from controller.engine.story import Story
from state.errors import QuotaExceeded
from state.model import PodUid
from tests.unit.engine_harness import LIMIT_S, Replica, World, auto, fixed
from tests.unit.shown import snapshot_of, status_of

FIRST = PodUid("u-1")


def full(world: World) -> None:
    """The account may have no more addresses."""
    world.ec2.fail("AllocateAddress", QuotaExceeded("The limit", code="AddressLimitExceeded"), times=1000)
    world.pod("u-9", auto(), ip="10.0.0.9")


def shown(status: Status) -> list[PodStatus]:
    """The rows. The harness's clock leaps, so a moment is another one in each snapshot's eyes."""
    return [replace(pod, next_try=None if pod.next_try is None else "then") for pod in status.pods]


CHANGES: dict[str, Callable[[World, Replica], object]] = {
    "a Pod comes": lambda world, _: world.pod("u-0", auto(), ip="10.0.0.7", name="a-first"),
    "a Pod that waits comes": lambda world, _: world.pod("u-3", fixed("nobody"), ip="10.0.0.8"),
    "a Pod goes": lambda world, _: world.pods.delete(FIRST),
    "it asks for something else": lambda world, _: world.change(FIRST, annotations=fixed("pool")),
    "it asks wrongly": lambda world, _: world.change(FIRST, annotations=auto() | {next(iter(auto())): "odd"}),
    "it asks no more": lambda world, _: world.change(FIRST, annotations={}),
    "it has another IP": lambda world, _: world.change(FIRST, ip="10.0.0.20"),
    "EC2 refuses": lambda world, _: full(world),
    "the term is over": lambda _, replica: replica.lose(),
}


def nothing() -> None:
    """No time passes."""


def turn(replica: Replica) -> None:
    """One turn, and what it has begun: while a plan runs, two documents may differ."""
    replica.loop.tick()
    assert replica.loop.in_flight_idle(LIMIT_S)
    assert replica.loop.background_idle(LIMIT_S)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_is_kept_is_what_would_be_made_anew(change: Callable[[World, Replica], object]) -> None:
    world = World()
    replica = Replica(world).lead()
    world.pod(FIRST, auto())
    world.pod("u-2", fixed("pool"), ip="10.0.0.6")
    replica.settle()
    kept = snapshot_of(world, replica)
    before = kept.build()
    change(world, replica)
    for settle in (nothing, lambda: turn(replica), replica.settle, lambda: replica.run(20.0)):
        settle()
        now, fresh = kept.build(), status_of(world, replica)
        assert (shown(now), now.pools) == (shown(fresh), fresh.pools)
    assert now.pods != before.pods


def test_where_nothing_changes_nothing_is_made() -> None:
    world = World()
    replica = Replica(world).lead()
    world.pod(FIRST, auto())
    replica.settle()
    kept = snapshot_of(world, replica)
    assert kept.build().pods is kept.build().pods


def test_a_trace_that_begins_before_the_claim_is_shown() -> None:
    world = World()
    replica = Replica(world).lead()
    world.pod(FIRST, fixed("nobody"))
    replica.settle()
    kept = snapshot_of(world, replica)
    assert kept.build().pods[0].trace_id is None
    replica.parts.memory.of(FIRST).story = Story(serving="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    assert kept.build().pods[0].trace_id == "0af7651916cd43dd8448eb211c80319c"
