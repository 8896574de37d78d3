"""The order of actions, and that it survives being cut off anywhere."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core import contract
from controller.core.plan import plan
from controller.core.policy import Refusal
from controller.core.views import Address, Association, PodView
from state.model import AllocationId, AssociationId, Mode, Phase
from tests.unit.plan_world import POOL, PlanWorld, pod, target

UP = ["Associate", "Record", "Label"]
MODES = {
    Mode.AUTO: lambda: PlanWorld(pod=pod("auto")),
    Mode.FIXED_TAG: lambda: PlanWorld(pod=pod("fixed-tag", "k")).with_pool(k=""),
    Mode.FIXED_TAG_VALUE: lambda: PlanWorld(pod=pod("fixed-tag-value", "k")).with_pool(k="ns/p"),
}


@pytest.mark.parametrize("mode", list(Mode))
def test_a_pod_is_served_in_order(mode: Mode) -> None:
    world = MODES[mode]()
    world.run()
    obtain = ["Intend", "Allocate", "Claim"] if mode is Mode.AUTO else ["Claim"]
    assert world.calls == [*obtain, *UP]
    assert world.labels[contract.LABEL_PUBLIC_IP]
    assert world.labels[contract.LABEL_TYPE] == mode


@pytest.mark.parametrize("mode", list(Mode))
def test_a_pod_that_is_gone_loses_everything_in_order(mode: Mode) -> None:
    world = MODES[mode]()
    world.run()
    world.calls.clear()
    world.pod = None
    world.run()
    down = ["Cut", "MarkReleasing", "Release", "Forget"] if mode is Mode.AUTO else ["Cut", "Forget"]
    assert world.calls == down
    assert world.record is None
    assert list(world.ec2) == ([] if mode is Mode.AUTO else [POOL])


def test_labels_go_before_the_cut_when_the_annotation_is_off() -> None:
    world = MODES[Mode.FIXED_TAG]()
    world.run()
    world.calls.clear()
    world.pod = pod("fixed-tag", "k", annotations={})
    world.run()
    assert world.calls == ["Unlabel", "Cut", "Forget", "Tell"]


def test_an_address_follows_the_pods_ip() -> None:
    world = MODES[Mode.AUTO]()
    world.run()
    world.calls.clear()
    world.pod = pod("auto", ip="10.0.0.6")
    world.run()
    assert world.calls == ["Unlabel", "Cut", "Retarget", *UP]
    assert world.record
    assert world.record.target == target("10.0.0.6")


def test_a_wrong_annotation_keeps_what_is_held() -> None:
    world = MODES[Mode.AUTO]()
    world.run()
    before = world.outcome()
    world.pod = pod("sometimes")
    world.run()
    assert world.outcome() == before


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("done", range(7))
def test_a_policy_that_comes_late_stops_nothing_that_has_begun(mode: Mode, done: int, waits: bool) -> None:
    world, smooth = MODES[mode](), MODES[mode]()
    smooth.run()
    world.run(done)
    begun = world.record is not None
    if world.record is not None and world.record.phase is Phase.INTENT and waits:
        return  # the next test's
    world.refusal = Refusal(why="not any more", waits=waits)
    world.run()
    assert (world.record is not None) is begun
    assert world.outcome() == smooth.outcome() if begun else not world.calls
    if not begun:
        world.labels = {contract.LABEL_PUBLIC_IP: "9.9.9.9"}
        world.run()
        assert not world.labels


def test_an_intent_waits_for_room_and_takes_what_was_allocated_before() -> None:
    world = MODES[Mode.AUTO]()
    world.run(1)
    assert world.record is not None
    assert world.record.phase is Phase.INTENT
    world.refusal = Refusal(why="full", waits=True)
    world.calls.clear()
    world.run()
    assert not [call for call in world.calls if call != "Tell"]
    world.refusal = None
    world.run(1)
    assert world.calls[-1] == "Allocate"
    world.refusal = Refusal(why="full", waits=True)
    world.run()
    assert world.labels


@pytest.mark.parametrize("mode", list(Mode))
def test_a_wrong_annotation_keeps_nothing_at_an_ip_that_is_another_pods_by_now(mode: Mode) -> None:
    world = MODES[mode]()
    world.run()
    world.pod = pod("sometimes", ip="10.0.0.77")
    world.run()
    assert world.record is None
    assert not [address for address in world.ec2.values() if address.association]


def test_another_mode_that_is_refused_keeps_what_is_held() -> None:
    world = MODES[Mode.AUTO]().with_pool(k="")
    world.run()
    before = world.outcome()
    world.refusal = Refusal(why="not this one")
    for wanted in (pod("fixed-tag", "k"), pod("fixed-tag", "k", ip="")):
        world.pod = wanted
        world.run()
        assert world.outcome() == before
    world.pod = pod("auto")
    world.refusal = None
    assert world.run() == 0


def test_another_mode_gives_up_the_former_address_first() -> None:
    world = MODES[Mode.AUTO]().with_pool(k="")
    world.run()
    world.pod = pod("fixed-tag", "k")
    world.calls.clear()
    world.run()
    assert world.calls[:3] == ["Unlabel", "Cut", "MarkReleasing"]
    assert world.record
    assert world.record.mode is Mode.FIXED_TAG
    assert list(world.ec2) == [POOL]


def test_an_association_that_somebody_else_made_is_never_cut() -> None:
    world = MODES[Mode.FIXED_TAG]()
    world.run()
    address = world.ec2[POOL]
    assert address.association
    moved = replace(address.association, target=target("10.9.9.9"))
    world.ec2[POOL] = replace(address, association=moved)
    world.calls.clear()
    world.run()
    assert "Cut" not in world.calls
    assert world.record is None
    assert contract.LOST in world.events
    assert contract.LABEL_PUBLIC_IP not in world.labels


@settings(deadline=None, max_examples=400)
@given(
    mode=st.sampled_from(list(Mode)),
    crashes=st.lists(st.integers(0, 6), max_size=6),
    turns=st.lists(st.sampled_from(["gone", "off", "on", "other ip"]), max_size=3),
)
def test_any_prefix_planned_anew_ends_the_same(mode: Mode, crashes: list[int], turns: list[str]) -> None:
    """A leader dies after any number of actions, any number of times; the end is that of a leader who never dies."""
    interrupted, smooth = MODES[mode](), MODES[mode]()
    for turn in ["on", *turns]:
        for world in (interrupted, smooth):
            world.pod = _turned(mode, turn)
        for limit in crashes:
            interrupted.run(limit)
        interrupted.run()
        smooth.run()
        assert interrupted.outcome() == smooth.outcome()
    assert len(interrupted.ec2) <= 1


def _turned(mode: Mode, turn: str) -> PodView | None:
    match turn:
        case "gone":
            return None
        case "off":
            return pod(mode, "k", annotations={})
        case "other ip":
            return pod(mode, "k", ip="10.0.0.77")
    return pod(mode, "k")


def test_a_stale_label_goes_before_anything_else() -> None:
    world = MODES[Mode.FIXED_TAG]()
    world.labels = {contract.LABEL_PUBLIC_IP: "9.9.9.9"}
    world.run()
    assert world.calls[0] == "Unlabel"
    assert world.labels[contract.LABEL_PUBLIC_IP] == "1.1.1.1"


def test_converged_means_that_there_is_nothing_to_do() -> None:
    world = MODES[Mode.AUTO]()
    world.run()
    assert world.run() == 0
    assert world.record
    assert world.record.phase is Phase.ASSOCIATED


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.FIXED_TAG])
def test_a_claim_gives_way_to_an_address_that_the_pod_had_all_along(mode: Mode) -> None:
    """EC2's reads are late: the Go controller's association is shown only once another address was claimed."""
    world = MODES[mode]()
    world.run(3 if mode is Mode.AUTO else 1)
    assert world.record
    assert world.record.phase is Phase.CLAIMED
    given = AllocationId("eipalloc-given")
    tags = {contract.TAG_TYPE: str(mode), contract.TAG_POD: "ns/p", "k": ""}
    here = Association(association_id=AssociationId("eipassoc-given"), target=target("10.0.0.5"))
    world.ec2[given] = Address(
        allocation_id=given, public_ip="9.9.9.9", border_group="us-west-2", tags=tags, association=here
    )
    world.calls.clear()
    world.run()
    assert world.record.allocation_id == given
    assert world.labels[contract.LABEL_PUBLIC_IP] == "9.9.9.9"
    left = [a.allocation_id for a in world.ec2.values() if not a.association]
    assert left == ([] if mode is Mode.AUTO else [POOL])
    assert "Associate" not in world.calls


def test_an_association_gives_way_to_a_later_one_of_ours_that_displaced_it() -> None:
    """With reads that lag for longer than we are told, a Pod may be served twice; the last association stands."""
    world = MODES[Mode.AUTO]()
    world.run()
    assert world.record
    first = world.ec2[world.record.allocation_id or AllocationId("")]
    here = Association(association_id=AssociationId("eipassoc-second"), target=target("10.0.0.5"))
    world.ec2[first.allocation_id] = replace(first, association=None)
    second = replace(first, allocation_id=AllocationId("eipalloc-second"), public_ip="9.9.9.9", association=here)
    world.ec2[second.allocation_id] = second
    world.calls.clear()
    world.run()
    assert world.record.allocation_id == second.allocation_id
    assert world.labels[contract.LABEL_PUBLIC_IP] == "9.9.9.9"
    assert list(world.ec2) == [second.allocation_id]
    assert "Associate" not in world.calls


@pytest.mark.parametrize("mode", list(Mode))
def test_a_label_is_not_put_on_for_an_association_that_ec2_does_not_show(mode: Mode) -> None:
    """A leader cut the association, could not write it down, and died; the Pod asks for its address again."""
    world = MODES[mode]()
    world.run()
    assert world.record is not None
    assert world.record.allocation_id is not None
    held = world.record.allocation_id
    early = replace(world.situation(), address_seen=False, address=replace(world.ec2[held], association=None))
    assert early.pod is not None
    assert [type(step).__name__ for step in plan(early)] == ["Wait"]
    bare = replace(early, pod=replace(early.pod, labels={}))
    assert [type(step).__name__ for step in plan(bare)] == ["Retarget", *UP]
