"""Takes a guard away, for tests that show that it was needed: the judge must find out, else one of both is not.

The product has no switch for that. The replicas run a copy of the source with an expression changed, or a door changes
a request on its way; the same scenario with the true source passes. A hang is planted by the same means.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.replica import Replica
from sandbox.world import wait_until
from tests.faults.world import FaultWorld
from tests.history import Bounds
from tests.judge import SAFETY, BrokenGuaranteesError, judge
from tests.judges.facts import Guarantee

ROOT = Path(__file__).parents[2]
REACHED = ".reached"
FAST = {"poll-interval": "0.5", "resync-period": "4"}
PATIENT = Bounds(failover_s=20.0)  # while the machine is busy; how long it takes is measured elsewhere
guarded_or_not = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """In this file of the source, `instead` stands for `text`, which must be there once."""

    file: str
    text: str
    instead: str


def source_with(folder: Path, *edits: Edit) -> dict[str, str]:
    """The environment in which a replica runs a copy of the source with these edits; without any, the source itself."""
    if not edits:
        return {}
    for package in ("controller", "state"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in edits:
        source = (folder / edit.file).read_text()
        assert source.count(edit.text) == 1, f"{edit.file}: {edit.text}"
        (folder / edit.file).write_text(source.replace(edit.text, edit.instead))
    return {"PYTHONPATH": str(folder), "PYTHONSAFEPATH": "1"}


def unless(guarded: bool, *edits: Edit) -> tuple[Edit, ...]:
    """The edits that take the guard away, if it is to be taken away."""
    return () if guarded else edits


class Hang:
    """A place in the source where a replica stands still for as long as the test says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(exist_ok=True)

    def planted(self, file: str, before: str) -> Edit:
        """Stand still before this line."""
        indent = before[: len(before) - len(before.lstrip())]
        lines = (
            f"hung = __import__('pathlib').Path('{self._folder}', __import__('os').environ['AWS_ACCESS_KEY_ID'])",
            "while hung.exists():",
            f"    hung.with_suffix('{REACHED}').touch()",
            "    __import__('time').sleep(0.02)",
        )
        return Edit(file=file, text=before, instead="".join(f"{indent}{line}\n" for line in lines) + before)

    def begin(self, replica: Replica) -> None:
        """From now on this replica stands still when it comes there."""
        (self._folder / replica.name).touch()

    def wait_reached(self, replica: Replica) -> None:
        """Until it stands there."""
        mark = (self._folder / replica.name).with_suffix(REACHED)
        wait_until(mark.exists, 30, f"{replica.name} comes to where it hangs")

    def end(self) -> None:
        """Everybody goes on."""
        for file in self._folder.iterdir():
            if file.suffix != REACHED:
                file.unlink()


def holds_or_breaks(
    world: FaultWorld, guarded: bool, breaks: Guarantee, *, bounds: Bounds = PATIENT, limit_s: float = 30
) -> None:
    """With its guard the world converges and everything held; without it, the judge finds this broken."""
    if guarded:
        world.verdict(bounds=bounds, limit_s=60)
        return
    world.mend()
    found: set[Guarantee] = set()

    def is_found() -> bool:
        found.update(v.broken for v in judge(world.history(bounds=bounds), SAFETY))
        return breaks in found

    wait_until(is_found, limit_s, lambda: f"the judge finds {breaks!r} broken, not only {found}", 0.3)


def converges_or_not(world: FaultWorld, guarded: bool, *, bounds: Bounds = PATIENT, limit_s: float = 15) -> None:
    """With its guard the world converges and everything held; without it, something is left undone for good."""
    if guarded:
        world.verdict(bounds=bounds, limit_s=60)
        return
    world.mend()
    with pytest.raises(BrokenGuaranteesError) as broken:
        world.settle(limit_s)
    assert broken.value.broken == {Guarantee.CONVERGED}
