"""A guard is taken away, and the judge must find that out: else the guard is not needed, or the judge is blind.

The product has no switch for that. The replicas run a copy of the source with one expression changed; the same
scenario with the true source passes.
"""

import shutil
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings
from tests.faults.lives import associate_a_stranger
from tests.faults.world import fault_world
from tests.judge import BrokenGuaranteesError
from tests.judges.facts import Guarantee

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
ROOT = Path(__file__).parents[2]
FAST = {"poll-interval": "0.5", "resync-period": "4"}


def without(folder: Path, file: str, guard: str, instead: str) -> dict[str, str]:
    """The environment in which a replica runs a copy of the source, where `instead` stands for the guard."""
    for package in ("controller", "state"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    source = (folder / file).read_text()
    assert source.count(guard) == 1, guard
    (folder / file).write_text(source.replace(guard, instead))
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def test_recent_targets_are_not_remembered(tmp_path: Path) -> None:
    guard, instead = "return (*left, *kept)[:RECENT_LIMIT]", "return ()"
    env = without(tmp_path / "source", "controller/core/transitions.py", guard, instead)
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path, cluster, flags=FAST, env=env) as world:
        associate_a_stranger(world)
        world.mend()
        with pytest.raises(BrokenGuaranteesError) as broken:
            world.settle(12)
    assert broken.value.broken == {Guarantee.CONVERGED}
