"""The table is lost, or an older one comes back: addresses that Pods have are claimed where they are, none is lost.

What EC2 shows and what tags say is enough to fill a table again. In between nothing is answered by releasing.
"""

import pytest

from tests.faults.lives import Life, delete, move, new_life, play, serve, served, switch_off
from tests.faults.people import allocation_of, heard
from tests.faults.restarts import restart
from tests.faults.tables import copy_items, delete_table, make_table, put_back, wait_table
from tests.faults.world import FaultWorld
from tests.history import Bounds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "3"}
MODES = ("auto", "fixed-tag", "fixed-tag-value")
QUIET_S = 2.0
# Without a table nothing is claimed; then a term has to end and another to begin.
WITHOUT_TABLE = Bounds(misplaced_s=60.0, unclaimed_s=60.0, stale_label_s=60.0)
LIMIT_S = 80.0


def test_the_table_is_deleted_and_the_leader_makes_it_again(world: FaultWorld) -> None:
    lives = served(world, MODES)
    before = [allocation_of(life) for life in lives]
    delete_table(world)
    serve(new_life(world, "auto"))  # a write, which finds out
    wait_table(world)
    world.verdict(quiet_s=QUIET_S, limit_s=LIMIT_S, bounds=WITHOUT_TABLE)
    assert [allocation_of(life) for life in lives] == before


@pytest.mark.again
def test_the_table_is_deleted_and_a_person_makes_it_again(world: FaultWorld) -> None:
    restart(world, {"create-table": "false"})
    lives = served(world, MODES)
    before = [allocation_of(life) for life in lives]
    delete_table(world)
    coming = new_life(world, "auto")
    serve(coming)
    heard(coming, "table create")
    assert [allocation_of(life) for life in lives] == before
    make_table(world)
    world.verdict(quiet_s=QUIET_S, limit_s=LIMIT_S, bounds=WITHOUT_TABLE)
    assert [allocation_of(life) for life in lives] == before


def test_the_table_is_restored_from_an_hour_ago(world: FaultWorld) -> None:
    auto, pool, own = served(world, MODES)
    going, other = new_life(world, "auto"), new_life(world, "fixed-tag")
    play(going, serve)
    play(other, serve)
    backup = copy_items(world)
    much_happens(world, auto, pool, own, going, other)
    young = [new_life(world, mode) for mode in ("auto", "fixed-tag")]
    for life in young:
        play(life, serve)
    before = [allocation_of(life) for life in (pool, *young)]
    put_back(world, backup)
    serve(new_life(world, "auto"))  # a write, which finds out
    world.verdict(quiet_s=QUIET_S, limit_s=LIMIT_S, bounds=WITHOUT_TABLE)
    assert [allocation_of(life) for life in (pool, *young)] == before


def much_happens(world: FaultWorld, auto: Life, pool: Life, own: Life, going: Life, other: Life) -> None:
    """An hour of changes: one asks no more, one moves, one is replaced by its namesake, two go."""
    switch_off(auto)
    move(pool)
    for life in (own, going, other):
        delete(life)
    world.settle()
    serve(own)
    world.settle()


@pytest.mark.again
def test_the_table_is_restored_while_nobody_runs(world: FaultWorld) -> None:
    auto, pool, own = served(world, MODES)
    backup = copy_items(world)
    going, other = new_life(world, "auto"), new_life(world, "fixed-tag")
    play(going, serve)
    play(other, serve)
    for replica in world.replicas():
        world.kill(replica)
    put_back(world, backup)
    for life in (auto, going):
        delete(life)
    world.free_lease()
    world.start()
    world.verdict(quiet_s=QUIET_S, limit_s=LIMIT_S, bounds=WITHOUT_TABLE)
    assert allocation_of(pool) != allocation_of(other) != allocation_of(own)
