"""Rows that are kept between status documents: they are those that would be made anew, whatever has changed."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.core.policy import Policy
from controller.core.status import PodStatus, Status
from controller.core.tenancy import OPEN, Rules
from controller.core.views import PodView
from controller.engine.kept_rows import KeptRows
from controller.engine.pod_rows import PodRows
from controller.engine.story import Story
from controller.engine.wall import WallClock
from state.errors import QuotaExceeded
from state.model import PodRecord, PodUid
from tests.unit.engine_harness import LIMIT_S, HandClock, Replica, World, auto, fixed
from tests.unit.shown import snapshot_of, status_of

FIRST = PodUid("u-1")
OPEN_RULES = Rules(policy=Policy(), tenancy=OPEN)


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


class Rows(PodRows):
    """Rows of a standby, or of a leader without a memory; `trouble` is raised in the place of a row."""

    def __init__(self, rules: Rules, trouble: Exception | None = None) -> None:
        super().__init__(None, rules, WallClock(HandClock()))
        self._trouble = trouble

    def row(self, uid: PodUid, record: PodRecord | None, view: PodView | None) -> PodStatus | None:
        """The row, or the trouble."""
        if self._trouble:
            raise self._trouble
        return super().row(uid, record, view)


def asking(node: str = "n1") -> PodView:
    """A Pod that asks for an address."""
    return PodView(uid=FIRST, namespace="ns", name="web-0", ip="10.0.0.5", node=node, annotations=auto())


def test_where_all_pods_are_gone_and_the_rules_are_others_no_row_stays() -> None:
    kept = KeptRows()
    assert kept.all(Rows(OPEN_RULES), {}, {FIRST: asking()}).pods
    other = Rules(policy=Policy(), tenancy=replace(OPEN, strict=True))
    for _ in range(2):
        assert kept.all(Rows(other), {}, {}).pods == ()


def test_a_row_that_could_not_be_made_is_made_at_the_next_look() -> None:
    kept = KeptRows()
    kept.all(Rows(OPEN_RULES), {}, {FIRST: asking()})
    moved = {FIRST: asking("n2")}
    with pytest.raises(KeyError):
        kept.all(Rows(OPEN_RULES, KeyError("a bug of ours")), {}, moved)
    assert [pod.node for pod in kept.all(Rows(OPEN_RULES), {}, moved).pods] == ["n2"]


def test_a_claim_that_was_made_again_has_its_own_since() -> None:
    world = World()
    replica = Replica(world).lead()
    world.pod(FIRST, auto())
    replica.settle()
    record, kept, seen = replica.ledger.pods()[FIRST], KeptRows(), []
    for since in ("2026-01-01T00:00:00Z", "2026-01-01T09:00:00Z"):
        again = replace(record, since=since)
        assert again == record
        seen += [pod.since for pod in kept.all(Rows(OPEN_RULES), {FIRST: again}, {FIRST: asking()}).pods]
    assert seen == ["2026-01-01T00:00:00Z", "2026-01-01T09:00:00Z"]
