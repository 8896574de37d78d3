"""Guards of leadership: what ends a leader whose election, or whose loop, stands still.

Each test plays one scenario twice: as the program is, which passes, and without the guard, which the judge notices.
"""

from pathlib import Path

import pytest

from sandbox.replica import Replica
from sandbox.world import ClusterSettings, wait_until
from tests.e2e.scene import auto
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
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds, Call
from tests.judges.facts import Guarantee

pytestmark = [pytest.mark.faults, pytest.mark.control, pytest.mark.timeout(240)]
PAIR = ClusterSettings(name="a", nodes=2, replicas=2)

NO_DEADLINE = Edit(
    file="controller/engine/leadership.py",
    text="        if left < self._call_timeout:\n",
    instead="        if False:\n",
)
NO_MARGIN = Edit(
    file="controller/engine/leadership.py",
    text="        if left < self._call_timeout:\n",
    instead="        if left < 0:\n",
)
NOT_LAST = Edit(
    file="controller/aws/client.py",
    text="    if not is_dry_run(request.body):\n        guard.check()\n",
    instead="    if not is_dry_run(request.body):\n        return\n",
)
NOT_FOR_PATCHES = Edit(
    file="controller/kube/patches.py", text="before_send=self._guard.check,", instead="before_send=None,"
)
NO_PROGRESS = (
    Edit(
        file="controller/core/election.py",
        text="    if now >= _stuck_from(view):\n        return EndReason.STUCK\n",
        instead="",
    ),
    Edit(
        file="controller/core/election.py",
        text="view.deadline, _stuck_from(view), _unable",
        instead="view.deadline, _unable",
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


class NoRenewals:
    """Every write of the Lease is lost on its way; all else passes."""

    def before(self, call: Call) -> bool:
        """Deliver what is no renewal."""
        return not call.renews

    def after(self, call: Call) -> bool:
        """Answer."""
        return True


# A call may take one of the two seconds of leadership; half a second is for its way to the door.
WITH_MARGIN = Bounds(renew_deadline_s=1.5, failover_s=20.0, misplaced_s=30.0, unclaimed_s=30.0)
SLOW_EC2 = {"latency_by_action": {"AllocateAddress": 0.1, "AssociateAddress": 0.1}}


@guarded_or_not
def test_a_leader_without_renewals_starts_calls_that_may_outlive_its_deadline(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_MARGIN))
    one_by_one = {**FAST, "concurrency": "1"}
    with fault_world(tmp_path, PAIR, flags=one_by_one, env=env, ec2=SLOW_EC2) as world:
        old, cluster = world.leader(), world.clusters["a"]
        for number in range(16):
            cluster.run_pod("ns", f"one-of-many-{number}", auto())
        world.interfere(NoRenewals(), replica=old.name, service="kubernetes")
        wait_until(lambda: not old.leads(), 20, "its deadline has passed")
        holds_or_breaks(world, guarded, Guarantee.DEADLINE, bounds=WITH_MARGIN)


def succeed(world: FaultWorld, old: Replica) -> None:
    """The leader's renewals are lost until another leads."""
    world.interfere(NoRenewals(), replica=old.name, service="kubernetes")
    wait_until(lambda: any(r.leads() for r in world.replicas() if r is not old), 30, "another leads")


@guarded_or_not
def test_a_cut_stands_still_between_its_turn_and_the_wire_until_another_leads(tmp_path: Path, guarded: bool) -> None:
    hang = Hang(tmp_path / "hang")
    planted = hang.planted("controller/aws/calls.py", "        started = time.monotonic()\n")
    env = source_with(tmp_path / "source", planted, *unless(guarded, NOT_LAST))
    with fault_world(tmp_path, PAIR, flags={**FAST, "resync-period": "60"}, env=env) as world:
        life = new_life(world, "fixed-tag")
        play(life, serve)
        old = world.leader()
        hang.begin(old)
        delete(life)
        hang.wait_reached(old)
        succeed(world, old)
        hang.end()
        holds_or_breaks(world, guarded, Guarantee.DEADLINE)


@guarded_or_not
def test_a_patch_stands_still_before_the_wire_until_another_leads(tmp_path: Path, guarded: bool) -> None:
    hang = Hang(tmp_path / "hang")
    planted = hang.planted("controller/kube/patches.py", "        try:\n            return pod_of(")
    env = source_with(tmp_path / "source", planted, *unless(guarded, NOT_FOR_PATCHES))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        old = world.leader()
        hang.begin(old)
        serve(new_life(world, "auto"))
        hang.wait_reached(old)
        succeed(world, old)
        hang.end()
        holds_or_breaks(world, guarded, Guarantee.DEADLINE)


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
