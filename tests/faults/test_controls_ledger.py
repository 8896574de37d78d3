"""Guards of the ledger: who may write, on what condition, and what must be written before EC2 is asked.

Each test plays one scenario twice: as the program is, which passes, and without the guard, which the judge notices.
"""

from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.e2e.scene import PUBLIC_IP, auto, fixed
from tests.faults.catching import Catch, claims, records
from tests.faults.crash import Crash, CrashPoint, Spot
from tests.faults.lives import Life, delete, new_life, play, serve, switch_off, switch_on
from tests.faults.mutants import (
    FAST,
    PATIENT,
    Edit,
    converges_or_not,
    guarded_or_not,
    holds_or_breaks,
    source_with,
    unless,
)
from tests.faults.people import address_at
from tests.faults.tables import copy_items, put_back
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds, Service
from tests.judges.facts import Guarantee

pytestmark = [pytest.mark.faults, pytest.mark.control, pytest.mark.timeout(240)]
PAIR = ClusterSettings(name="a", nodes=2, replicas=2)

NO_EPOCH = Edit(file="state/transaction.py", text="model.epoch == term.epoch", instead="model.pk.exists()")
NO_BEATS = Edit(
    file="state/transaction.py",
    text="ours = (model.epoch == term.epoch) & (model.heartbeat >= term.beats)",
    instead="ours = model.epoch == term.epoch",
)
NO_REV = Edit(
    file="state/operations.py",
    text="""    condition = model.rev == before.rev if before else model.pk.does_not_exist()
    if before and before.nonce:
        condition &= model.nonce == before.nonce
""",
    instead="    condition = model.pk.exists() | model.pk.does_not_exist()\n",
)
NO_NONCE = Edit(
    file="state/operations.py",
    text="""    if before and before.nonce:
        condition &= model.nonce == before.nonce
""",
    instead="",
)
NO_INTENT = Edit(
    file="controller/core/plan.py",
    text="intent = () if s.record else (Intend(mode=wanted.mode, pool=wanted.pool),)",
    instead="intent = ()",
)
NO_TARGET = Edit(
    file="controller/core/transitions.py",
    text="side, pool=step.pool, public_ip=taken.public_ip, owner=owner, target=step.target)",
    instead="side, pool=step.pool, public_ip=taken.public_ip, owner=owner, target=None)",
)
BY_NAME = Edit(
    file="controller/assembly.py",
    text="InstallKey(cluster_uid=self._cluster.uid(),",
    instead="InstallKey(cluster_uid=config.cluster_name,",
)


@guarded_or_not
def test_a_dead_leaders_write_arrives_under_the_next_epoch(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_EPOCH))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        late = Catch(claims)
        world.interfere(late, service="dynamodb")
        life = new_life(world, "fixed-tag")
        serve(life)
        world.kill(late.caller(world))
        delete(life)
        world.free_lease()
        world.leader()
        late.let_go()
        holds_or_breaks(world, guarded, Guarantee.FENCE)


@guarded_or_not
def test_an_older_table_comes_back_under_the_same_epoch(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_BEATS))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        backup = copy_items(world)
        play(new_life(world, "fixed-tag"), serve)
        put_back(world, backup)
        serve(new_life(world, "fixed-tag"))
        converges_or_not(world, guarded, bounds=Bounds(failover_s=20.0, misplaced_s=30.0, unclaimed_s=30.0))


@guarded_or_not
def test_two_clusters_claim_the_same_address_at_once(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_REV))
    clusters = [ClusterSettings(name=name, nodes=1, replicas=1) for name in "ab"]
    with fault_world(tmp_path, *clusters, flags=FAST, env=env) as world:
        world.ec2.add_address(tags={"pool": ""})
        late = Catch(claims)
        world.interfere(late, replica="a1")
        serve(new_life(world, "fixed-tag"))
        assert late.reached.wait(20)
        world.clusters["b"].run_pod("ns", "quicker", fixed("pool"))
        wait_until(lambda: PUBLIC_IP in world.clusters["b"].kube.labels("ns", "quicker"), 20, "the quicker one has it")
        late.let_go()
        if guarded:
            world.ec2.add_address(tags={"pool": ""})
        holds_or_breaks(world, guarded, Guarantee.ONE_OWNER)


@guarded_or_not
def test_a_late_record_meets_a_claim_that_was_made_anew(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_NONCE))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        for _ in range(2):
            world.ec2.add_address(tags={"pool": ""})
        other, heir, life = (new_life(world, "fixed-tag") for _ in range(3))
        play(other, serve)
        life.uid, _ = world.clusters["a"].run_pod("ns", life.name, {})
        late = Catch(records(life.uid), lose_others=True)
        world.interfere(late, service="dynamodb")
        for step in (switch_on, switch_off):
            step(life)
            assert late.reached.wait(20)
        world.settle()
        serve(heir)  # it gets the address that the late record names
        world.settle()
        delete(other)
        world.settle()
        switch_on(life)  # it gets the other one, with a claim of the same revision
        wait_until(lambda: life.sight and address_at(world, life.sight.ip), 20, "it is associated again")
        late.let_go()
        holds_or_breaks(world, guarded, Guarantee.ONE_OWNER)


def crash_after(world: FaultWorld, service: Service, what: str, life: Life) -> None:
    """The leader dies when this call of its has been done; its Pod goes while nobody leads; another takes over."""
    crash = Crash(world, CrashPoint(spot=Spot(service=service, what=what, number=1), side="after"))
    world.interfere(crash)
    serve(life)
    assert crash.struck.wait(20)
    delete(life)
    world.free_lease()


@guarded_or_not
def test_an_allocation_is_forgotten_with_its_leader(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_INTENT))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        crash_after(world, "ec2", "AllocateAddress", new_life(world, "auto"))
        holds_or_breaks(world, guarded, Guarantee.NO_LEAK, bounds=Bounds(failover_s=20.0, unclaimed_s=15.0))


@guarded_or_not
def test_an_association_is_forgotten_with_its_leader(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_TARGET))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        crash_after(world, "ec2", "AssociateAddress", new_life(world, "fixed-tag"))
        converges_or_not(world, guarded)


@guarded_or_not
def test_two_clusters_were_given_one_name(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, BY_NAME))
    clusters = [ClusterSettings(name=name, nodes=1, replicas=1, flags={"cluster-name": "one"}) for name in "ab"]
    with fault_world(tmp_path, *clusters, flags=FAST, env=env) as world:
        serve(new_life(world, "auto"))
        wait_until(lambda: world.ec2.holdings(), 20, "the first cluster's Pod is served")
        world.clusters["b"].run_pod("ns", "other", auto())
        holds_or_breaks(world, guarded, Guarantee.RIGHT_CUT, bounds=PATIENT)
