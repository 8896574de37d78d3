"""Guards of EC2's calls: what a request says, so that one that is late or mistaken takes nothing from anybody.

Each test plays one scenario twice: as the program is, which passes, and without the guard, which the judge notices.
"""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest

from controller.core import contract
from sandbox.world import ClusterSettings, wait_until
from tests.faults.catching import Catch
from tests.faults.lives import associate_a_stranger, delete, new_life, play, serve
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
from tests.faults.people import allocation_of, elsewhere, is_free, move_by_hand, wait_looked
from tests.faults.tables import copy_items
from tests.faults.world import FaultWorld, fault_world
from tests.history import Call
from tests.judges.facts import Guarantee

pytestmark = [pytest.mark.faults, pytest.mark.control, pytest.mark.timeout(240)]
PAIR = ClusterSettings(name="a", nodes=2, replicas=2)

NO_RECENT = Edit(
    file="controller/core/transitions.py", text="return (*left, *kept)[:RECENT_LIMIT]", instead="return ()"
)
NO_HISTORY = Edit(
    file="controller/core/sweep.py",
    text="known = expected or was_ours(around.records.get(address.allocation_id))",
    instead="known = True",
)
NO_MEMORY = Edit(file="controller/core/plan.py", text="else remembering(s, _plan(s))", instead="else _plan(s)")
TOLD_SOON = Edit(file="controller/engine/housekeeping.py", text="UNOWNED_S = 600.0", instead="UNOWNED_S = 2.0")
NO_POD_UID_ON_RELEASE = Edit(
    file="controller/core/adoption.py",
    text="return ours and tags.get(contract.TAG_POD_UID) == uid",
    instead="return ours",
)


def rewrite(world: FaultWorld, action: str, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """Deliver every call of this action with other parameters."""

    def rewritten(call: Call, body: bytes) -> bytes:
        return urlencode(change(dict(parse_qsl(body.decode())))).encode() if call.what == action else body

    for doors in world.doors.values():
        doors["ec2"].rewrite = rewritten


@guarded_or_not
def test_a_person_associates_an_address_while_ours_is_on_its_way(tmp_path: Path, guarded: bool) -> None:
    with fault_world(tmp_path, PAIR, flags=FAST) as world:
        if not guarded:
            rewrite(world, "AssociateAddress", lambda asked: {**asked, "AllowReassociation": "true"})
        late = Catch(lambda call: call.what == "AssociateAddress")
        world.interfere(late, service="ec2")
        serve(new_life(world, "fixed-tag"))
        move_by_hand(world, late.call.body["AllocationId"], elsewhere(world))
        late.let_go()
        holds_or_breaks(world, guarded, Guarantee.FOREIGN_CUT)


def by_public_ip(world: FaultWorld, asked: dict[str, str]) -> dict[str, str]:
    """The cut of whatever association the address has by now: what naming its public IP would do."""
    cut = next(h for h in world.ec2.holdings() if h.association_id == asked["AssociationId"])
    stands = world.ec2.world().addresses[cut.allocation_id].association
    return {**asked, "AssociationId": stands.association_id if stands else cut.association_id}


@guarded_or_not
def test_a_dead_leaders_cut_arrives_when_another_pod_has_the_address(tmp_path: Path, guarded: bool) -> None:
    with fault_world(tmp_path, PAIR, flags=FAST) as world:
        if not guarded:
            rewrite(world, "DisassociateAddress", lambda asked: by_public_ip(world, asked))
        world.ec2.add_address(tags={"pool": ""})
        first, second = new_life(world, "fixed-tag"), new_life(world, "fixed-tag")
        play(first, serve)
        late = Catch(lambda call: call.what == "DisassociateAddress")
        world.interfere(late, service="ec2")
        delete(first)
        world.kill(late.caller(world))
        world.free_lease()
        serve(second)
        world.settle()
        late.let_go()
        holds_or_breaks(world, guarded, Guarantee.RIGHT_CUT)


@guarded_or_not
def test_a_frozen_association_arrives_when_the_ip_is_a_strangers(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_RECENT))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        associate_a_stranger(world)
        converges_or_not(world, guarded, limit_s=12)


@guarded_or_not
def test_a_person_tags_an_address_for_something_else_before_its_pod_goes(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_POD_UID_ON_RELEASE))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        life = new_life(world, "auto")
        play(life, serve)
        theirs = allocation_of(life)
        world.ec2.tag(theirs, {contract.TAG_POD_UID: "somebody-else"})
        wait_looked(world)
        delete(life)
        if guarded:
            wait_until(lambda: is_free(world, theirs), 30, "the address is cut")
            wait_looked(world, 3)
            world.ec2.release(theirs)
        holds_or_breaks(world, guarded, Guarantee.FOREIGN, bounds=PATIENT)


@guarded_or_not
def test_somebody_tags_a_free_address_as_one_that_we_allocated(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", TOLD_SOON, *unless(guarded, NO_HISTORY))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        life = new_life(world, "auto")
        play(life, serve)
        ours = dict(world.ec2.world().addresses[allocation_of(life)].tags)
        theirs = world.ec2.add_address(tags={**ours, "Name": "somebody-else's"}).allocation_id
        if guarded:
            wait_until(lambda: any(theirs in r.tail(400) for r in world.replicas()), 30, "the log tells of it")
            delete(life)
            wait_looked(world, 3)
            assert theirs in world.ec2.world().addresses
        holds_or_breaks(world, guarded, Guarantee.POOL_KEPT)


@guarded_or_not
def test_an_allocation_arrives_when_its_pod_is_long_gone(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, NO_MEMORY))
    with fault_world(tmp_path, PAIR, flags=FAST, env=env) as world:
        late = Catch(lambda call: call.what == "AllocateAddress")
        world.interfere(late, service="ec2")
        life = new_life(world, "auto")
        serve(life)
        assert late.reached.wait(20)
        delete(life)
        wait_until(lambda: not any(i["sk"]["S"] == f"pod#{life.uid}" for i in copy_items(world)), 30, "it is forgotten")
        late.let_go()
        wait_until(lambda: any(c.action == "AllocateAddress" for c in world.ec2.log()), 20, "the late call arrives")
        converges_or_not(world, guarded)
