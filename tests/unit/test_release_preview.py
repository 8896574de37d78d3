"""What a person reads before they declare a cluster dead: each line is what will be done, so none may be wrong.

And by what they are contradicted: an install that writes lives.
"""

from dataclasses import replace

import pytest

from controller.core import contract, release
from controller.core.release import Line
from controller.core.views import Address, Association
from state.errors import Misconfigured, Refused
from state.model import AllocationId, AssociationId, ClusterUid, Epoch, InstallRecord, Phase
from tests.fakes.records import TARGET, install_record, new_pod

CLUSTER = ClusterUid("u-1")
ONE = AllocationId("eipalloc-1")
TAGS = {contract.TAG_TYPE: "auto", contract.TAG_CLUSTER_UID: CLUSTER, contract.TAG_POD: "ns/web"}
FREE = Address(allocation_id=ONE, public_ip="198.18.0.1", border_group="g", tags=TAGS)
ASSOCIATED = replace(FREE, association=Association(association_id=AssociationId("eipassoc-1"), target=TARGET))


def test_an_intent_may_have_an_address_that_nobody_knows() -> None:
    claim = replace(new_pod("u"), namespace="ns", name="web")
    told = "release what was allocated for it, if anything was"
    unknown = Line(public_ip="-", allocation_id="-", mode="auto", holder="ns/web", preview=told)
    assert release.preview([claim], {}, [FREE]) == [unknown]


def test_a_claim_is_told_with_its_address_and_without_a_pod() -> None:
    claim = replace(new_pod("orphan:eipalloc-1"), namespace="", name="", allocation_id=ONE, public_ip="198.18.0.1")
    nobodys = Line(public_ip="198.18.0.1", allocation_id=ONE, mode="auto", holder="-", preview="release")
    assert release.preview([claim], {}, [FREE]) == [nobodys]


def test_an_association_that_is_recorded_nowhere_is_somebody_else_s() -> None:
    claim = replace(new_pod(phase=Phase.ASSOCIATED), allocation_id=ONE, target=TARGET)
    [line] = release.preview([claim], {}, [ASSOCIATED])
    assert line.preview == f"forget: somebody else associated it with {TARGET.private_ip}"


@pytest.mark.parametrize(
    ("address", "preview"), [(FREE, "release"), (ASSOCIATED, "leave: associated, and recorded nowhere")]
)
def test_what_the_cluster_allocated_and_nobody_recorded(address: Address, preview: str) -> None:
    lost = Line(public_ip="198.18.0.1", allocation_id=ONE, mode="auto", holder="ns/web", preview=preview)
    assert release.unrecorded(CLUSTER, [address], set()) == [lost]


@pytest.mark.parametrize(
    "tags",
    [TAGS | {contract.TAG_TYPE: "fixed-tag"}, TAGS | {contract.TAG_CLUSTER_UID: "u-2"}, {}],
    ids=["not-auto", "another-clusters", "not-ours"],
)
def test_what_is_not_this_cluster_s_is_not_listed(tags: dict[str, str]) -> None:
    assert release.unrecorded(CLUSTER, [replace(FREE, tags=tags)], set()) == []


def test_what_is_recorded_is_not_listed_twice() -> None:
    assert release.unrecorded(CLUSTER, [FREE], {ONE}) == []


@pytest.mark.parametrize(
    ("wanted", "lease", "fault"),
    [
        ("red", None, "'red' is no cluster of this table; choose by the UID"),
        ("u-1", "ns/m", "'u-1' with the Lease ns/m is no cluster of this table; choose by the UID"),
        ("blue", None, "'blue' is not one cluster only; choose by the UID"),
    ],
)
def test_a_refusal_says_what_was_asked_for_and_why_not(wanted: str, lease: str | None, fault: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        release.choose([install_record("u-1"), install_record("u-2", scope="games")], wanted, lease)
    assert caught.value.faults == (
        fault,
        "u-1 blue (Lease ns/l, all namespaces, led by x-0)",
        "u-2 blue (Lease ns/l, namespace games, led by x-0)",
    )


SEEN = install_record("u-1")


@pytest.mark.parametrize("now", [replace(SEEN, heartbeat=8), replace(SEEN, epoch=Epoch(2))], ids=["beats", "leads"])
def test_one_that_has_written_since_lives(now: InstallRecord) -> None:
    with pytest.raises(Refused) as caught:
        release.check_still([SEEN], [install_record("u-2"), now])
    assert caught.value.code == "InstallLives"


@pytest.mark.parametrize("now", [[SEEN], [], [SEEN, install_record("u-1", lease="ns/m")]])
def test_one_that_stands_still_or_is_gone_does_not(now: list[InstallRecord]) -> None:
    release.check_still([SEEN], now)


@pytest.mark.parametrize(
    ("other", "whole"),
    [
        (install_record("u-1", lease="ns/m"), False),
        (replace(install_record("u-1", lease="ns/m"), fenced=True), True),
        (install_record("u-2"), True),
    ],
    ids=["may-write", "fenced", "another-cluster"],
)
def test_a_cluster_is_whole_where_no_other_install_of_it_may_write(other: InstallRecord, *, whole: bool) -> None:
    assert release.is_whole([SEEN], [SEEN, other]) is whole
