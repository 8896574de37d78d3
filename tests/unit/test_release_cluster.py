"""A cluster that a person declares dead: whom the words mean, what would become of what, and what is left then."""

import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import pytest

from controller.core import contract, release
from controller.core.release import Line, Request
from controller.core.views import Address, Association
from controller.engine.leadership import Leadership
from controller.release_cluster import Releaser
from controller.surface import release as conversation
from state.errors import Misconfigured, Refused
from state.model import (
    AddressRecord,
    AllocationId,
    AssociationId,
    ClusterUid,
    InstallRecord,
    Mode,
    Phase,
)
from tests.fakes.ledger import FakeLedger
from tests.fakes.records import TARGET, install_record, new_pod
from tests.unit.engine_harness import Replica, World, at, auto, fixed

KNOWN = [
    install_record("u-1", "blue"),
    install_record("u-1", "blue", lease="ns/m"),
    install_record("u-2", "green"),
    install_record("u-3", "green"),
]


@pytest.mark.parametrize(
    ("wanted", "lease", "found"),
    [
        ("u-1", None, KNOWN[:2]),
        ("blue", None, KNOWN[:2]),
        ("blue", "ns/m", KNOWN[1:2]),
        ("u-2", None, KNOWN[2:3]),
    ],
)
def test_a_cluster_is_chosen(wanted: str, lease: str | None, found: list[InstallRecord]) -> None:
    assert release.choose(KNOWN, wanted, lease) == found


@pytest.mark.parametrize(
    ("wanted", "lease", "listed"), [("green", None, 2), ("red", None, 4), ("u-1", "ns/other", 4), ("", None, 4)]
)
def test_without_doubt_only_else_a_list(wanted: str, lease: str | None, listed: int) -> None:
    with pytest.raises(Misconfigured) as caught:
        release.choose(KNOWN, wanted, lease)
    assert len(caught.value.faults) == 1 + listed


def shown(name: str, ip: str = "") -> Address:
    place = Association(association_id=AssociationId("eipassoc-1"), target=at(ip)) if ip else None
    return Address(allocation_id=AllocationId(name), public_ip="198.18.0.1", border_group="g", association=place)


@pytest.mark.parametrize(
    ("mode", "address", "expected"),
    [
        (Mode.AUTO, shown("eipalloc-1", "10.0.0.1"), "cut from 10.0.0.1, release"),
        (Mode.AUTO, shown("eipalloc-1"), "release"),
        (Mode.FIXED_TAG, shown("eipalloc-1", "10.0.0.1"), "cut from 10.0.0.1, leave in its pool"),
        (Mode.AUTO, shown("eipalloc-1", "10.9.9.9"), "forget: somebody else associated it with 10.9.9.9"),
        (Mode.AUTO, shown("eipalloc-2"), "forget: the address is not in this account any more"),
    ],
)
def test_what_would_become_of_an_address(mode: Mode, address: Address, expected: str) -> None:
    target = replace(TARGET, interface_id=at("").interface_id)
    allocation = AllocationId("eipalloc-1")
    claim = replace(new_pod(phase=Phase.ASSOCIATED), mode=mode, allocation_id=allocation, target=target)
    side = AddressRecord(allocation_id=allocation, pool="p", target=target)
    [line] = release.preview([claim], {allocation: side}, [address])
    assert line.preview == expected


def undo(world: World, replica: Replica, agreed: Collection[AllocationId] = ()) -> bool:
    """Declare this replica's install dead; a person has agreed to the release of these addresses."""
    record = world.table.installs[replica.install]
    leadership = Leadership(time.monotonic, 4.0)
    return Releaser(
        record=record,
        ledger=FakeLedger(world.table, replica.install, on_fenced=leadership.end),
        ec2=world.ec2,
        tokens=world.tokens,
        leadership=leadership,
        home_border_group=world.ec2.region,
        consistency_s=0.3,
        compare_s=0.1,
        stalled_s=20.0,
        threads=4,
        clock=time.monotonic,
        agreed=agreed,
    ).run()


def test_all_that_it_held_goes_by_the_usual_rules(world: World) -> None:
    dead = Replica(world, cluster="c-1").lead()
    [pool] = world.pool(1)
    world.pod("a", auto(), ip="10.0.0.5")
    world.pod("f", fixed(), ip="10.0.0.6")
    dead.settle()
    leaked = world.ec2.add_address(
        tags={contract.TAG_TYPE: "auto", contract.TAG_CLUSTER_UID: "c-1", contract.TAG_POD: "n/p"}
    )
    stranger = world.ec2.add_address()
    world.ec2.associate_by_hand(stranger, at("10.0.0.9"))
    dead.crash()
    assert undo(world, dead, {leaked})
    assert {address.allocation_id for address in world.ec2.addresses()} == {pool, stranger}
    assert not world.at_ip("10.0.0.5")
    assert not world.at_ip("10.0.0.6")
    assert world.at_ip("10.0.0.9")
    assert world.table.pods == {}
    assert world.table.directory == {}
    assert leaked not in world.table.addresses
    assert world.table.addresses[pool].owner is None


def test_what_nobody_recorded_goes_only_if_a_person_has_seen_it(world: World) -> None:
    dead = Replica(world, cluster="c-1").lead()
    dead.settle()
    leaked = world.ec2.add_address(
        tags={contract.TAG_TYPE: "auto", contract.TAG_CLUSTER_UID: "c-1", contract.TAG_POD: "n/p"}
    )
    dead.crash()
    assert undo(world, dead)
    assert world.ec2.address(leaked)


def test_what_another_cluster_took_meanwhile_is_not_cut(world: World) -> None:
    dead = Replica(world, cluster="c-1").lead()
    [pool] = world.pool(1)
    world.pod("f", fixed(), ip="10.0.0.6")
    dead.settle()
    dead.crash()
    side = world.table.addresses[pool]
    assert side.owner is not None
    them = replace(side.owner.install, cluster_uid=ClusterUid("c-2"))
    theirs = replace(side, owner=replace(side.owner, install=them, pod_uid=new_pod().uid))
    world.table.addresses[pool] = theirs
    assert undo(world, dead)
    assert world.at_ip("10.0.0.6")
    assert world.table.addresses[pool] == theirs


@dataclass
class RehearsedRelease:
    """A world of one dead cluster, or of one that beats."""

    beats: bool = False
    left: Sequence[str] = ()
    done: list[str] = field(default_factory=list)

    def choose(self, cluster: str, lease: str | None) -> Sequence[InstallRecord]:
        """By the product's own rule."""
        return release.choose(KNOWN, cluster, lease)

    def preview(self, installs: Sequence[InstallRecord]) -> Sequence[Line]:
        """One line."""
        return [Line(public_ip="198.18.0.1", allocation_id="eipalloc-1", mode="auto", holder="ns/p", preview="release")]

    def watch(self, installs: Sequence[InstallRecord]) -> None:
        """See a heartbeat, or none."""
        if self.beats:
            raise Refused("it beats")

    def release(self, installs: Sequence[InstallRecord], shown: Sequence[Line]) -> Sequence[str]:
        """Note it."""
        self.done += [*(str(record.key) for record in installs), *(line.allocation_id for line in shown)]
        return self.left


def test_it_shows_asks_and_tells_what_is_left(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = RehearsedRelease()
    assert conversation.release(Request(cluster="u-1", yes=True), dead)
    assert dead.done == ["u-1#ns/l", "u-1#ns/m", "eipalloc-1"]
    told = capfd.readouterr().out
    assert "198.18.0.1 eipalloc-1 auto ns/p: release" in told
    assert "nothing is left" in told
    assert not conversation.release(Request(cluster="u-2", yes=True), RehearsedRelease(left=["x"]))
    assert "left: x" in capfd.readouterr().out


def test_one_that_beats_is_refused() -> None:
    living = RehearsedRelease(beats=True)
    with pytest.raises(Refused):
        conversation.release(Request(cluster="u-1", yes=True), living)
    assert not living.done


def test_nothing_is_done_without_a_yes() -> None:
    dead = RehearsedRelease()
    assert not sys.stdin.isatty()
    with pytest.raises(Misconfigured):
        conversation.release(Request(cluster="u-1"), dead)
    assert not dead.done
