"""What every ledger promises about installs as a whole: found by each other, apart, fenced, struck off."""

from dataclasses import replace
from typing import Any

import pytest

from state.errors import ConditionLost, Fenced, NotLeading
from state.model import Change, InstallKey, PoolQueue, Rev
from tests.fakes.ledger_worlds import InMemory, OnDynamoDb, TermLedger, World, new_install
from tests.fakes.records import new_address, new_pod, owner


class InstallsContract:
    """The promises. A subclass brings the world."""

    def test_installs_are_found_by_each_other(self, world: World, install: InstallKey) -> None:
        second = replace(install, lease_name="other")
        for key, scope in ((install, "ns1"), (second, "ns2")):
            world.ledger(key, scope=scope).begin_term("me")
        found = {record.key: record for record in world.ledger(install).installs()}
        assert (found[install].scope, found[second].scope) == ("ns1", "ns2")
        assert (found[install].cluster_name, found[install].silence_s) == ("a", 3600)

    def test_installs_of_one_cluster_keep_their_claims_apart(self, world: World, install: InstallKey) -> None:
        one, two = world.ledger(install), world.ledger(replace(install, lease_name="other"))
        one.begin_term("one")
        pod = new_pod()
        one.commit(Change(pod_after=pod))
        two.begin_term("two")
        assert two.pods() == {}
        left = two.neighbours()[install]
        assert left == {pod.uid: replace(pod, rev=Rev(1))}
        two.take_over(_record(two, install), Change(pod_before=left[pod.uid], pod_after=pod))
        assert two.pods() == {pod.uid: replace(pod, rev=Rev(2))}
        one.begin_term("one")
        assert one.pods() == {}

    def test_a_silent_install_can_be_taken_over(self, world: World, install: InstallKey, ledger: TermLedger) -> None:
        silent_install = new_install()
        silent = world.ledger(silent_install)
        silent.begin_term("them")
        address = replace(new_address(), owner=owner(silent_install, new_pod()))
        silent.commit(Change(address_after=address))
        ledger.refresh([address.allocation_id])
        pod, before = new_pod(), ledger.address(address.allocation_id)
        change = Change(pod_after=pod, address_before=before, address_after=replace(address, owner=owner(install, pod)))
        seen = _record(ledger, silent_install)
        silent.heartbeat()
        with pytest.raises(ConditionLost):
            ledger.take_over(seen, change)
        ledger.take_over(_record(ledger, silent_install), change)
        with pytest.raises(Fenced):
            silent.heartbeat()
        assert ledger.address(address.allocation_id) == replace(address, owner=owner(install, pod), rev=Rev(2))

    def test_a_fenced_install_is_known_for_one_until_its_next_term(self, world: World, install: InstallKey) -> None:
        old_key = replace(install, lease_name="old")
        old, new = world.ledger(old_key), world.ledger(install)
        old.begin_term("old")
        new.begin_term("new")
        assert not _record(new, old_key).fenced
        new.take_over(_record(new, old_key))
        assert _record(new, old_key).fenced
        assert not _record(new, install).fenced
        old.begin_term("old")
        assert not _record(new, old_key).fenced

    def test_what_an_install_tells_of_its_queues_stands_until_its_next_word_or_term(
        self, world: World, install: InstallKey, ledger: TermLedger
    ) -> None:
        reader = world.ledger(new_install())
        first = PoolQueue(pool="a pool", border_group="", waiting=2, waited_s=40)
        second = PoolQueue(pool="k=v:@/+", border_group="eu-west-1", waiting=1, waited_s=0)
        assert _record(reader, install).queues == ()
        ledger.heartbeat((first, second))
        assert _record(reader, install).queues == (first, second)
        ledger.commit(Change(pod_after=new_pod()))
        ledger.heartbeat()
        assert _record(reader, install).queues == (first, second)
        ledger.heartbeat(())
        assert _record(reader, install).queues == ()
        ledger.heartbeat((first,))
        world.ledger(install).begin_term("next")
        assert _record(reader, install).queues == ()

    def test_equal_queues_that_are_told_again_are_told_apart(
        self, world: World, install: InstallKey, ledger: TermLedger
    ) -> None:
        reader, queue = world.ledger(new_install()), PoolQueue(pool="p", border_group="", waiting=1, waited_s=0)
        ledger.heartbeat((queue,))
        first = _record(reader, install).word
        ledger.heartbeat()
        assert _record(reader, install).word == first
        ledger.heartbeat((queue,))
        assert _record(reader, install).word not in ("", first)

    def test_an_install_can_withdraw(self, world: World, install: InstallKey) -> None:
        one, two = world.ledger(install), world.ledger(install)
        first = one.begin_term("one")
        one.fence_self(first)
        assert _record(two, install).fenced
        with pytest.raises(NotLeading):
            one.heartbeat()
        second = two.begin_term("two")
        with pytest.raises(ConditionLost):
            one.fence_self(first)
        two.heartbeat()
        assert (second, _record(two, install).fenced) == (3, False)

    def test_only_a_fenced_install_can_be_struck_off(self, world: World, install: InstallKey) -> None:
        other_key = new_install()
        ledger, other = world.ledger(install), world.ledger(other_key)
        ledger.begin_term("me")
        other.begin_term("them")
        with pytest.raises(ConditionLost):
            ledger.deregister(_record(ledger, other_key))
        ledger.take_over(_record(ledger, other_key))
        fenced = _record(ledger, other_key)
        other.begin_term("them")
        with pytest.raises(ConditionLost):
            ledger.deregister(fenced)
        ledger.take_over(_record(ledger, other_key))
        ledger.deregister(_record(ledger, other_key))
        assert other_key not in {record.key for record in ledger.installs()}
        with pytest.raises(Fenced):
            other.heartbeat()
        assert other.begin_term("them") == 5


class TestInMemory(InstallsContract, InMemory):
    """The fake that other tests use."""


class TestOnDynamoDb(InstallsContract, OnDynamoDb):
    """The product, on moto's server and on DynamoDB Local."""


def _record(ledger: TermLedger, install: InstallKey) -> Any:
    return next(record for record in ledger.installs() if record.key == install)
