"""The election's two promises, in worlds full of faults: never two before their deadlines, always one again.

The controls take away what a promise rests on, and show that the same search then finds a violation.
"""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.candidacy import Timings
from tests.unit.election_world import Weather, World

CALM = Weather()
SLOW = Weather(lost_request=0.1, lost_reply=0.15, late=0.1, pause=0.04, longest_way=3.0, deaf=0.3)
QUICK = Weather(lost_request=0.1, lost_reply=0.1, pause=0.1)


def stormy(random: Random) -> Weather:
    """Some of everything, in other proportions each time."""
    return Weather(
        lost_request=random.choice([0.0, 0.1, 0.3]),
        lost_reply=random.choice([0.0, 0.1, 0.4]),
        late=random.choice([0.0, 0.1]),
        pause=random.choice([0.0, 0.02, 0.1]),
        longest_way=random.choice([0.05, 1.0, 4.0]),
        deaf=random.choice([0.0, 0.5, 1.0]),
    )


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32), candidates=st.integers(2, 4))
def test_never_two_candidates_before_their_deadlines(seed: int, candidates: int) -> None:
    random = Random(seed)
    world = World(random, stormy(random), candidates)
    world.run(until=240)
    assert world.overlaps() == []


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32), candidates=st.integers(2, 4))
def test_after_the_leader_dies_somebody_leads_within_the_lease_and_one_retry(seed: int, candidates: int) -> None:
    random = Random(seed)
    world = World(random, replace(CALM, deaf=random.choice([0.0, 1.0])), candidates, drift=0.0)
    world.run(until=30 + random.uniform(0, 5))
    (dead,) = world.leaders()
    dead.alive = False
    killed = world.at
    network = 0.5  # what the messages of the new leader's own acquisition take
    world.run(until=killed + world.timings.lease_duration + world.timings.retry_period + network)
    assert [who for who in world.leaders() if who is not dead]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32), candidates=st.integers(1, 4))
def test_when_the_storm_ends_exactly_one_leads_and_goes_on(seed: int, candidates: int) -> None:
    random = Random(seed)
    world = World(random, stormy(random), candidates)
    world.run(until=200)
    world.weather = CALM
    world.run(until=300)
    (leader,) = world.leaders()
    world.run(until=340)
    assert world.leaders() == [leader]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32))
def test_the_epoch_on_the_lease_never_falls(seed: int) -> None:
    random = Random(seed)
    world = World(random, stormy(random), 3)
    world.run(until=240)
    epochs = [lease.epoch for lease in world.server.history if lease]
    assert epochs == sorted(epochs)


def violations(world: World) -> int:
    """How many times two were before their deadlines."""
    world.run(until=240)
    return len(world.overlaps())


def storms(count: int = 12) -> list[World]:
    """Worlds in bad weather, the same each time: messages lag in some, in the others processes only freeze."""
    return [World(Random(seed), weather, 3) for seed in range(count) for weather in (SLOW, QUICK)]


def test_the_storms_of_the_controls_do_no_harm_as_it_is() -> None:
    assert sum(violations(world) for world in storms()) == 0


def test_control_a_deadline_counted_from_the_reply_is_caught() -> None:
    worlds = storms()
    for world in worlds:
        world.from_reply = True
    assert sum(violations(world) for world in worlds) > 0


@pytest.mark.parametrize("timings", [Timings(renew_deadline=15.0), Timings(lease_duration=8.0)])
def test_control_a_deadline_not_well_within_the_lease_is_caught(timings: Timings) -> None:
    worlds = storms()
    for world in worlds:
        for candidate in world.candidates:
            candidate.view = replace(candidate.view, timings=timings)
    assert sum(violations(world) for world in worlds) > 0


def test_control_a_server_without_versions_is_caught() -> None:
    worlds = storms()
    for world in worlds:
        world.server.check_versions = False
    assert sum(violations(world) for world in worlds) > 0
