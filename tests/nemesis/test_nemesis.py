"""The nemesis itself: a fixed seed holds, and what it writes down of a round is worth reading."""

from pathlib import Path

import pytest

from tests.nemesis.rounds import play_round, timeline
from tests.unit.judged_histories import GOOD

pytestmark = pytest.mark.faults


@pytest.mark.again
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", ["1:1", "2:1"])
def test_a_round_holds(seed: str, tmp_path: Path) -> None:
    verdict = play_round(seed, 20, tmp_path, None, print)
    assert not verdict.why
    assert len(verdict.story) > 20


def test_a_timeline_is_in_the_order_of_time() -> None:
    times = [float(line.split()[0]) for line in timeline(GOOD)]
    assert times == sorted(times)
    assert len(times) > 5
