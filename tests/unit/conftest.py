"""The world of the engine's tests; a module about another part of the controller has a `world` of its own."""

from collections.abc import Iterator

import pytest

from tests.unit.engine_harness import World


@pytest.fixture
def world() -> Iterator[World]:
    """One cluster and one account, whose replicas are stopped afterwards."""
    made = World()
    yield made
    for loop in made.loops:
        loop.stop()
