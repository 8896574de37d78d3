"""What every ledger promises, in memory and on DynamoDB: the engine is tested on the one and runs on the other."""

import threading
from dataclasses import replace
from typing import Any

import pytest

from state.errors import ConditionLost, Fenced, NotLeading
from state.model import (
    AdoptedTags,
    AllocationId,
    AssociationId,
    Change,
    InstallKey,
    InterfaceId,
    Mode,
    Phase,
    PodRecord,
    Rev,
    Target,
)
from tests.contract.adapters.ledger_scene import until
from tests.fakes.ledger_worlds import InMemory, OnDynamoDb, TermLedger, World, new_install
from tests.fakes.records import TARGET, new_address, new_pod, owner


class LedgerContract:
    """The promises. A subclass brings the world."""

    def test_epochs_grow_with_every_term(self, world: World, install: InstallKey) -> None:
        first, second = world.ledger(install), world.ledger(install)
        assert [first.begin_term("a"), second.begin_term("b"), first.begin_term("a")] == [1, 2, 3]

    def test_the_epoch_is_above_the_lease_s_too(self, world: World, install: InstallKey) -> None:
        ledger = world.ledger(install)
        assert (ledger.begin_term("a", 7), ledger.restored) == (8, True)
        assert (ledger.begin_term("a", 8), ledger.restored) == (9, False)
        assert (ledger.begin_term("a", 2), ledger.restored) == (10, False)

    def test_what_is_written_is_known_here_and_to_the_next_leader(
        self, world: World, install: InstallKey, ledger: TermLedger
    ) -> None:
        pod = _full_pod()
        address = replace(new_address(), owner=owner(install, pod), target=TARGET, recent=(TARGET, _OTHER))
        address = replace(address, public_ip="198.51.100.7", last_holder=pod.holder)
        pod = replace(pod, allocation_id=address.allocation_id)
        ledger.commit(Change(pod_after=pod, address_after=address))
        successor = world.ledger(install)
        successor.begin_term("next")
        for knows in (ledger, successor):
            assert knows.pods() == {pod.uid: replace(pod, rev=Rev(1))}
            assert knows.pod(pod.uid) == replace(pod, rev=Rev(1))
            assert knows.addresses() == {address.allocation_id: replace(address, rev=Rev(1))}
            assert knows.address(address.allocation_id) == replace(address, rev=Rev(1))

    def test_each_write_has_the_next_rev(self, ledger: TermLedger) -> None:
        pod = new_pod()
        ledger.commit(Change(pod_after=replace(pod, rev=Rev(99))))
        ledger.commit(Change(pod_before=ledger.pod(pod.uid), pod_after=replace(pod, phase=Phase.CLAIMED)))
        written = ledger.pod(pod.uid)
        assert written == replace(pod, phase=Phase.CLAIMED, rev=Rev(2))

    def test_a_side_can_be_deleted(self, world: World, install: InstallKey, ledger: TermLedger) -> None:
        pod, address = new_pod(), new_address()
        ledger.commit(Change(pod_after=pod, address_after=address))
        held = ledger.address(address.allocation_id)
        assert held
        ledger.commit(Change(pod_before=ledger.pod(pod.uid), address_before=held, address_after=held))
        assert ledger.pods() == {}
        ledger.commit(Change(address_before=ledger.address(address.allocation_id)))
        assert ledger.address(address.allocation_id) is None
        snapshot = world.snapshot(install, [address.allocation_id])
        assert (snapshot.pods, snapshot.addresses) == ({}, {})

    def test_a_lost_address_tells_its_owner(self, world: World, install: InstallKey, ledger: TermLedger) -> None:
        other_install = new_install()
        other = world.ledger(other_install)
        other.begin_term("them")
        theirs = replace(new_address(), owner=owner(other_install, new_pod()))
        other.commit(Change(address_after=theirs))
        pod = new_pod()
        ours = replace(theirs, owner=owner(install, pod))
        with pytest.raises(ConditionLost) as caught:
            ledger.commit(Change(pod_after=pod, address_after=ours))
        assert caught.value.current == replace(theirs, rev=Rev(1))
        assert ledger.address(theirs.allocation_id) == caught.value.current
        assert world.snapshot(install, []).pods == {}

    def test_a_lost_pod_tells_what_stands(self, world: World, install: InstallKey, ledger: TermLedger) -> None:
        pod = new_pod()
        ledger.commit(Change(pod_after=pod))
        with pytest.raises(ConditionLost) as caught:
            ledger.commit(Change(pod_after=pod, address_after=new_address()))
        assert caught.value.current == replace(pod, rev=Rev(1))
        gone = replace(pod, rev=Rev(5))
        with pytest.raises(ConditionLost):
            ledger.commit(Change(pod_before=gone))
        assert ledger.pods() == {pod.uid: replace(pod, rev=Rev(1))}

    def test_what_is_not_there_is_lost_too(self, ledger: TermLedger) -> None:
        absent = replace(new_address(), rev=Rev(3))
        with pytest.raises(ConditionLost) as caught:
            ledger.commit(Change(address_before=absent, address_after=absent))
        assert caught.value.current is None

    def test_an_older_leader_is_fenced_and_told(self, world: World, install: InstallKey) -> None:
        told: list[str] = []
        old = world.ledger(install, on_fenced=lambda: told.append("fenced"))
        new = world.ledger(install)
        old.begin_term("old")
        new.begin_term("new")
        pod = new_pod()
        for _ in range(2):
            with pytest.raises(Fenced):
                old.commit(Change(pod_after=pod))
        until(lambda: told == ["fenced"])  # who commits hears of it a moment before
        assert world.snapshot(install, []).pods == {}
        old.begin_term("old")
        old.commit(Change(pod_after=pod))
        with pytest.raises(Fenced):
            new.heartbeat()

    def test_an_older_table_in_place_of_ours_ends_the_term_though_the_epoch_is_the_same(
        self, world: World, install: InstallKey, ledger: TermLedger
    ) -> None:
        for number in range(3):
            ledger.commit(Change(pod_after=new_pod(f"{install.cluster_uid}-{number}")))
        world.turn_back(install, 2)
        with pytest.raises(Fenced):
            ledger.commit(Change(pod_after=new_pod()))
        assert (ledger.begin_term("me", 1), ledger.restored) == (2, True)
        ledger.heartbeat()
        assert (ledger.begin_term("me", 2), ledger.restored) == (3, False)

    def test_outside_of_a_term_nothing_is_written(self, world: World, install: InstallKey) -> None:
        ledger = world.ledger(install)
        with pytest.raises(NotLeading):
            ledger.commit(Change(pod_after=new_pod()))
        ledger.begin_term("me")
        ledger.end_term()
        with pytest.raises(NotLeading):
            ledger.commit(Change(pod_after=new_pod()))
        assert world.snapshot(install, []).pods == {}

    def test_the_guard_has_the_last_word(self, world: World, install: InstallKey) -> None:
        late = threading.Event()

        def guard() -> None:
            if late.is_set():
                raise NotLeading("the deadline is near")

        ledger = world.ledger(install)
        ledger.begin_term("me", 0, guard)
        ledger.commit(Change(pod_after=new_pod("first")))
        late.set()
        with pytest.raises(NotLeading):
            ledger.commit(Change(pod_after=new_pod("second")))
        with pytest.raises(NotLeading):
            world.ledger(install).begin_term("other", 0, guard)
        assert set(world.snapshot(install, []).pods) == {"first"}
        late.clear()
        ledger.heartbeat()

    def test_refresh_reads_what_others_wrote(self, world: World, ledger: TermLedger) -> None:
        other = world.ledger(new_install())
        other.begin_term("them")
        address, absent = new_address(), new_address()
        other.commit(Change(address_after=address))
        assert ledger.address(address.allocation_id) is None
        ledger.refresh([address.allocation_id, absent.allocation_id])
        assert ledger.address(address.allocation_id) == replace(address, rev=Rev(1))
        other.commit(Change(address_before=other.address(address.allocation_id)))
        ledger.refresh([address.allocation_id])
        assert ledger.addresses() == {}

    def test_refresh_takes_more_than_one_batch(self, ledger: TermLedger) -> None:
        addresses = [new_address() for _ in range(3)]
        for address in addresses:
            ledger.commit(Change(address_after=address))
        wanted = [new_address().allocation_id for _ in range(220)]
        ledger.refresh([*wanted, *(address.allocation_id for address in addresses)])
        assert set(ledger.addresses()) == {address.allocation_id for address in addresses}

    def test_the_heartbeat_moves_with_every_write(self, world: World, install: InstallKey, ledger: TermLedger) -> None:
        before = _record(ledger, install)
        ledger.heartbeat()
        ledger.commit(Change(pod_after=new_pod()))
        after = _record(ledger, install)
        assert (after.heartbeat, after.epoch) == (before.heartbeat + 2, before.epoch)
        assert 0 <= ledger.seconds_since_write() < 60
        assert world.ledger(install).seconds_since_write() == float("inf")


class TestInMemory(LedgerContract, InMemory):
    """The fake that other tests use."""


class TestOnDynamoDb(LedgerContract, OnDynamoDb):
    """The product, on moto's server and on DynamoDB Local."""


_OTHER = Target(interface_id=InterfaceId("eni-2"), private_ip="10.0.0.2")


def _full_pod() -> PodRecord:
    return replace(
        new_pod(phase=Phase.ASSOCIATED),
        mode=Mode.FIXED_TAG_VALUE,
        pool="tag-key",
        allocation_id=AllocationId("eipalloc-1"),
        public_ip="198.51.100.7",
        target=TARGET,
        association_id=AssociationId("eipassoc-1"),
        adopted=AdoptedTags(cluster_name="c", pod="p"),
        traceparent="00-aa-bb-01",
    )


def _record(ledger: TermLedger, install: InstallKey) -> Any:
    return next(record for record in ledger.installs() if record.key == install)
