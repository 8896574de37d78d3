"""Guards of leadership: what ends a leader whose election, or whose loop, stands still.

Each test plays one scenario twice: as the program is, which passes, and without the guard, which the judge notices.
"""

from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.faults.lives import delete, new_life, play, serve
from tests.faults.mutants import (
    FAST,
    Edit,
    Hang,
    converges_or_not,
    guarded_or_not,
    holds_or_breaks,
    source_with,
    unless,
)
from tests.faults.world import fault_world
from tests.judges.facts import Guarantee

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
PAIR = ClusterSettings(name="a", nodes=2, replicas=2)

NO_DEADLINE = Edit(
    file="controller/engine/leadership.py",
    text="        if left < self._call_timeout:\n",
    instead="        if False:\n",
)
NO_PROGRESS = (
    Edit(
        file="controller/core/election.py",
        text="    if now >= _stuck_from(view):\n        return Reason.STUCK\n",
        instead="",
    ),
    Edit(
        file="controller/core/election.py",
        text="view.deadline, _stuck_from(view), _begin",
        instead="view.deadline, _begin",
    ),
)


@guarded_or_not
def test_a_leader_whose_election_hangs_cuts_beside_the_next_one(tmp_path: Path, guarded: bool) -> None:
    hang = Hang(tmp_path / "hang")
    planted = hang.planted("controller/engine/leader.py", "        self._take_in()\n        decision = step(")
    env = source_with(tmp_path / "source", planted, *unless(guarded, NO_DEADLINE))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        life = new_life(world, "auto")
        play(life, serve)
        old = world.leader()
        hang.begin(old)
        wait_until(lambda: any(r.leads() for r in world.replicas() if r is not old), 30, "another leads")
        delete(life)
        wait_until(lambda: not any(h.until is None for h in world.ec2.holdings()), 20, "the address is cut")
        holds_or_breaks(world, guarded, Guarantee.DEADLINE)
        hang.end()


@guarded_or_not
def test_a_leader_whose_loop_hangs_is_replaced(tmp_path: Path, guarded: bool) -> None:
    hang = Hang(tmp_path / "hang")
    planted = hang.planted(
        "controller/engine/reconcile.py", "        self._woke_at = self._clock()\n        self._follow"
    )
    env = source_with(tmp_path / "source", planted, *unless(guarded, *NO_PROGRESS))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        hang.begin(world.leader())
        serve(new_life(world, "auto"))
        converges_or_not(world, guarded)
        hang.end()
