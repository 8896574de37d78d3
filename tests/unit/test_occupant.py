"""Another address stands at a Pod's IP: it is taken over, cut, waited for or left alone, by whose it is."""

from dataclasses import replace

import pytest

from controller.core import actions as act
from controller.core import contract
from controller.core.plan import plan
from controller.core.situation import Situation
from controller.core.views import Address, Association, PodView
from state.model import (
    AddressRecord,
    AdoptedTags,
    AllocationId,
    AssociationId,
    Epoch,
    Mode,
    Owner,
    PodUid,
    Rev,
)
from tests.unit.plan_world import FACTS, PlanWorld, pod, target

FOUND = AllocationId("eipalloc-found")
HERE = Association(association_id=AssociationId("eipassoc-found"), target=target("10.0.0.5"))
GO_TAGS = {contract.TAG_TYPE: str(Mode.AUTO), contract.TAG_POD: "ns/p", contract.TAG_CLUSTER_NAME: "a"}
OWN_TAGS = {contract.TAG_TYPE: str(Mode.AUTO), contract.TAG_CLUSTER_UID: FACTS.cluster_uid, contract.TAG_POD_UID: "u-1"}
SOMEBODY = Owner(install=FACTS.install, pod_uid=PodUid("u-2"), epoch=Epoch(1))


def found(tags: dict[str, str]) -> Address:
    """An address with these tags at the Pod's IP."""
    return Address(allocation_id=FOUND, public_ip="9.9.9.9", border_group="us-west-2", tags=tags, association=HERE)


def met(asking: PodView, tags: dict[str, str], side: AddressRecord | None = None) -> Situation:
    """A Pod that has no claim, and this address at its IP."""
    world = PlanWorld(pod=asking).with_pool(k="")
    world.ec2[FOUND] = found(tags)
    if side is not None:
        world.sides[FOUND] = side
    return world.situation()


def side(owner: Owner | None = None, *, known: bool = True) -> AddressRecord:
    """The ledger's side: it has been at the Pod's IP, or (not `known`) nowhere."""
    recent = (HERE.target,) if known else ()
    return AddressRecord(allocation_id=FOUND, pool="amazon", owner=owner, recent=recent, rev=Rev(1))


def kinds(situation: Situation) -> list[str]:
    """What would be done."""
    return [type(step).__name__ for step in plan(situation)]


def reason(situation: Situation) -> act.WaitReason:
    """What is waited for in the end."""
    last = plan(situation)[-1]
    assert isinstance(last, act.Wait)
    return last.reason


@pytest.mark.parametrize(
    ("asking", "tags", "adopted"),
    [
        (pod(Mode.AUTO), OWN_TAGS, None),
        (pod(Mode.AUTO), GO_TAGS, AdoptedTags(cluster_name="a", pod="ns/p", pod_uid="")),
        (pod(Mode.FIXED_TAG, "k"), {"k": "any"}, None),
        (pod(Mode.FIXED_TAG, "k"), {"k": "", contract.TAG_TYPE: "fixed-tag", contract.TAG_POD: "ns/p"}, None),
        (pod(Mode.FIXED_TAG_VALUE, "k"), {"k": "ns/p"}, None),
    ],
    ids=["our tags", "the Go controller's tags", "its pool's", "its pool's, tagged by the Go controller", "its own"],
)
def test_what_is_the_pods_own_is_taken_over_where_it_is(
    asking: PodView, tags: dict[str, str], adopted: AdoptedTags | None
) -> None:
    claim, label = plan(met(asking, tags))
    assert isinstance(claim, act.Claim)
    assert isinstance(label, act.Label)
    assert (claim.association_id, claim.target, claim.adopted) == (HERE.association_id, HERE.target, adopted)


@pytest.mark.parametrize(
    ("asking", "tags"),
    [
        (pod(Mode.AUTO), {}),
        (pod(Mode.AUTO), OWN_TAGS | {contract.TAG_TYPE: "fixed-tag"}),
        (pod(Mode.AUTO), OWN_TAGS | {contract.TAG_CLUSTER_UID: "another"}),
        (pod(Mode.AUTO), OWN_TAGS | {contract.TAG_POD_UID: "u-0"}),
        (pod(Mode.AUTO), GO_TAGS | {contract.TAG_POD: "ns/q"}),
        (pod(Mode.AUTO), GO_TAGS | {contract.TAG_POD_UID: "u-0"}),
        (pod(Mode.AUTO), GO_TAGS | {contract.TAG_TYPE: "fixed-tag"}),
        (pod(Mode.AUTO), {contract.TAG_TYPE: "auto"}),
        (pod(Mode.AUTO), {contract.TAG_POD: "ns/p"}),
        (pod(Mode.FIXED_TAG, "k"), {"other": ""}),
        (pod(Mode.FIXED_TAG, "k"), {"k": "", contract.TAG_TYPE: "auto"}),
        (pod(Mode.FIXED_TAG_VALUE, "k"), {"k": "ns/q"}),
        (pod(Mode.FIXED_TAG_VALUE, "k"), {"k": "ns/p", contract.TAG_TYPE: "auto"}),
    ],
)
def test_what_is_somebody_elses_is_told_and_left(asking: PodView, tags: dict[str, str]) -> None:
    situation = met(asking, tags)
    assert kinds(situation) == ["Tell", "Wait"]
    assert reason(situation) is act.WaitReason.FOREIGN
    assert kinds(met(asking, tags, side(known=False))) == ["Tell", "Wait"]


def test_what_another_claim_has_is_waited_for() -> None:
    situation = met(pod(Mode.AUTO), OWN_TAGS, side(SOMEBODY))
    assert (kinds(situation), reason(situation)) == (["Wait"], act.WaitReason.TARGET)


def test_a_late_arrival_of_a_call_of_ours_is_cut() -> None:
    situation = met(pod(Mode.AUTO), {"k": ""}, side())
    cut, wait = plan(situation)
    assert isinstance(cut, act.Cut)
    assert (cut.association_id, cut.allocation_id) == (HERE.association_id, FOUND)
    assert isinstance(wait, act.Wait)


def test_the_label_of_a_pod_that_has_to_wait_goes() -> None:
    situation = met(pod(Mode.AUTO), {})
    assert situation.pod is not None
    worn = replace(situation, pod=replace(situation.pod, labels={contract.LABEL_PUBLIC_IP: "8.8.8.8"}))
    assert kinds(worn) == ["Unlabel", "Tell", "Wait"]
