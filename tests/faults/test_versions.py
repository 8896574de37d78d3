"""Releases that write items of another version take turns: nothing is lost, and what is newer is left alone, and said.

The release after ours is our source with the next version in it; items of the release before are written by hand.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.world import wait_until
from tests.faults.ends import fail_over
from tests.faults.lives import Life, delete, move, new_life, play, serve, served
from tests.faults.mutants import Edit, source_with
from tests.faults.people import address_of, allocation_of, cut_by_hand, wait_looked
from tests.faults.restarts import our_release, restart
from tests.faults.tables import Raw, change_items, copy_items, put_back
from tests.faults.world import FaultWorld
from tests.history import Bounds, Key

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
FAST = {"poll-interval": "0.5", "resync-period": "3"}
MODES = ("auto", "fixed-tag", "fixed-tag-value")
QUIET_S = 2.0
NEXT_VERSION = Edit(file="state/schema.py", text="VERSION = 1", instead="VERSION = 2")
OPTIONAL = {"nonce", "traceparent", "recent", "last_holder", "last_mode"}  # what the version before may not have had
# While nobody can read the table nobody leads, and addresses stand where they stood.
NOBODY_LEADS = Bounds(misplaced_s=120.0, unclaimed_s=120.0, stale_label_s=120.0, failover_s=120.0, handover_s=20.0)
LIMIT_S = 60.0


def in_version(raw: Raw, version: int, without: set[str] | None = None) -> Raw:
    """The item as a release of this version writes it."""
    return {key: value for key, value in raw.items() if key not in (without or ())} | {"v": {"N": str(version)}}


def items_about(world: FaultWorld, life: Life) -> Mapping[Key, Raw]:
    """Both sides of the Pod's claim."""
    address = allocation_of(life)
    about = [i for i in copy_items(world) if i["sk"]["S"] == f"pod#{life.uid}" or i["pk"]["S"] == f"eip#{address}"]
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in about}


def stay(world: FaultWorld, items: Mapping[Key, Raw]) -> bool:
    """Whether these items are still what they were."""
    here = {(i["pk"]["S"], i["sk"]["S"]): i for i in copy_items(world)}
    return all(here.get(key) == item for key, item in items.items())


@pytest.mark.again
def test_claims_of_the_version_before_are_gone_on_with(world: FaultWorld) -> None:
    auto, pool, own = lives = served(world, MODES)
    before = [allocation_of(life) for life in lives]
    for replica in world.replicas():
        world.kill(replica)
    put_back(world, [in_version(item, 0, OPTIONAL) for item in copy_items(world)])
    world.free_lease()
    world.start()
    world.settle(LIMIT_S)
    assert [allocation_of(life) for life in lives] == before
    move(pool)
    delete(auto)
    play(new_life(world, "auto"), serve)
    assert [allocation_of(life) for life in (pool, own)] == before[1:]
    world.verdict(quiet_s=QUIET_S, bounds=NOBODY_LEADS, limit_s=LIMIT_S)


def test_an_upgrade_is_taken_back_and_done_again(world: FaultWorld, tmp_path: Path) -> None:
    newer = source_with(tmp_path / "newer", NEXT_VERSION)
    lives = served(world, MODES)
    restart(world, {}, env=newer)
    move(lives[0])
    play(new_life(world, "fixed-tag"), serve)
    before = [allocation_of(life) for life in lives]
    items = {key: item for life in lives for key, item in items_about(world, life).items()}
    for replica in world.replicas():
        world.term(replica)
        replica.stop()
        replica.change({}, our_release())
    world.start()
    wait_until(lambda: any("schema version 2" in r.tail(200) for r in world.replicas()), LIMIT_S, "a log says why")
    coming, going = new_life(world, "auto"), lives[2]
    serve(coming)
    delete(going)
    assert not any(replica.leads() for replica in world.replicas())
    assert [allocation_of(life) for life in lives] == before
    assert stay(world, items)
    restart(world, {}, env=newer)
    world.verdict(quiet_s=QUIET_S, bounds=NOBODY_LEADS, limit_s=LIMIT_S)
    assert [allocation_of(life) for life in lives[:2]] == before[:2]


@pytest.mark.again
def test_an_upgrade_stops_halfway(world: FaultWorld, tmp_path: Path) -> None:
    older, upgraded = world.replicas()
    lives = served(world, MODES)
    restart(world, {}, upgraded, env=source_with(tmp_path / "newer", NEXT_VERSION))
    world.kill(older)
    wait_until(upgraded.leads, LIMIT_S, "the newer release leads")
    world.start(older)
    move(lives[0])
    play(new_life(world, "fixed-tag"), serve)
    world.kill(upgraded)
    wait_until(lambda: "schema version 2" in older.tail(200), LIMIT_S, "the older release says why it cannot lead")
    serve(new_life(world, "auto"))
    world.start(upgraded)
    wait_until(upgraded.leads, LIMIT_S, "the newer release leads again")
    world.verdict(quiet_s=QUIET_S, bounds=NOBODY_LEADS, limit_s=LIMIT_S)


SIDES = {"both-sides": ("pod#", "claim"), "the-pods-side": ("pod#",)}  # no release writes an owned address alone


@pytest.mark.parametrize(
    ("mode", "sides"), [*(("auto", side) for side in SIDES), ("fixed-tag", "both-sides")], ids=lambda said: said
)
def test_a_claim_that_a_newer_release_wrote_is_left_alone_and_holds_up_nobody(
    world: FaultWorld, mode: str, sides: str
) -> None:
    lives = served(world, MODES)
    theirs, other = lives[MODES.index(mode)], lives[2]
    items = items_about(world, theirs)
    newer = {key: in_version(item, 2) for key, item in items.items() if key[1].startswith(SIDES[sides])}
    change_items(world, newer)
    fail_over(world)
    address = allocation_of(theirs)
    delete(theirs)
    wait_looked(world, 3)
    world.ec2.disassociate(cut_by_hand(address_of(other)))  # only a full comparison finds out
    wait_until(lambda: not _unserved(world, other), LIMIT_S, "the comparison with EC2 goes on")
    serve(new_life(world, "fixed-tag"))
    serve(new_life(world, "auto"))
    wait_until(lambda: _only_about(world, theirs, address), LIMIT_S, lambda: f"{world.unsettled()}")
    assert stay(world, newer)
    change_items(world, {key: items[key] for key in newer})  # its release is back, and reads it
    fail_over(world)
    world.verdict(quiet_s=QUIET_S, bounds=NOBODY_LEADS, limit_s=LIMIT_S)


@pytest.mark.again
def test_addresses_that_a_newer_release_wrote_about_keep_no_pod_from_another_one(world: FaultWorld) -> None:
    lives = [new_life(world, "fixed-tag") for _ in range(3)]
    for life in lives:
        serve(life)
    world.settle()
    *theirs, last = [allocation_of(life) for life in lives]
    for life in lives:
        delete(life)
    world.settle()
    items = {(i["pk"]["S"], i["sk"]["S"]): i for i in copy_items(world) if i["pk"]["S"].removeprefix("eip#") in theirs}
    newer = {key: in_version(item, 2) for key, item in items.items()}
    change_items(world, newer)
    fail_over(world)
    heir = new_life(world, "fixed-tag")  # the address that has a last holder is the one that is offered last
    serve(heir)
    world.settle()
    assert allocation_of(heir) == last
    assert stay(world, newer)
    change_items(world, items)
    play(new_life(world, "fixed-tag"), serve)
    world.verdict(quiet_s=QUIET_S, bounds=NOBODY_LEADS, limit_s=LIMIT_S)


def _unserved(world: FaultWorld, life: Life) -> bool:
    return any(life.name in v.evidence for v in world.unsettled())


def _only_about(world: FaultWorld, life: Life, address: str) -> bool:
    return all(life.uid in v.evidence or address in v.evidence for v in world.unsettled())
