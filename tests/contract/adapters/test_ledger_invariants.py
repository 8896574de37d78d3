"""S1 and S2 on any interleaving of leaders that believe what they last read; and that the guards are what keeps them.

The negative controls take one guard out of the requests, on the wire: then the same check must fail.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from state.table import Table
from tests.fakes.dynamodb_proxy import Body, Proxy
from tests.fakes.ledger_history import History, Step, histories
from tests.fakes.ledger_worlds import DynamoWorld, FakeWorld, table_at

TWO_LEADERS = [Step(0, "lead"), Step(1, "lead"), Step(0, "claim")]
TWO_CLUSTERS = [Step(0, "lead"), Step(2, "lead"), Step(0, "claim"), Step(2, "claim")]


@pytest.fixture(scope="module")
def table(dynamodb: Any) -> Table:
    """One table for all histories: each has installs of its own."""
    return table_at(dynamodb.meta.endpoint_url)


@contextmanager
def world_on(table: Table) -> Iterator[DynamoWorld]:
    """A world whose writers end with it."""
    world = DynamoWorld(table)
    try:
        yield world
    finally:
        world.close()


@settings(deadline=None, max_examples=150)
@given(histories)
def test_the_invariants_hold_in_memory(plan: Sequence[Step]) -> None:
    History(FakeWorld()).play(plan)


def test_the_invariants_hold_on_dynamodb(table: Table) -> None:
    @settings(deadline=None, max_examples=5, suppress_health_check=[HealthCheck.too_slow])
    @given(histories)
    def hold(plan: Sequence[Step]) -> None:
        with world_on(table) as world:
            History(world).play(plan)

    hold()


@pytest.mark.parametrize("plan", [TWO_LEADERS, TWO_CLUSTERS])
def test_the_controls_histories_pass_with_every_guard(table: Table, plan: Sequence[Step]) -> None:
    with world_on(table) as world:
        History(world).play(plan)


def test_without_the_fence_s2_breaks(dynamodb: Any, table: Table) -> None:
    with pytest.raises(AssertionError, match="S2"):
        _play_without(dynamodb, table, "install#", TWO_LEADERS)


def test_without_the_condition_on_the_address_s1_breaks(dynamodb: Any, table: Table) -> None:
    with pytest.raises(AssertionError, match="S1"):
        _play_without(dynamodb, table, "claim", TWO_CLUSTERS)


def _play_without(dynamodb: Any, table: Table, sort_prefix: str, plan: Sequence[Step]) -> None:
    """Play with the conditions on such items made always true."""

    def blunt(operation: str, body: Body) -> Body:
        items = [item for entry in body.get("TransactItems", ()) for item in entry.values()]
        for item in items:
            key = item.get("Key") or item["Item"]
            if key["sk"]["S"].startswith(sort_prefix) and "ConditionExpression" in item:
                said = item["ConditionExpression"]
                item["ConditionExpression"] = f"attribute_exists(pk) OR attribute_not_exists(pk) OR {said}"
        return body

    with Proxy(dynamodb.meta.endpoint_url, rewrite=blunt) as proxy:
        through = table_at(proxy.url, name=table.name)
        with world_on(through) as world:
            History(world).play(plan)
