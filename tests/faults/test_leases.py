"""The Lease is deleted, edited by hand, or held by a copy: who leads may be in doubt for a moment, what is done not.

Nobody defends the Lease: whoever finds a write on it that is not its own stops, and the epoch keeps out the slower one.
"""

import time
from collections.abc import Callable, Iterator

import pytest

from sandbox.kube.client import UnexpectedAnswerError
from sandbox.world import wait_until
from tests.faults.catching import Catch
from tests.faults.leases import TEN_YEARS_S, Copy, LeaseByHand, now
from tests.faults.lives import Life, delete, move, new_life, play, serve
from tests.faults.world import FaultWorld
from tests.history import EC2_MUTATIONS

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "4"}
STOPPED_S = 4.0  # the renew deadline, and as much for a leader that stood still between its last look and its call


@pytest.fixture
def lease(world: FaultWorld) -> Iterator[LeaseByHand]:
    """A hand on its Lease."""
    with LeaseByHand(world) as hand:
        yield hand


def two_lives(world: FaultWorld) -> tuple[Life, Life]:
    """A Pod that has an address, and one that is about to come."""
    held, coming = new_life(world, "auto"), new_life(world, "fixed-tag")
    play(held, serve)
    return held, coming


def test_the_lease_is_deleted_again_and_again(world: FaultWorld, lease: LeaseByHand) -> None:
    held, coming = two_lives(world)
    for step, life in ((move, held), (serve, coming), (delete, coming)):
        lease.delete()
        step(life)
        wait_until(lambda: exists(lease), 60, "somebody takes a new Lease")
        world.settle()
    world.leader()
    world.verdict(quiet_s=3)


def exists(lease: LeaseByHand) -> bool:
    """Whether there is a Lease that somebody holds."""
    try:
        return bool(lease.holder())
    except UnexpectedAnswerError:
        return False


@pytest.mark.again
def test_the_lease_is_deleted_behind_a_leader_that_is_cut_off_while_a_replica_starts(
    world: FaultWorld, lease: LeaseByHand
) -> None:
    """The one that starts never saw a Lease, so two lead for a moment."""
    held, coming = two_lives(world)
    leader = world.leader()
    other = next(r for r in world.replicas() if r is not leader)
    world.kill(other)
    late, first = Catch(lambda call: call.what == "AssociateAddress"), Catch(lambda call: call.what == "get leases")
    world.interfere(late, replica=leader.name)
    world.interfere(first, replica=other.name)
    world.start(other)
    assert first.reached.wait(60)
    serve(coming)
    assert late.reached.wait(60)
    world.doors[leader.name]["kubernetes"].close()
    lease.delete()
    first.let_go()
    move(held)
    wait_until(other.leads, 60, "the one that starts takes a new Lease")
    late.let_go()
    world.verdict(quiet_s=3)


Edit = Callable[[LeaseByHand], None]
EDITS: dict[str, Edit] = {
    "another-holder": lambda lease: lease.edit(holderIdentity="somebody_else", renewTime=now()),
    "no-holder": lambda lease: lease.edit(holderIdentity=None),
    "empty-holder": lambda lease: lease.edit(holderIdentity=""),
    "odd-holder": lambda lease: lease.edit(holderIdentity="\u2620 " * 500 + "\n", acquireTime=now()),
    "one-second": lambda lease: lease.edit(leaseDurationSeconds=1),
    "no-duration": lambda lease: lease.edit(leaseDurationSeconds=None),
    "ten-years": lambda lease: lease.edit(leaseDurationSeconds=TEN_YEARS_S),
    "renewed-in-a-year": lambda lease: lease.edit(renewTime=now(365 * 86400)),
    "renewed-in-1970": lambda lease: lease.edit(renewTime="1970-01-01T00:00:00.000000Z"),
    "no-times": lambda lease: lease.edit(renewTime=None, acquireTime=None),
    "nothing-at-all": lambda lease: lease.patch({"spec": None}),
    "many-transitions": lambda lease: lease.edit(leaseTransitions=2**31 - 1),
    "epoch-of-words": lambda lease: lease.note_epoch("the newest"),
    "epoch-below-zero": lambda lease: lease.note_epoch("-1"),
    "epoch-beyond-all": lambda lease: lease.note_epoch("9" * 40),
    "epoch-of-18-digits": lambda lease: lease.note_epoch("9" * 18),
}


def test_the_lease_is_edited_by_hand_in_every_way_that_an_api_server_accepts(
    world: FaultWorld, lease: LeaseByHand
) -> None:
    life, _ = two_lives(world)
    for name, edit in EDITS.items():
        wait_until(lease.is_kept, 60, f"a replica keeps the Lease again, before {name}")
        edit(lease)
        move(life)
        try:
            world.settle()
        except AssertionError as error:
            raise AssertionError(f"after {name}: {lease.read()}") from error
    world.leader()
    world.verdict()


@pytest.mark.again
def test_a_stranger_holds_the_lease_for_ten_years_until_a_person_takes_its_name_out(
    world: FaultWorld, lease: LeaseByHand
) -> None:
    held, coming = two_lives(world)
    lease.edit(holderIdentity="somebody_else", leaseDurationSeconds=TEN_YEARS_S, acquireTime=now(), renewTime=now())
    since = time.monotonic()
    move(held)
    serve(coming)
    wait_until(lambda: time.monotonic() > since + 8, 60, "two Leases would have run out")
    assert not mutations(world, since + STOPPED_S)
    assert not any(replica.leads() for replica in world.replicas())
    lease.edit(holderIdentity=None)
    world.verdict(quiet_s=3)


@pytest.mark.parametrize("ahead_s", [0.0, 3600.0], ids=["by-a-true-clock", "by-a-clock-ahead"])
def test_a_copy_with_the_holders_identity_renews_the_lease(
    world: FaultWorld, lease: LeaseByHand, ahead_s: float
) -> None:
    held, coming = two_lives(world)
    with Copy(lease, ahead_s=ahead_s) as copy:
        move(held)
        serve(coming)
        wait_until(lambda: time.monotonic() > copy.began + 8, 60, "the copy has held it for two Leases")
        assert not mutations(world, copy.began + STOPPED_S)
    world.leader()
    world.verdict(quiet_s=3)


def mutations(world: FaultWorld, since: float) -> list[str]:
    """What replicas sent to EC2 since, beyond looks."""
    return [f"{c.who} {c.what}" for c in list(world.recorder.calls) if c.what in EC2_MUTATIONS and c.began > since]
