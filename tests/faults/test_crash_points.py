"""A replica dies at every call that leaves it, on either side, in every mode and step of a Pod's life.

One world for each mode: its first Pod lives undisturbed and shows which calls there are; then Pod after Pod lives with
one crash in each step, until every point was had. Three replicas, so that while the dead one starts again there is
one that leads and one that follows. In the end the judge looks at the whole record.
"""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings
from tests.faults.crash import CrashPoint, Spot
from tests.faults.lives import STEPS, Step, new_life, play, play_and_crash
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds

REPLICAS = 3
FAST = {"poll-interval": "0.5", "resync-period": "4"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster."""
    with fault_world(tmp_path, ClusterSettings(name="a", nodes=3, replicas=REPLICAS), flags=FAST) as made:
        yield made


def points(spots: list[Spot]) -> list[CrashPoint]:
    """Both sides of each."""
    return [CrashPoint(spot=spot, side=side) for spot in spots for side in ("before", "after")]


def live_and_crash(world: FaultWorld, mode: str, plan: list[dict[Step, CrashPoint]]) -> list[str]:
    """One Pod for each row, with its crashes; the points that nobody came to."""
    missed = []
    for row in plan:
        life = new_life(world, mode)
        for step in STEPS[mode]:
            point = row.get(step)
            if point is None:
                play(life, step)
            elif not play_and_crash(life, step, point):
                missed.append(f"{step.__name__}: {point}")
    return missed


def enumerate_points(world: FaultWorld, mode: str) -> list[dict[Step, CrashPoint]]:
    """What an undisturbed life shows, as rows of one crash in each step."""
    life = new_life(world, mode)
    found = {step: points(list(play(life, step))) for step in STEPS[mode]}
    rows = zip_longest(*found.values())
    return [{step: p for step, p in zip(found, row, strict=True) if p is not None} for row in rows]


@pytest.mark.faults
@pytest.mark.thorough
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("mode", STEPS)
def test_every_point(world: FaultWorld, mode: str) -> None:
    plan = enumerate_points(world, mode)
    assert len(plan) >= 4, plan
    missed = live_and_crash(world, mode, plan)
    world.verdict(quiet_s=4, bounds=Bounds(failover_s=15.0))
    assert len(missed) <= len(plan) // 4, missed


SELECTION = (
    CrashPoint(spot=Spot(service="ec2", what="AllocateAddress", number=1), side="after"),
    CrashPoint(spot=Spot(service="ec2", what="AssociateAddress", number=1), side="after"),
    CrashPoint(spot=Spot(service="dynamodb", what="TransactWriteItems", number=1), side="after"),
    CrashPoint(spot=Spot(service="kubernetes", what="patch pods status", number=1), side="before"),
)
CUT = CrashPoint(spot=Spot(service="ec2", what="DisassociateAddress", number=1), side="after")


def test_the_points_that_hurt_most(world: FaultWorld) -> None:
    serve, *_, delete = STEPS["auto"]
    for point in SELECTION:
        life = new_life(world, "auto")
        assert play_and_crash(life, serve, point), point
    assert play_and_crash(life, delete, CUT)
    world.verdict(quiet_s=3, bounds=Bounds(failover_s=15.0))
