"""`release-orphans`: what it shows, whom it asks, and that nothing goes which the table knows, or which has changed."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pytest

from controller.core import contract, transitions
from controller.core.unknown import Known, unknown
from controller.core.views import Address, Interface
from controller.orphans import OwnTagged
from controller.surface import orphans as conversation
from state.errors import AddressInUse, Misconfigured, Unavailable
from state.model import (
    AddressRecord,
    AllocationId,
    ClusterUid,
    Epoch,
    InstallKey,
    InstallRecord,
    Mode,
    Owner,
    Phase,
    PodUid,
)
from tests.fakes.ec2 import FakeEc2
from tests.fakes.records import install_record, new_pod
from tests.unit.engine_harness import ENI, at

A, B = ClusterUid("c-1"), ClusterUid("c-2")
TAGS = {
    contract.TAG_TYPE: "auto",
    contract.TAG_CLUSTER_UID: A,
    contract.TAG_POD: "ns/p",
    contract.TAG_POD_UID: "u-1",
    "Name": "somebody's",
}
ONE = AllocationId("eipalloc-1")
FREE = Address(allocation_id=ONE, public_ip="198.18.0.1", border_group="g", tags=TAGS)
OWNER = Owner(install=InstallKey.within(B, "ns/l"), pod_uid=PodUid("u-9"), epoch=Epoch(1))
INTENT = new_pod("u-1")
REMEMBERED = transitions.remember(INTENT, None).pod_after
assert REMEMBERED is not None


@dataclass
class Notes:
    """A table that says what a test says."""

    says: Known = field(default_factory=Known)
    read: list[Collection[ClusterUid]] = field(default_factory=list)

    def installs(self) -> Sequence[InstallRecord]:
        """Two clusters."""
        return [install_record(A, "blue"), install_record(B, "green")]

    def known(self, clusters: Collection[ClusterUid], own: ClusterUid, asked: Collection[AllocationId]) -> Known:
        """What it says, whoever asks."""
        self.read.append(clusters)
        return self.says


def world(says: Known | None = None) -> tuple[FakeEc2, AllocationId, OwnTagged, Notes]:
    """An account with one such address, and what else there may be."""
    ec2, notes = FakeEc2(), Notes(says or Known())
    ec2.add_interface(Interface(interface_id=ENI, private_ips=frozenset({"10.0.0.9"})))
    forged = ec2.add_address(tags=TAGS)
    ec2.add_address(tags={"pool": ""})
    ec2.add_address(tags={**TAGS, contract.TAG_CLUSTER_UID: B})
    return ec2, forged, OwnTagged(ec2=ec2, book=notes), notes


@pytest.mark.parametrize(
    "known",
    [
        Known(sides={ONE: AddressRecord(allocation_id=ONE, pool="amazon", owner=OWNER)}),
        Known(sides={ONE: AddressRecord(allocation_id=ONE, pool="amazon", last_mode=Mode.AUTO)}),
        Known(claimed={ONE}),
        Known(own={INTENT.uid: INTENT}),
        Known(own={REMEMBERED.uid: REMEMBERED}),
        Known(unreadable={("eip#eipalloc-1", "claim")}),
        Known(unreadable={("cluster#c-1", "pod#u-1")}),
        Known(unreadable={("cluster#c-1", "pod#remembered:u-1")}),
    ],
    ids=[
        "owned",
        "an ended claim",
        "named",
        "an intent",
        "remembered",
        "unreadable",
        "unreadable claim",
        "unreadable intent",
    ],
)
def test_what_the_table_knows_or_expects_is_not_shown(known: Known) -> None:
    assert unknown(A, [FREE], known) == []


def test_what_is_shown_is_free_and_tagged_as_this_clusters() -> None:
    side = AddressRecord(allocation_id=ONE, pool="key", last_holder="ns/p", last_mode=Mode.FIXED_TAG)
    held = replace(INTENT, phase=Phase.ASSOCIATED, allocation_id=AllocationId("eipalloc-2"))
    assert unknown(A, [FREE], Known(sides={ONE: side}, own={held.uid: held})) == [FREE]
    assert unknown(B, [FREE], Known()) == []
    for key in (contract.TAG_TYPE, contract.TAG_CLUSTER_UID):
        assert unknown(A, [replace(FREE, tags={**TAGS, key: "other"})], Known()) == []
    assert unknown(A, [replace(FREE, readable=False)], Known()) == []


def test_it_shows_with_all_tags_and_releases(capsys: pytest.CaptureFixture[str]) -> None:
    ec2, forged, own, notes = world()
    assert conversation.release("blue", own, yes=True)
    told = capsys.readouterr().out
    assert f"{forged}: released" in told
    assert "    Name = somebody's" in told
    assert forged not in {a.allocation_id for a in ec2.addresses()}
    assert len(ec2.addresses()) == 2
    assert set(notes.read[0]) == {A, B}
    assert conversation.release("blue", own, yes=True)
    assert "there is no such address" in capsys.readouterr().out


@pytest.mark.parametrize("wanted", ["c-3", "nobody"])
def test_a_cluster_that_the_table_does_not_know_is_refused(wanted: str) -> None:
    with pytest.raises(Misconfigured):
        conversation.release(wanted, world()[2], yes=True)


def test_without_a_terminal_and_without_a_yes_nothing_is_even_looked_at() -> None:
    ec2, _, own, notes = world()
    assert not sys.stdin.isatty()
    with pytest.raises(Misconfigured):
        conversation.release("blue", own, yes=False)
    assert (ec2.calls, notes.read) == ([], [])


@dataclass(kw_only=True)
class Changing:
    """Between what was shown and the release something happens."""

    own: OwnTagged
    what: str
    ec2: FakeEc2
    notes: Notes

    def find(self, cluster: str) -> Sequence[Address]:
        """What there is."""
        return self.own.find(cluster)

    def release(self, shown: Address) -> str:
        """First it happens."""
        match self.what:
            case "associated":
                self.ec2.associate_by_hand(shown.allocation_id, at("10.0.0.9"))
            case "claimed":
                side = AddressRecord(allocation_id=shown.allocation_id, pool="amazon", owner=OWNER)
                self.notes.says = Known(sides={shown.allocation_id: side})
            case "an intent":
                self.notes.says = Known(own={INTENT.uid: INTENT})
            case "in use":
                self.ec2.fail("ReleaseAddress", AddressInUse("it is in use", code="InvalidIPAddress.InUse"))
            case "no answer":
                self.ec2.fail("ReleaseAddress", Unavailable("no answer", code="ReadTimeoutError"))
        return self.own.release(shown)


@pytest.mark.parametrize("what", ["associated", "claimed", "an intent", "in use", "no answer"])
def test_what_changed_since_it_was_shown_is_left(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    ec2, forged, own, notes = world()
    assert not conversation.release("blue", Changing(own=own, what=what, ec2=ec2, notes=notes), yes=True)
    assert f"{forged}: left, for " in capsys.readouterr().out
    assert forged in {a.allocation_id for a in ec2.addresses()}


def test_what_is_gone_already_is_done() -> None:
    ec2, _, own, _ = world()
    [shown] = own.find("blue")
    ec2.lose_reply("ReleaseAddress")
    assert own.release(shown)
    assert own.release(shown) == ""
