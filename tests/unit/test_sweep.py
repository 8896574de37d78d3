"""Which unowned addresses the full comparison takes for leaks: those that nobody may yet take, and no others."""

from dataclasses import replace

import pytest

from controller.core import contract
from controller.core.ports import Address, Association, PodView
from controller.core.sweep import Surroundings, sweep
from state.model import AddressRecord, AllocationId, AssociationId, ClusterUid, InterfaceId, Mode, PodUid, Rev, Target
from tests.unit.plan_world import FACTS, pod

LOST = AllocationId("eipalloc-1")


def unowned(tagged: PodView) -> Address:
    """What a late AllocateAddress for this Pod leaves behind."""
    tags = {
        contract.TYPE: str(Mode.AUTO),
        contract.TAG_CLUSTER_NAME: FACTS.cluster_name,
        contract.TAG_CLUSTER_UID: ClusterUid(FACTS.cluster_uid),
        contract.TAG_POD: f"{tagged.namespace}/{tagged.name}",
        contract.TAG_POD_UID: tagged.uid,
    }
    return Address(allocation_id=LOST, public_ip="192.0.2.1", border_group="us-west-2", tags=tags)


def around(live: PodView | None, *, for_long: bool = True) -> Surroundings:
    """An install without claims, and at most this one Pod."""

    def find(uid: PodUid) -> PodView | None:
        return live if live is not None and live.uid == uid else None

    return Surroundings(
        facts=FACTS,
        records={},
        pods={},
        unowned_long={LOST} if for_long else set(),
        pods_at=lambda _: (),
        pod=find,
        in_scope=lambda _: True,
        own_instances=tuple,
    )


@pytest.mark.parametrize(
    "live",
    [None, pod("auto", annotations={}), pod(Mode.FIXED_TAG, "key"), pod("no-such-mode")],
    ids=["gone", "asks for nothing", "asks for another's", "asks wrongly"],
)
def test_an_address_is_a_leak_if_its_pod_does_not_ask_for_one(live: PodView | None) -> None:
    orphans, _ = sweep([unowned(pod(Mode.AUTO))], around(live))
    assert [orphan.address.allocation_id for orphan in orphans] == [LOST]


@pytest.mark.parametrize("live", [pod(Mode.AUTO), pod(Mode.AUTO, ip="")], ids=["serve", "pending"])
def test_an_address_is_no_leak_while_its_pod_may_take_it(live: PodView) -> None:
    assert sweep([unowned(live)], around(live)) == ([], [])


def test_an_address_is_no_leak_before_the_grace_period_is_over() -> None:
    assert sweep([unowned(pod(Mode.AUTO))], around(None, for_long=False)) == ([], [])


def on_our_node(address: Address) -> Address:
    """It is associated with an IP of one of the cluster's own Nodes, where no Pod is that its tags name."""
    target = Target(interface_id=InterfaceId("eni-9"), private_ip="10.9.9.9")
    there = Association(association_id=AssociationId("eipassoc-9"), target=target, instance_id="i-1")
    return replace(address, association=there)


def test_what_the_ledger_never_knew_is_ours_on_a_node_of_ours() -> None:
    """The table was lost: the tags and the Node are the only witnesses."""
    orphans, _ = sweep([on_our_node(unowned(pod(Mode.AUTO)))], replace(around(None), own_instances=lambda: ("i-1",)))
    assert [orphan.address.allocation_id for orphan in orphans] == [LOST]


def test_where_the_ledger_says_that_we_did_not_put_it_there_it_is_left_alone() -> None:
    """A person moved the address, and its claim was given up; recent targets tell ours from theirs."""
    moved = on_our_node(unowned(pod(Mode.AUTO)))
    assert moved.association is not None
    known = AddressRecord(allocation_id=LOST, pool="amazon", rev=Rev(3))
    surroundings = replace(around(None), own_instances=lambda: ("i-1",), records={LOST: known})
    orphans, [report] = sweep([moved], surroundings)
    assert (orphans, "where we did not put it" in report) == ([], True)
    recent = replace(known, recent=(moved.association.target,))
    orphans, _ = sweep([moved], replace(surroundings, records={LOST: recent}))
    assert [orphan.address.allocation_id for orphan in orphans] == [LOST]
