"""Which unowned addresses the full comparison takes for leaks: those that nobody may yet take, and no others."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.core import contract, transitions
from controller.core.sweep import Leftover, Orphan, Surroundings, is_unowned_auto, sweep
from controller.core.views import Address, Association, PodView
from state.model import (
    AddressRecord,
    AdoptedTags,
    AllocationId,
    AssociationId,
    ClusterUid,
    Epoch,
    InterfaceId,
    Mode,
    Owner,
    Phase,
    PodRecord,
    PodUid,
    Rev,
    Target,
)
from tests.unit.plan_world import FACTS, pod

LOST = AllocationId("eipalloc-1")


def unowned(tagged: PodView) -> Address:
    """What a late AllocateAddress for this Pod leaves behind."""
    tags = {
        contract.TAG_TYPE: str(Mode.AUTO),
        contract.TAG_CLUSTER_NAME: FACTS.cluster_name,
        contract.TAG_CLUSTER_UID: ClusterUid(FACTS.cluster_uid),
        contract.TAG_POD: f"{tagged.namespace}/{tagged.name}",
        contract.TAG_POD_UID: tagged.uid,
    }
    return Address(allocation_id=LOST, public_ip="192.0.2.1", border_group="us-west-2", tags=tags)


def remembered(uid: str = "u-1") -> dict[PodUid, PodRecord]:
    """What the table has where an intent of this Pod is remembered."""
    intent = PodRecord(uid=PodUid(uid), namespace="ns", name="p", mode=Mode.AUTO, pool="amazon", phase=Phase.INTENT)
    kept = transitions.remember(intent, None).pod_after
    assert kept is not None
    return {kept.uid: kept}


def around(live: PodView | None, *, for_long: bool = True, expected: bool = True) -> Surroundings:
    """An install without claims, and at most this one Pod; one of its intents is remembered."""

    def find(uid: PodUid) -> PodView | None:
        return live if live is not None and live.uid == uid else None

    return Surroundings(
        facts=FACTS,
        records={},
        pods=remembered() if expected else {},
        unowned_long={LOST} if for_long else set(),
        pods_at=lambda _: (),
        pod=find,
        in_scope=lambda _: True,
        own_instances=tuple,
    )


def compared(addresses: list[Address], surroundings: Surroundings) -> tuple[list[Orphan], list[str]]:
    """The orphans and the reports of a comparison that finds nothing else."""
    found = sweep(addresses, surroundings)
    assert not found.leftovers
    return list(found.orphans), list(found.reports)


@pytest.mark.parametrize(
    "live",
    [None, pod("auto", annotations={}), pod(Mode.FIXED_TAG, "key"), pod("no-such-mode")],
    ids=["gone", "asks for nothing", "asks for another's", "asks wrongly"],
)
def test_an_address_is_given_back_if_it_is_expected_and_its_pod_does_not_ask_for_one(live: PodView | None) -> None:
    for for_long in (True, False):
        orphans, reports = compared([unowned(pod(Mode.AUTO))], around(live, for_long=for_long))
        assert [orphan.address.allocation_id for orphan in orphans] == [LOST]
        assert not reports


@pytest.mark.parametrize("live", [None, pod("auto", annotations={}), pod(Mode.FIXED_TAG, "key"), pod(Mode.AUTO)])
def test_what_the_table_does_not_expect_is_reported_and_never_taken(live: PodView | None) -> None:
    """Tags alone: whoever may write them can make any free address look like this."""
    forged = unowned(pod(Mode.AUTO))
    orphans, [report] = compared([forged], around(live, expected=False))
    assert (orphans, "release-orphans" in report) == ([], True)
    assert compared([forged], around(live, expected=False, for_long=False)) == ([], [])
    others = replace(around(live, expected=False), pods=remembered("u-2"))
    orphans, [report] = compared([forged], others)
    assert not orphans


def test_what_was_an_auto_claims_is_given_back_after_a_while_and_a_pools_address_never_is() -> None:
    """A Pod of the pool had it before somebody wrote our tags on it: that it has a side of its own proves nothing."""
    free = unowned(pod(Mode.AUTO))
    side = AddressRecord(allocation_id=LOST, pool="amazon", last_holder="ns/p", last_mode=Mode.AUTO)
    known = replace(around(None, expected=False), records={LOST: side})
    assert [orphan.address for orphan in compared([free], known)[0]] == [free]
    assert compared([free], replace(known, unowned_long=())) == ([], [])
    for last in (Mode.FIXED_TAG, Mode.FIXED_TAG_VALUE, None):
        pools = replace(known, records={LOST: replace(side, last_mode=last)})
        orphans, [report] = compared([free], pools)
        assert (orphans, "does not know it" in report) == ([], True)


def test_what_a_person_agreed_to_is_given_back() -> None:
    agreed = replace(around(None, expected=False, for_long=False), agreed={LOST})
    orphans, _ = compared([unowned(pod(Mode.AUTO))], agreed)
    assert [orphan.address.allocation_id for orphan in orphans] == [LOST]


@pytest.mark.parametrize("live", [pod(Mode.AUTO), pod(Mode.AUTO, ip="")], ids=["serve", "pending"])
def test_an_address_is_no_leak_while_its_pod_may_take_it(live: PodView) -> None:
    assert compared([unowned(live)], around(live)) == ([], [])


def on_our_node(address: Address) -> Address:
    """It is associated with an IP of one of the cluster's own Nodes, where no Pod is that its tags name."""
    target = Target(interface_id=InterfaceId("eni-9"), private_ip="10.9.9.9")
    there = Association(association_id=AssociationId("eipassoc-9"), target=target, instance_id="i-1")
    return replace(address, association=there)


def test_what_the_ledger_never_knew_is_ours_on_a_node_of_ours() -> None:
    """The table was lost: the tags and the Node are the only witnesses."""
    orphans, _ = compared([on_our_node(unowned(pod(Mode.AUTO)))], replace(around(None), own_instances=lambda: ("i-1",)))
    assert [orphan.address.allocation_id for orphan in orphans] == [LOST]


def test_where_the_ledger_says_that_we_did_not_put_it_there_it_is_left_alone() -> None:
    """A person moved the address, and its claim was given up; recent targets tell ours from theirs."""
    moved = on_our_node(unowned(pod(Mode.AUTO)))
    assert moved.association is not None
    known = AddressRecord(allocation_id=LOST, pool="amazon", rev=Rev(3))
    surroundings = replace(around(None), own_instances=lambda: ("i-1",), records={LOST: known})
    orphans, [report] = compared([moved], surroundings)
    assert (orphans, "where we did not put it" in report) == ([], True)
    recent = replace(known, recent=(moved.association.target,))
    orphans, _ = compared([moved], replace(surroundings, records={LOST: recent}))
    assert [orphan.address.allocation_id for orphan in orphans] == [LOST]


GO_TAGS = {contract.TAG_TYPE: str(Mode.AUTO), contract.TAG_POD: "ns/p", contract.TAG_CLUSTER_NAME: FACTS.cluster_name}


def tagged(tags: dict[str, str]) -> Address:
    """A free address with these tags."""
    return replace(unowned(pod(Mode.AUTO)), tags=tags)


def swept(address: Address, surroundings: Surroundings) -> tuple[list[Orphan], list[str]]:
    """What a sweep of this address alone finds, where one of the Nodes is i-1."""
    return compared([address], replace(surroundings, own_instances=lambda: ("i-1",)))


def standing(live: PodView) -> Callable[[str], tuple[PodView, ...]]:
    """The Pods at an IP, where this is the only one."""
    return lambda ip: (live,) if ip == live.ip else ()


OWNER = Owner(install=FACTS.install, pod_uid=PodUid("u-2"), epoch=Epoch(1))


def test_what_has_an_owner_is_nobodys_orphan() -> None:
    owned = AddressRecord(allocation_id=LOST, pool="amazon", owner=OWNER, rev=Rev(1))
    for address in (unowned(pod(Mode.AUTO)), on_our_node(unowned(pod(Mode.AUTO)))):
        assert swept(address, replace(around(None), records={LOST: owned})) == ([], [])


def test_what_is_associated_elsewhere_is_reported_by_the_cluster_that_it_names() -> None:
    away = replace(HERE, instance_id="i-of-others")
    for there in (away, replace(away, instance_id=None)):
        orphans, [report] = swept(replace(tagged(GO_TAGS), association=there), around(None))
        assert (orphans, "tagged for ns/p, which is gone" in report) == ([], True)
        others = tagged(GO_TAGS | {contract.TAG_CLUSTER_NAME: "b"})
        assert swept(replace(others, association=there), around(None)) == ([], [])


def test_what_is_not_in_the_watched_namespaces_is_left_alone() -> None:
    narrow = replace(around(None), in_scope=lambda namespace: namespace != "ns")
    assert swept(unowned(pod(Mode.AUTO)), narrow) == ([], [])
    assert swept(on_our_node(unowned(pod(Mode.AUTO))), narrow) == ([], [])


def test_what_the_go_controller_left_behind_is_reported_and_never_released() -> None:
    orphans, [report] = swept(tagged(GO_TAGS), around(None))
    assert (orphans, "release it if nobody needs it" in report) == ([], True)
    assert swept(tagged(GO_TAGS | {contract.TAG_CLUSTER_NAME: "b"}), around(None)) == ([], [])
    assert swept(tagged(GO_TAGS | {contract.TAG_POD_UID: "u-0"}), around(None)) == ([], [])
    assert swept(tagged(GO_TAGS | {contract.TAG_TYPE: "fixed-tag"}), around(None)) == ([], [])
    assert swept(tagged({}), around(None)) == ([], [])


def test_what_another_cluster_allocated_is_left_alone() -> None:
    address = unowned(pod(Mode.AUTO))
    assert swept(replace(address, tags={**address.tags, contract.TAG_CLUSTER_UID: "another"}), around(None)) == ([], [])


HERE = Association(
    association_id=AssociationId("eipassoc-5"),
    target=Target(interface_id=InterfaceId("eni-1"), private_ip="10.0.0.5"),
    instance_id="i-1",
)


@pytest.mark.parametrize(
    "live", [pod(Mode.AUTO), pod("", annotations={}), pod("wrong")], ids=["asks", "asks for nothing", "asks wrongly"]
)
def test_what_is_at_the_pod_that_its_tags_name_stays_there(live: PodView) -> None:
    here = replace(around(live), pods_at=standing(live))
    for address in (unowned(live), tagged(GO_TAGS)):
        assert swept(replace(address, association=HERE), here) == ([], [])


def test_what_is_at_another_pod_than_its_tags_name_goes() -> None:
    stranger = replace(pod("", annotations={}), uid=PodUid("u-9"))
    here = replace(around(stranger), pods_at=standing(stranger))
    orphans, _ = swept(replace(unowned(pod(Mode.AUTO)), association=HERE), here)
    assert [(orphan.namespace, orphan.name, orphan.mode) for orphan in orphans] == [("ns", "p", Mode.AUTO)]
    renamed = replace(stranger, name="q")
    orphans, _ = swept(replace(tagged(GO_TAGS), association=HERE), replace(here, pods_at=standing(renamed)))
    assert [orphan.adopted for orphan in orphans] == [AdoptedTags(cluster_name="a", pod="ns/p", pod_uid="")]


@pytest.mark.parametrize("shared", [False, True], ids=["an IP of its own", "hostNetwork"])
@pytest.mark.parametrize("tags", [GO_TAGS, {**GO_TAGS, contract.TAG_TYPE: "fixed-tag"}], ids=["auto", "fixed"])
def test_what_was_left_at_a_pod_that_asks_for_its_own_is_that_pods_to_take_away(
    tags: dict[str, str], shared: bool
) -> None:
    """An orphan's claim would stand in the way of the Pod's own, for as long as the Pod lives."""
    asking = replace(pod(Mode.FIXED_TAG, "k"), name="q", uid=PodUid("u-9"), host_network=shared)
    left = replace(tagged(tags), association=HERE)
    here = replace(around(asking), pods_at=standing(asking), own_instances=lambda: ("i-1",))
    found = sweep([left], here)
    assert (found.orphans, found.leftovers, found.reports) == ((), (Leftover(address=left),), ())


def test_tags_alone_take_nothing_back_once_migration_is_over() -> None:
    left = replace(tagged(GO_TAGS), association=HERE)
    here = replace(around(None), own_instances=lambda: ("i-1",))
    over = replace(here, facts=replace(here.facts, adopt_leftovers=False))
    assert [orphan.address for orphan in sweep([left], here).orphans] == [left]
    found = sweep([left], over)
    assert (found.orphans, found.leftovers) == ((), ())
    assert ["adoptLeftovers" in report for report in found.reports] == [True]


def test_a_pools_address_is_taken_back_without_a_word_on_tags() -> None:
    """What an `auto` claim remembers of the Go controller's tags allows its release: a pool's is never released."""
    kept = {**GO_TAGS, contract.TAG_TYPE: str(Mode.FIXED_TAG), "k": ""}
    orphans, _ = swept(replace(tagged(kept), association=HERE), around(None))
    assert [(orphan.mode, orphan.adopted) for orphan in orphans] == [(Mode.FIXED_TAG, None)]


@pytest.mark.parametrize("shared", [False, True], ids=["an IP of its own", "hostNetwork"])
def test_a_late_arrival_at_a_pod_that_asks_for_an_address_is_left_for_that_pod(shared: bool) -> None:
    pool = AddressRecord(allocation_id=LOST, pool="k", recent=(HERE.target,), rev=Rev(1))
    asking = (pod(Mode.FIXED_TAG, "k"), pod(Mode.FIXED_TAG, "other"), pod(Mode.AUTO))
    address = replace(tagged({"k": ""}), association=HERE)
    lives = [(replace(live, host_network=shared), 0) for live in asking]
    for live, taken in [*lives, (pod("", annotations={}), 1)]:
        here = replace(around(live), records={LOST: pool}, pods_at=standing(live))
        orphans, _ = swept(address, here)
        assert len(orphans) == taken
    assert (orphans[0].mode, orphans[0].pool, orphans[0].name) == (Mode.FIXED_TAG, "k", "")


def test_a_second_address_of_a_pod_that_has_one_is_given_back_at_once() -> None:
    live = pod(Mode.AUTO)
    intent = PodRecord(uid=live.uid, namespace="ns", name="p", mode=Mode.AUTO, pool="amazon", phase=Phase.INTENT)
    record = replace(intent, phase=Phase.ASSOCIATED, allocation_id=AllocationId("eipalloc-2"))
    held = replace(around(live, for_long=False), pods={live.uid: record, **remembered()})
    orphans, _ = swept(unowned(live), held)
    assert [(orphan.address.allocation_id, orphan.mode) for orphan in orphans] == [(LOST, Mode.AUTO)]
    same = replace(held, pods={live.uid: replace(record, allocation_id=LOST), **remembered()})
    assert swept(unowned(live), same) == ([], [])
    begun = replace(record, allocation_id=None)
    for lives in (live, None):  # its own plan takes it, or gives it back
        around_it = replace(around(lives), pods={live.uid: begun, **remembered()})
        assert swept(unowned(live), around_it) == ([], [])
    orphans, [report] = swept(unowned(live), replace(held, pods={live.uid: record}, unowned_long={LOST}))
    assert (orphans, "does not know it" in report) == ([], True)


def test_a_leak_is_ours_auto_free_and_unowned() -> None:
    address = unowned(pod(Mode.AUTO))
    assert is_unowned_auto(address, None, FACTS)
    assert is_unowned_auto(address, AddressRecord(allocation_id=LOST, pool="amazon"), FACTS)
    assert not is_unowned_auto(address, AddressRecord(allocation_id=LOST, pool="amazon", owner=OWNER), FACTS)
    assert not is_unowned_auto(replace(address, association=HERE), None, FACTS)
    for key in (contract.TAG_TYPE, contract.TAG_CLUSTER_UID):
        assert not is_unowned_auto(replace(address, tags={**address.tags, key: "other"}), None, FACTS)
