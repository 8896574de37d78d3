"""When the plan must not act, although something is to be done: each of these guards is one line that looks idle."""

from dataclasses import replace

import pytest

from controller.core import actions as act
from controller.core.plan import plan
from controller.core.situation import Foreign, Situation, Unplaced
from controller.core.views import Association
from state.model import AssociationId, Mode, Phase
from tests.unit.plan_world import POOL, PlanWorld, pod, target

STANDING = Association(association_id=AssociationId("eipassoc-1"), target=target("10.0.0.5"))


def claimed() -> PlanWorld:
    """A Pod whose claim stands, and of whose association nothing is known."""
    world = PlanWorld(pod=pod("fixed-tag", "k")).with_pool(k="")
    world.run(limit=1)
    assert world.record is not None
    assert world.record.phase is Phase.CLAIMED
    return world


def reasons(situation: Situation) -> list[act.WaitReason]:
    """What the plan waits for; AssertionError if it does anything at all."""
    steps = [step for step in plan(situation) if not isinstance(step, act.Tell)]
    assert all(isinstance(step, act.Wait) for step in steps), steps
    return [step.reason for step in steps if isinstance(step, act.Wait)]


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.FIXED_TAG])
def test_a_pod_that_is_being_deleted_begins_nothing(mode: Mode) -> None:
    world = PlanWorld(pod=replace(pod(mode, "k"), deleting=True)).with_pool(k="")
    assert plan(world.situation()) == ()


def test_a_claimed_target_that_is_another_claims_too_waits() -> None:
    assert reasons(replace(claimed().situation(), rival="Pod ns/q")) == [act.WaitReason.TARGET]


def test_a_claimed_pod_without_a_target_waits_for_one() -> None:
    nowhere = replace(claimed().situation(), placement=Unplaced(looked=True))
    assert reasons(nowhere) == [act.WaitReason.PLACEMENT]


def test_an_address_that_ec2_refuses_this_pod_is_let_go() -> None:
    refused = replace(claimed().situation(), in_cooldown=True)
    assert [type(step) for step in plan(refused)][-1] is act.Forget
    assert reasons(replace(refused, settled=False)) == [act.WaitReason.SETTLE]


def test_an_association_that_stands_is_recorded_and_not_asked_for_again() -> None:
    world = claimed()
    world.ec2[POOL] = replace(world.ec2[POOL], association=STANDING)
    assert [type(step) for step in plan(world.situation())] == [act.Record, act.Label]


def served() -> PlanWorld:
    """A Pod that has its address."""
    world = PlanWorld(pod=pod("fixed-tag", "k")).with_pool(k="")
    world.run()
    return world


def test_an_address_that_is_not_there_any_more_is_given_up() -> None:
    world = served()
    del world.ec2[POOL]
    assert [type(step) for step in plan(world.situation())] == [act.Unlabel, act.Tell, act.Forget]


def test_a_pod_that_moves_to_what_another_claims_is_cut_off_and_waits() -> None:
    world = served()
    world.pod = pod("fixed-tag", "k", ip="10.0.0.6")
    steps = plan(replace(world.situation(), rival="Pod ns/q"))
    assert [type(step) for step in steps] == [act.Unlabel, act.Cut, act.Wait]


def test_where_nobody_has_looked_for_an_ip_yet_nothing_is_said_about_it() -> None:
    unknown = replace(PlanWorld(pod=pod("auto")).situation(), placement=Unplaced(looked=False))
    assert plan(unknown) == (act.Wait(reason=act.WaitReason.LOOK),)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    "placement",
    [
        Foreign(target=target("10.0.0.5"), why="another machine's"),
        Unplaced(),
        Unplaced(looked=False),
    ],
)
@pytest.mark.parametrize("done", range(5))
def test_nothing_is_associated_where_the_interface_is_not_the_pods_own(
    mode: Mode, placement: Foreign | Unplaced, done: int
) -> None:
    """At every stage of a claim, and where EC2 has dropped the association."""
    world = PlanWorld(pod=pod(mode, "k")).with_pool(k="ns/p")
    world.run(limit=done)
    for seen in (world.situation(), replace(world.situation(), address_seen=False)):
        dropped = replace(seen.address, association=None) if seen.address else None
        for s in (seen, replace(seen, address=dropped)):
            assert not any(isinstance(step, act.Associate) for step in plan(replace(s, placement=placement)))
