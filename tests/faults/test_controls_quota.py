"""The guards that leave the last addresses of the account's quota to others: without them `auto` takes those too.

Each scenario is played twice: as the program is, and without the guard. EC2's own journal tells how many there were.
"""

from pathlib import Path

import pytest

from sandbox.ec2.log import Entry
from sandbox.world import ClusterSettings, wait_until
from tests.e2e.scene import auto
from tests.faults.mutants import Edit, guarded_or_not, source_with, unless
from tests.faults.neighbours import UNHURRIED, run_many, scene
from tests.faults.world import FaultWorld, fault_world

pytestmark = [pytest.mark.faults, pytest.mark.control, pytest.mark.timeout(180)]
QUOTA, KEPT, PODS = 8, 3, 12
SLOW = {"quota": QUOTA, "latency_by_action": {"AllocateAddress": 0.5}}
NOBODY_ASKED = Edit(
    file="controller/engine/permits.py",
    text="none = parts.quota.no_room(s.uid, flying.uids) if draws(actions) else None",
    instead="none = None",
)
FLIGHTS_NOT_COUNTED = Edit(
    file="controller/engine/quota.py",
    text="self._now().no_room(len(self._drawn.granted))",
    instead="self._now().no_room(0)",
)


def most(journal: tuple[Entry, ...]) -> int:
    """How many addresses the account had at once, at most."""
    now = highest = 0
    for entry in journal:
        now += {"allocated": 1, "released": -1}.get(entry.effect.kind, 0)
        highest = max(highest, now)
    return highest


def settled(world: FaultWorld) -> bool:
    """Whether as many Pods have an address as there are addresses, and the others were told why they have none."""
    where = scene(world, "ns")
    names = [f"p{number}" for number in range(PODS)]
    without = [name for name in names if not where.label(name)]
    return all(any("EIPWaiting" in said or "EIPAssociationFailed" in said for said in where.said(n)) for n in without)


@guarded_or_not
@pytest.mark.parametrize("guard", [NOBODY_ASKED, FLIGHTS_NOT_COUNTED], ids=["limit", "in-flight"])
def test_without_it_a_burst_takes_what_is_kept(tmp_path: Path, guarded: bool, guard: Edit) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, guard))
    flags = UNHURRIED | {"keep-quota": str(KEPT)}
    with fault_world(tmp_path, ClusterSettings(name="a", replicas=2), flags=flags, ec2=SLOW, env=env) as world:
        run_many(scene(world, "ns"), PODS, auto())
        if guarded:
            wait_until(lambda: settled(world), 90, "all are served, or told", 0.3)
            assert most(world.ec2.journal()) == QUOTA - KEPT
        else:
            wait_until(lambda: most(world.ec2.journal()) > QUOTA - KEPT, 60, "the kept ones are taken", 0.3)
