"""How a claim changes: both sides of each transition, and what must survive it for the next leader."""

from dataclasses import replace

import pytest

from controller.core import transitions
from controller.core.actions import Claim
from controller.core.sweep import Orphan
from controller.core.views import Address, Allocation, Association
from state.model import (
    AddressRecord,
    AllocationId,
    AssociationId,
    ClusterUid,
    Epoch,
    InstallKey,
    Mode,
    Owner,
    Phase,
    PodRecord,
    PodUid,
    Rev,
)
from tests.unit.plan_world import FACTS, pod, target

ID = AllocationId("eipalloc-1")
FOUND = AssociationId("eipassoc-1")
HERE, THERE, FORMER = target("10.0.0.5"), target("10.0.0.6"), target("10.0.0.7")
MINE = transitions.owner(FACTS, PodUid("u-1"), Epoch(2))
OTHERS = replace(MINE, pod_uid=PodUid("u-2"))
RECORD = PodRecord(
    uid=PodUid("u-1"),
    namespace="ns",
    name="p",
    mode=Mode.FIXED_TAG,
    pool="k",
    phase=Phase.ASSOCIATED,
    allocation_id=ID,
    public_ip="192.0.2.1",
    target=HERE,
    association_id=FOUND,
    traceparent="trace",
    rev=Rev(4),
)
SIDE = AddressRecord(
    allocation_id=ID, pool="k", public_ip="192.0.2.1", owner=MINE, target=HERE, last_holder="ns/p", rev=Rev(7)
)
FREE = replace(SIDE, owner=None, target=None, recent=(FORMER,), last_holder="ns/q")
ADDRESS = Address(allocation_id=ID, public_ip="192.0.2.1", border_group="g")


def test_an_intent_becomes_a_claim_and_stays_the_same_record() -> None:
    intent = replace(RECORD, phase=Phase.INTENT, allocation_id=None, public_ip=None, target=None, association_id=None)
    step = Claim(mode=Mode.AUTO, pool="amazon", target=HERE)
    new = Allocation(allocation_id=ID, public_ip="192.0.2.1")
    change = transitions.claim(step, pod(Mode.AUTO), intent, new, MINE, "another trace")
    assert change.pod_before == intent
    assert change.pod_after == replace(
        intent, phase=Phase.CLAIMED, allocation_id=ID, public_ip="192.0.2.1", target=HERE
    )
    assert change.address_before is None
    assert change.address_after is not None
    assert (change.address_after.owner, change.address_after.target) == (MINE, HERE)
    assert change.address_after.last_mode is intent.mode


def test_a_claim_keeps_what_the_address_remembers() -> None:
    step = Claim(mode=Mode.FIXED_TAG, pool="k", target=HERE, address=ADDRESS, before=FREE)
    change = transitions.claim(step, pod(Mode.FIXED_TAG, "k"), None, None, MINE, "trace")
    assert change.pod_before is None
    assert change.address_before == FREE
    assert change.address_after == replace(FREE, owner=MINE, target=HERE, last_holder="ns/p", last_mode=Mode.FIXED_TAG)
    found = replace(step, association_id=FOUND)
    after = transitions.claim(found, pod(Mode.FIXED_TAG, "k"), None, None, MINE, "trace").pod_after
    assert after is not None
    assert (after.phase, after.association_id, after.traceparent) == (Phase.ASSOCIATED, FOUND, "trace")


def test_an_address_taken_from_a_lost_cluster_remembers_where_that_had_it() -> None:
    theirs = replace(SIDE, owner=OTHERS, target=THERE, recent=(FORMER,))
    step = Claim(mode=Mode.FIXED_TAG, pool="k", target=HERE, address=ADDRESS, before=theirs)
    after = transitions.claim(step, pod(Mode.FIXED_TAG, "k"), None, None, MINE, "").address_after
    assert after is not None
    assert after.recent == (THERE, FORMER)


def test_another_target_puts_the_former_one_among_the_recent() -> None:
    change = transitions.retarget(RECORD, SIDE, THERE)
    assert change.pod_after == replace(RECORD, phase=Phase.CLAIMED, target=THERE, association_id=None)
    assert change.address_after == replace(SIDE, target=THERE, recent=(HERE,))
    same = transitions.retarget(RECORD, SIDE, HERE).address_after
    assert same == SIDE
    back = transitions.retarget(RECORD, replace(SIDE, target=THERE, recent=(HERE, FORMER)), HERE).address_after
    assert back is not None
    assert (back.target, back.recent) == (HERE, (THERE, FORMER))
    assert transitions.retarget(RECORD, None, THERE).address_after is None


def test_recent_targets_are_bounded_and_the_youngest_stay() -> None:
    many = tuple(target(f"10.1.0.{n}") for n in range(transitions.RECENT_LIMIT))
    after = transitions.retarget(RECORD, replace(SIDE, recent=many), THERE).address_after
    assert after is not None
    assert after.recent == (HERE, *many[:-1])


def test_a_claim_that_goes_frees_its_address_or_takes_it_along() -> None:
    kept = transitions.forget(RECORD, SIDE, released=False)
    assert (kept.pod_before, kept.pod_after, kept.address_before) == (RECORD, None, SIDE)
    assert kept.address_after == replace(SIDE, owner=None, target=None, recent=(HERE,))
    gone = transitions.forget(RECORD, SIDE, released=True)
    assert (gone.address_before, gone.address_after) == (SIDE, None)


@pytest.mark.parametrize("side", [None, replace(SIDE, owner=None), replace(SIDE, owner=OTHERS)])
def test_an_address_that_is_another_claims_is_not_touched(side: AddressRecord | None) -> None:
    change = transitions.forget(RECORD, side, released=False)
    assert (change.pod_before, change.address_before, change.address_after) == (RECORD, None, None)


HEIR = InstallKey(cluster_uid=FACTS.cluster_uid, lease_namespace="new", lease_name="l")
LAST = InstallKey(cluster_uid=FACTS.cluster_uid, lease_namespace="kube-system", lease_name="l")


def test_a_claim_is_inherited_with_its_address() -> None:
    change = transitions.inherit(RECORD, SIDE, LAST, HEIR, Epoch(1))
    assert (change.pod_before, change.pod_after, change.address_before) == (RECORD, RECORD, SIDE)
    assert change.address_after == replace(SIDE, owner=replace(MINE, install=HEIR, epoch=Epoch(1)))


@pytest.mark.parametrize(
    "owner",
    [
        None,
        OTHERS,
        replace(MINE, install=HEIR),
        replace(MINE, install=replace(MINE.install, cluster_uid=ClusterUid("c-2"))),
    ],
)
def test_an_address_that_is_not_this_claims_is_not_inherited_with_it(owner: Owner | None) -> None:
    for side in (replace(SIDE, owner=owner), None):
        change = transitions.inherit(RECORD, side, LAST, HEIR, Epoch(1))
        assert (change.pod_after, change.address_before, change.address_after) == (RECORD, None, None)


@pytest.mark.parametrize("before", [None, FREE])
def test_what_was_allocated_unrecorded_is_given_back_under_the_intent(before: AddressRecord | None) -> None:
    intent = replace(RECORD, phase=Phase.INTENT, allocation_id=None, public_ip=None)
    change = transitions.salvage(intent, ADDRESS, before, MINE)
    assert change.pod_after == replace(intent, phase=Phase.RELEASING, allocation_id=ID, public_ip="192.0.2.1")
    assert change.address_before == before
    assert change.address_after is not None
    assert change.address_after.owner == MINE
    assert change.address_after.recent == (before.recent if before else ())


@pytest.mark.parametrize("associated", [True, False])
@pytest.mark.parametrize("side", [None, replace(FREE, target=THERE)])
def test_an_orphan_becomes_a_claim_of_nobody(associated: bool, side: AddressRecord | None) -> None:
    there = Association(association_id=FOUND, target=FORMER) if associated else None
    orphan = Orphan(address=replace(ADDRESS, association=there), mode=Mode.AUTO, pool="amazon")
    change = transitions.take_orphan(orphan, side, FACTS, Epoch(2))
    after, mine = change.pod_after, change.address_after
    assert after is not None
    assert mine is not None
    assert after.phase is (Phase.ASSOCIATED if associated else Phase.RELEASING)
    assert after.association_id == (FOUND if associated else None)
    assert mine.owner == replace(MINE, pod_uid=PodUid(f"orphan:{ID}"))
    assert mine.target == (FORMER if associated else side.target if side else None)
    assert (change.address_before, mine.recent) == (side, side.recent if side else ())


def test_the_recent_targets_go_when_no_call_for_them_can_live() -> None:
    assert transitions.purge_recent(FREE, exists=True).address_after == replace(FREE, recent=())
    assert transitions.purge_recent(FREE, exists=False).address_after is None
