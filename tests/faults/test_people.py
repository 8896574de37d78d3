"""People with consoles change what a controller holds: tags, associations, addresses. Nothing of theirs is undone.

A claim is not a lock on EC2. What a person did stands, Pods get what they ask for by another way where there is one,
and what we made and nobody needs any more goes back.
"""

import time
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.e2e.scene import QUICK, TYPE, fixed
from tests.faults.lives import Life, delete, new_life, play, serve, served
from tests.faults.people import (
    address_at,
    address_of,
    allocation_of,
    cut_by_hand,
    elsewhere,
    heard,
    is_free,
    move_by_hand,
    release_by_hand,
    wait_looked,
)
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "2"}
CONSISTENCY_S = float(QUICK["consistency-time"])
MODES = ("auto", "fixed-tag", "fixed-tag-value")
QUIET_S = 2.0
# An address that a person took keeps our tags and has no claim: it is the person's until it is given back.
WHILE_A_PERSON_HAS_IT = Bounds(unclaimed_s=90.0)


def test_addresses_disassociated_by_hand_come_back(world: FaultWorld) -> None:
    lives = served(world, MODES)
    before = [allocation_of(life) for life in lives]
    for life in lives:
        world.ec2.disassociate(cut_by_hand(address_of(life)))
    world.settle()
    assert [allocation_of(life) for life in lives] == before
    world.verdict(quiet_s=QUIET_S)


def test_addresses_released_by_hand_are_replaced(world: FaultWorld) -> None:
    lives = served(world, MODES)
    own = lives[MODES.index("fixed-tag-value")]
    lost = [allocation_of(life) for life in lives]
    for allocation_id in lost:
        release_by_hand(world, allocation_id)
    heard(own, "no address carries the tag")
    world.ec2.add_address(tags={"own": f"ns/{own.name}"})
    world.verdict(quiet_s=QUIET_S)
    assert not {allocation_of(life) for life in lives} & set(lost)


@pytest.mark.again
def test_addresses_released_by_hand_in_a_default_vpc_are_replaced(tmp_path: Path) -> None:
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path, cluster, flags=FAST, ec2={"default_vpc": True}) as world:
        auto, pool, own = served(world, MODES)
        for life in (auto, pool, own):
            world.ec2.release(allocation_of(life))
        world.ec2.add_address(tags={"own": f"ns/{own.name}"})
        world.verdict(quiet_s=QUIET_S)


def test_addresses_associated_elsewhere_by_hand_are_left_there(world: FaultWorld) -> None:
    auto, pool, own = lives = served(world, MODES)
    taken = [allocation_of(life) for life in lives]
    places = [elsewhere(world) for _ in taken]
    theirs = [move_by_hand(world, *pair) for pair in zip(taken, places, strict=True)]
    world.hopeless.add(own.uid)  # there is no other address with its name
    world.settle()
    for allocation_id, (_, ip) in zip(taken, places, strict=True):
        kept = address_at(world, ip)
        assert kept is not None
        assert kept.allocation_id == allocation_id
    assert not {allocation_of(auto), allocation_of(pool)} & set(taken)
    for life in lives:
        heard(life, "EIPLost", "somebody else")
    for association_id in theirs:  # and given back
        world.ec2.disassociate(association_id)
    world.hopeless.clear()
    world.verdict(quiet_s=QUIET_S, bounds=WHILE_A_PERSON_HAS_IT)
    assert taken[0] not in world.ec2.world().addresses, "the superfluous address was not released"
    assert allocation_of(own) == taken[2]


def test_an_address_associated_by_hand_with_another_pod_of_ours_stays_until_it_is_cut(world: FaultWorld) -> None:
    auto, pool, own = served(world, MODES)
    since = time.monotonic()  # for as long as reads may lag, our own association is believed before what they show
    wait_until(lambda: time.monotonic() > since + CONSISTENCY_S, 60, "EC2's reads are believed")
    target = address_of(pool).association
    assert target is not None
    theirs = move_by_hand(world, allocation_of(auto), (target.interface_id, target.private_ip))
    world.hopeless.add(pool.uid)
    heard(pool, "did not associate")
    wait_looked(world)
    here = address_at(world, target.private_ip)
    assert here is not None
    assert here.association is not None
    assert here.association.association_id == theirs
    world.ec2.disassociate(theirs)
    world.hopeless.clear()
    world.verdict(quiet_s=QUIET_S, bounds=WHILE_A_PERSON_HAS_IT)
    assert allocation_of(own) != allocation_of(pool)


@pytest.mark.again
def test_pool_tags_taken_off_by_hand_leave_pods_their_addresses_and_nobody_else(world: FaultWorld) -> None:
    _, pool, own = served(world, MODES)
    before = [allocation_of(pool), allocation_of(own)]
    for allocation_id in before:
        world.ec2.untag(allocation_id)
    wait_looked(world)
    world.settle()
    assert [allocation_of(pool), allocation_of(own)] == before
    delete(pool)
    delete(own)
    world.settle()
    play(new_life(world, "fixed-tag"), serve)
    wait_looked(world)
    assert all(is_free(world, allocation_id) for allocation_id in before)
    world.verdict(quiet_s=QUIET_S)


@pytest.mark.again
def test_an_address_tagged_into_another_pool_by_hand_serves_that_pool_next(world: FaultWorld) -> None:
    _, pool, _ = served(world, MODES)
    moved = allocation_of(pool)
    world.ec2.untag(moved)
    world.ec2.tag(moved, {"other": ""})
    other = Life(world, "fixed-tag", "of-the-other-pool", annotations=fixed("other"))
    serve(other)
    heard(other, "other", "no free address")
    assert allocation_of(pool) == moved
    delete(pool)
    world.verdict(quiet_s=QUIET_S)
    assert allocation_of(other) == moved


@pytest.mark.again
def test_an_address_tagged_for_another_pod_by_hand_goes_over_when_the_first_has_gone(world: FaultWorld) -> None:
    own = served(world, MODES)[2]
    address = allocation_of(own)
    heir = new_life(world, "fixed-tag-value")
    for spare in [a for a in world.ec2.world().addresses.values() if a.tags.get("own") == f"ns/{heir.name}"]:
        world.ec2.release(spare.allocation_id)
    world.ec2.tag(address, {"own": f"ns/{heir.name}"})
    serve(heir)
    wait_looked(world)
    assert allocation_of(own) == address
    delete(own)
    world.verdict(quiet_s=QUIET_S)
    assert allocation_of(heir) == address


@pytest.mark.parametrize("renamed", [TYPE, ""], ids=["the-type", "all-tags"])
def test_an_auto_address_whose_tags_a_person_took_is_cut_and_kept_for_them(world: FaultWorld, renamed: str) -> None:
    life = new_life(world, "auto")
    play(life, serve)
    theirs = allocation_of(life)
    world.ec2.untag(theirs, *filter(None, [renamed]))
    wait_looked(world)
    world.settle()
    delete(life)
    wait_until(lambda: is_free(world, theirs), 60, "the address is cut")
    wait_looked(world, 3)
    assert is_free(world, theirs), "what a person took over was released"
    world.ec2.release(theirs)
    world.verdict(quiet_s=QUIET_S)
