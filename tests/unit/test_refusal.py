"""What the policy stops: a new claim, and nothing that has begun; and what the Pod hears of it."""

from dataclasses import replace

import pytest

from controller.core import actions as act
from controller.core import contract
from controller.core.plan import plan
from controller.core.policy import Refusal
from controller.core.takes import begins
from state.model import Mode, Phase
from tests.unit.plan_world import PlanWorld, pod


def refused(*, waits: bool = False, world: PlanWorld | None = None) -> PlanWorld:
    """A Pod that may not have what it asks for."""
    made = world or PlanWorld(pod=pod(Mode.AUTO))
    made.refusal = Refusal(why="rule 'x' does not let it", waits=waits)
    return made


def kinds(world: PlanWorld) -> list[str]:
    """What would be done."""
    return [type(step).__name__ for step in plan(world.situation())]


@pytest.mark.parametrize(("waits", "reason"), [(True, act.WaitReason.ROOM), (False, act.WaitReason.REFUSED)])
def test_a_refused_pod_hears_why_and_waits_for_what_can_change_it(waits: bool, reason: act.WaitReason) -> None:
    tell, wait = plan(refused(waits=waits).situation())
    assert isinstance(tell, act.Tell)
    assert (tell.event.reason, tell.event.message) == (contract.REFUSED, "rule 'x' does not let it")
    assert wait == act.Wait(reason=reason, detail="rule 'x' does not let it")


def test_a_refused_pod_that_is_being_deleted_hears_nothing() -> None:
    world = refused()
    assert world.pod is not None
    world.pod = replace(world.pod, deleting=True)
    assert kinds(world) == []


def test_the_label_of_a_refused_pod_goes_only_where_it_says_associated() -> None:
    world = refused()
    world.labels = {contract.LABEL_TYPE: "auto"}
    assert kinds(world) == ["Tell", "Wait"]
    world.labels[contract.LABEL_PUBLIC_IP] = "9.9.9.9"
    assert kinds(world) == ["Unlabel", "Tell", "Wait"]


def test_a_refused_change_of_mode_keeps_address_and_label() -> None:
    world = PlanWorld(pod=pod(Mode.AUTO)).with_pool(k="")
    world.run()
    world.pod = pod(Mode.FIXED_TAG, "k")
    assert kinds(refused(world=world)) == ["Tell", "Wait"]
    world.ec2 = {key: replace(address, association=None) for key, address in world.ec2.items()}
    assert kinds(world) == ["Unlabel", "Tell", "Wait"]


def test_what_is_being_given_back_for_a_change_of_mode_goes_its_way() -> None:
    world = PlanWorld(pod=pod(Mode.AUTO)).with_pool(k="")
    world.run()
    world.pod = pod(Mode.FIXED_TAG, "k")
    world.run(limit=3)
    assert world.record is not None
    assert world.record.phase is Phase.RELEASING
    assert kinds(refused(world=world)) == ["Release", "Forget"]


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.FIXED_TAG])
def test_a_claim_begins_with_its_first_step_and_only_then(mode: Mode) -> None:
    world = PlanWorld(pod=pod(mode, "k")).with_pool(k="")
    assert begins(world.situation(), plan(world.situation()))
    if mode is Mode.AUTO:  # an intent holds nothing yet
        world.run(limit=1)
        assert begins(world.situation(), plan(world.situation()))
        world.run(limit=1)
    world.run(limit=1)
    assert not begins(world.situation(), plan(world.situation()))
    idle = PlanWorld(pod=pod(mode, "k", ip="")).situation()
    assert not begins(idle, plan(idle))
