"""The election: whatever one thing goes wrong, no two act at once, and one leads again.

`python -m tests.model --scene election` searches deeper.
"""

import pytest

from tests.model.election_model import DRIFTING, ElectionModel
from tests.model.explorer import Search

THREE = {"r1": 1.0, "r2": 1.0, "r3": 1.0}


@pytest.mark.parametrize("rates", [DRIFTING, THREE], ids=["clocks that drift", "three candidates"])
def test_whatever_goes_wrong_once_all_ends_well(rates: dict[str, float]) -> None:
    report = Search(ElectionModel(rates)).exhaust(1)
    assert not report.found, report.found[0]
    assert report.complete
    assert report.states > 1000


def test_random_runs_in_which_much_goes_wrong_end_well() -> None:
    report = Search(ElectionModel()).walk(seed=1, walks=40)
    assert not report.found, report.found[0]
    assert report.rests == report.walks == 40
