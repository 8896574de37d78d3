"""The plan in every scene: whatever one thing goes wrong, and in random runs in which much does.

`python -m tests.model` searches deeper.
"""

import pytest

from controller.core.phases import EDGES, ROWS, ClaimState
from tests.model.explorer import Search
from tests.model.plan_model import PlanModel
from tests.model.scenes import SCENES, Scene


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_whatever_goes_wrong_once_all_ends_well(scene: Scene) -> None:
    report = Search(PlanModel(scene)).exhaust(1)
    assert not report.found, report.found[0]
    assert report.complete
    assert report.states > 100


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_random_runs_in_which_much_goes_wrong_end_well(scene: Scene) -> None:
    report = Search(PlanModel(scene)).walk(seed=1, walks=6)
    assert not report.found, report.found[0]
    assert report.rests == report.walks == 6


BY_THE_PLAN_ALONE = {  # `tests/unit/test_phases.py` comes to these
    (ClaimState.ASSOCIATED, ClaimState.ASSOCIATED),
    (ClaimState.INTENT, ClaimState.ASSOCIATED),
    (ClaimState.CLAIMED, ClaimState.RELEASING),
}


def test_the_scenes_come_to_every_way_that_a_claim_may_go() -> None:
    """What is in the table of phases happens; only to inherit needs two installs of one cluster, which no scene has."""
    [inherit] = [row for row in ROWS if row.by == "inherit"]
    seen = set(inherit.edges)
    for scene in SCENES:
        model = PlanModel(scene)
        if scene.patient:  # what comes late is rare in random runs
            Search(model).exhaust(1)
        Search(model).walk(seed=1, walks=3)
        seen |= model.edges
    assert EDGES - seen <= BY_THE_PLAN_ALONE
