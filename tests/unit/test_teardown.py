"""Each step of the teardown, and what must be known before it: an address that is cut or released wrongly is lost."""

from dataclasses import replace

import pytest

from controller.core import actions as act
from controller.core import contract
from controller.core.desire import Fault, Invalid
from controller.core.plan import plan
from controller.core.situation import Situation
from controller.core.views import Association
from state.model import AdoptedTags, AllocationId, AssociationId, Mode, Phase
from tests.unit.plan_world import PlanWorld, pod, target

OTHER = AssociationId("eipassoc-other")
ELSEWHERE = target("10.9.9.9")
WRONG = Invalid(why="no such mode", fault=Fault.MODE)


def kinds(situation: Situation) -> list[str]:
    """What would be done, without what is only told."""
    return [type(step).__name__ for step in plan(situation) if not isinstance(step, act.Tell)]


def waits(situation: Situation) -> act.WaitReason:
    """Why nothing is done; ValueError if something is."""
    (step,) = plan(situation)
    assert isinstance(step, act.Wait)
    return step.reason


def served(mode: Mode) -> PlanWorld:
    """A Pod that has its address."""
    world = PlanWorld(pod=pod(mode, "k"))
    (world if mode is Mode.AUTO else world.with_pool(k="")).run()
    assert world.record is not None
    assert world.record.phase is Phase.ASSOCIATED
    return world


def held(world: PlanWorld) -> AllocationId:
    """The address of the claim."""
    assert world.record is not None
    assert world.record.allocation_id is not None
    return world.record.allocation_id


def shows(situation: Situation, association: Association | None) -> Situation:
    """The same, but for what EC2 shows of the claimed address."""
    assert situation.address is not None
    return replace(situation, address=replace(situation.address, association=association))


def going(mode: Mode = Mode.FIXED_TAG) -> Situation:
    """The Pod is gone, its address is associated."""
    world = served(mode)
    world.pod = None
    return world.situation()


def releasing() -> Situation:
    """An `auto` address was cut, and may be released."""
    world = served(Mode.AUTO)
    world.pod = None
    world.run(limit=2)
    assert world.record is not None
    assert world.record.phase is Phase.RELEASING
    return world.situation()


# ── cut ──


def test_what_ec2_shows_is_cut_too_where_it_is_ours() -> None:
    cut = going()
    assert cut.claim is not None
    assert cut.claim.target is not None
    assert kinds(cut) == ["Cut", "Forget"]
    newer = shows(cut, Association(association_id=OTHER, target=cut.claim.target))
    assert [step.association_id for step in plan(newer) if isinstance(step, act.Cut)][1:] == [OTHER]
    assert kinds(replace(newer, claim=None)) == ["Cut", "Forget"]


def test_what_ec2_shows_is_left_where_it_is_somebody_elses() -> None:
    theirs = shows(going(), Association(association_id=OTHER, target=ELSEWHERE))
    assert OTHER not in [step.association_id for step in plan(theirs) if isinstance(step, act.Cut)]


def test_what_was_cut_is_not_cut_again() -> None:
    assert kinds(replace(shows(going(), None), cut=True)) == ["Forget"]


def test_a_claim_whose_association_may_be_on_its_way_is_kept_until_it_has_arrived() -> None:
    world = PlanWorld(pod=pod(Mode.FIXED_TAG, "k")).with_pool(k="")
    world.run(limit=1)
    world.pod = None
    assert waits(replace(world.situation(), settled=False)) is act.WaitReason.SETTLE
    assert kinds(world.situation()) == ["Forget"]


def test_a_claim_whose_association_ec2_shows_is_cut_at_once() -> None:
    world = PlanWorld(pod=pod(Mode.FIXED_TAG, "k")).with_pool(k="")
    world.run(limit=2)
    world.pod = None
    assert kinds(replace(world.situation(), settled=False)) == ["Cut", "Forget"]


def test_what_ec2_does_not_show_is_cut_by_the_recorded_id() -> None:
    assert kinds(replace(going(), address=None)) == ["Cut", "Forget"]


@pytest.mark.parametrize(("mode", "last"), [(Mode.AUTO, "MarkReleasing"), (Mode.FIXED_TAG, "Forget")])
def test_an_address_that_ec2_refused_is_given_back(mode: Mode, last: str) -> None:
    world = PlanWorld(pod=pod(mode, "k"))
    (world if mode is Mode.AUTO else world.with_pool(k="")).run(limit=3 if mode is Mode.AUTO else 1)
    assert world.record is not None
    assert world.record.phase is Phase.CLAIMED
    assert kinds(replace(world.situation(), in_cooldown=True)) == [last]


# ── an intent ──


def test_an_intent_goes_once_it_is_known_that_nothing_was_allocated() -> None:
    world = PlanWorld(pod=pod(Mode.AUTO))
    world.run(limit=1)
    world.pod = None
    assert waits(replace(world.situation(), in_doubt=True)) is act.WaitReason.IN_DOUBT
    assert kinds(world.situation()) == ["Forget"]


def test_what_was_allocated_for_an_intent_is_given_back_before_it_goes() -> None:
    world = PlanWorld(pod=pod(Mode.AUTO))
    world.run(limit=2)
    world.pod = None
    assert kinds(replace(world.situation(), in_doubt=True)) == ["Salvage"]


# ── release ──


def test_an_address_is_released_after_a_look_that_shows_it_free() -> None:
    free = releasing()
    assert kinds(free) == ["Release", "Forget"]
    assert waits(replace(free, looked_after_cut=False)) is act.WaitReason.RELEASE


def test_an_address_that_ec2_does_not_show_yet_is_not_released() -> None:
    unseen = replace(releasing(), address=None)
    assert waits(replace(unseen, address_seen=False)) is act.WaitReason.SETTLE
    assert kinds(unseen) == ["Release", "Forget"]


def test_an_address_that_is_associated_again_is_not_released() -> None:
    free = releasing()
    assert free.claim is not None
    assert free.claim.target is not None
    ours = shows(free, Association(association_id=OTHER, target=free.claim.target))
    assert kinds(ours) == ["Cut", "Wait"]
    assert kinds(replace(ours, claim=None)) == ["Forget"]
    assert kinds(shows(free, Association(association_id=OTHER, target=ELSEWHERE))) == ["Forget"]


@pytest.mark.parametrize("key", [contract.TAG_TYPE, contract.TAG_CLUSTER_UID, contract.TAG_POD_UID])
def test_an_address_that_a_person_tagged_otherwise_is_not_released(key: str) -> None:
    free = releasing()
    assert free.address is not None
    retagged = replace(free.address, tags={**free.address.tags, key: "mine"})
    assert kinds(replace(free, address=retagged)) == ["Forget"]


def test_an_adopted_address_is_released_by_the_tags_that_it_was_adopted_with() -> None:
    found = releasing()
    assert found.address is not None
    assert found.record is not None
    tags = {contract.TAG_TYPE: str(Mode.AUTO), contract.TAG_POD: "ns/p", contract.TAG_CLUSTER_NAME: "a"}
    adopted = replace(found.record, adopted=AdoptedTags(cluster_name="a", pod="ns/p", pod_uid=""))
    for changed, steps in (
        ({}, ["Release", "Forget"]),
        ({contract.TAG_TYPE: "fixed-tag"}, ["Forget"]),
        ({contract.TAG_POD: "ns/q"}, ["Forget"]),
    ):
        shown = replace(found.address, tags=tags | changed)
        assert kinds(replace(found, record=adopted, address=shown)) == steps


# ── giving up ──


def test_what_others_took_is_given_up_and_the_pod_is_told_if_there_is_one() -> None:
    world = served(Mode.FIXED_TAG)
    for alive in (True, False):
        world.pod = world.pod if alive else None
        situation = world.situation()
        assert situation.claim is not None
        taken = plan(replace(situation, claim=replace(situation.claim, owner=None)))
        told = [step.event.reason for step in taken if isinstance(step, act.Tell)]
        assert told == ([contract.LOST] if alive else [])
        assert isinstance(taken[-1], act.Forget)


def test_a_pod_is_told_how_its_address_was_lost() -> None:
    situation = served(Mode.FIXED_TAG).situation()
    moved = shows(situation, Association(association_id=OTHER, target=ELSEWHERE))
    for lost, words in ((moved, "is associated with 10.9.9.9"), (replace(situation, address=None), "not in this")):
        (told,) = (step.event.message for step in plan(lost) if isinstance(step, act.Tell))
        assert words in told


# ── labels ──


def test_a_wrong_annotation_takes_the_label_only_where_ec2_dropped_the_association() -> None:
    world = served(Mode.FIXED_TAG)
    wrong = replace(world.situation(), desire=WRONG)
    dropped = shows(wrong, None)
    assert kinds(wrong) == []
    assert kinds(dropped) == ["Unlabel"]
    assert kinds(replace(dropped, address_seen=False)) == []


def test_a_wrong_annotation_on_a_pod_that_is_not_served_yet_changes_nothing() -> None:
    world = PlanWorld(pod=pod(Mode.FIXED_TAG, "k")).with_pool(k="")
    world.run(limit=1)
    world.labels = {contract.LABEL_PUBLIC_IP: "9.9.9.9"}
    assert kinds(replace(world.situation(), desire=WRONG)) == []


@pytest.mark.parametrize("label", ["aws-pod-eip-controller-type", "aws-pod-eip-controller-public-ip"])
def test_a_pod_that_asks_for_nothing_carries_no_label_of_ours(label: str) -> None:
    """The Go controller takes them off as well, when it starts: none of them has its annotation."""
    assert kinds(PlanWorld(pod=pod("", annotations={}), labels={label: "auto"}).situation()) == ["Unlabel"]


def test_a_readiness_condition_goes_with_the_address_though_no_label_is_left() -> None:
    world = served(Mode.FIXED_TAG)
    assert world.pod is not None
    world.pod, world.labels = replace(world.pod, annotations={}, condition="True"), {}
    assert kinds(world.situation())[0] == "Unlabel"


@pytest.mark.parametrize("mode", [Mode.FIXED_TAG, Mode.AUTO])
def test_an_association_that_ec2_shows_at_another_address_is_not_cut(mode: Mode) -> None:
    s = going(mode)
    assert s.record is not None
    assert s.address is not None
    forged = replace(s.record, association_id=OTHER)
    theirs = Association(association_id=OTHER, target=ELSEWHERE)
    associated_address = replace(s.address, allocation_id=AllocationId("eipalloc-theirs"), association=theirs)
    steps = plan(replace(s, record=forged, associated_address=associated_address))
    cut = [step.association_id for step in steps if isinstance(step, act.Cut)]
    assert s.address.association is not None
    assert cut == [s.address.association.association_id], "its own is cut all the same"
    [told] = [step.event.message for step in steps if isinstance(step, act.Tell)][:1]
    assert "EC2 shows it elsewhere" in told


def test_an_association_of_this_address_at_a_target_that_it_never_had_is_not_cut() -> None:
    s = going()
    assert s.record is not None
    assert s.address is not None
    elsewhere = replace(s.address, association=Association(association_id=OTHER, target=ELSEWHERE))
    seen = replace(s, record=replace(s.record, association_id=OTHER), address=elsewhere, associated_address=elsewhere)
    assert kinds(seen) == ["Forget"]
    told = [step.event.reason for step in plan(seen) if isinstance(step, act.Tell)]
    assert told == [contract.DISASSOCIATION_FAILED], "nothing was cut, so nothing is said to be"


def test_an_association_that_ec2_does_not_show_yet_is_cut_as_the_table_says() -> None:
    s = replace(going(), associated_address=None)
    assert "Cut" in kinds(s)
    assert "Cut" in kinds(replace(s, associated_address=s.address))
    assert "Cut" in kinds(replace(s, associated_address=s.address, claim=None))


def test_what_is_tagged_as_another_clusters_is_not_released_whatever_the_claim_remembers() -> None:
    s = releasing()
    assert s.record is not None
    assert s.address is not None
    theirs = {contract.TAG_CLUSTER_UID: "c-2", contract.TAG_POD: "x/y", contract.TAG_POD_UID: "u-2"}
    forged = replace(s.record, adopted=AdoptedTags(cluster_name="a", pod="x/y", pod_uid="u-2"))
    tagged = replace(s.address, tags={**s.address.tags, **theirs})
    assert kinds(replace(s, record=forged, address=tagged)) == ["Forget"]
    own = replace(tagged, tags={**tagged.tags, contract.TAG_CLUSTER_UID: s.facts.cluster_uid})
    assert kinds(replace(s, record=forged, address=own)) == ["Release", "Forget"]
