"""Releases of different schema versions on one table: what a newer one wrote is left alone, and stops nobody."""

from dataclasses import replace
from typing import Any

import pytest

from controller.engine.peers import Peers
from controller.engine.scopes import ScopeGate
from state.connection import Key
from state.errors import ItemUnreadable
from state.ledger import DynamoLedger
from state.model import Change, Phase
from state.table import DIRECTORY, address_key, install_key
from tests.fakes.ledger_worlds import DynamoWorld, InMemory, OnDynamoDb, World, new_install
from tests.fakes.records import TARGET, new_address, new_pod, owner


class AddressContract:
    """What holds in memory, too. A subclass brings the world."""

    def test_a_newer_address_is_neither_read_nor_written(self, world: World) -> None:
        install = new_install()
        ledger = world.ledger(install)
        ledger.begin_term("me")
        address, usual = new_address(), new_address()
        for each in (address, usual):
            ledger.commit(Change(address_after=each))
        world.make_newer(address.allocation_id)
        ledger.refresh([address.allocation_id, usual.allocation_id])
        assert ledger.address(address.allocation_id) is None
        assert ledger.address(usual.allocation_id)
        assert address_key(address.allocation_id) in ledger.unreadable()
        pod = new_pod()
        with pytest.raises(ItemUnreadable):
            ledger.commit(Change(pod_after=pod, address_after=replace(address, owner=owner(install, pod))))
        assert ledger.pods() == {}

    def test_a_claim_of_a_newer_address_is_known_without_it(self, world: World) -> None:
        install, pod, address = new_install(), new_pod(), new_address()
        pod = replace(pod, phase=Phase.CLAIMED, allocation_id=address.allocation_id, target=TARGET)
        first = world.ledger(install)
        first.begin_term("me")
        first.commit(Change(pod_after=pod, address_after=replace(address, owner=owner(install, pod), target=TARGET)))
        world.make_newer(address.allocation_id)
        second = world.ledger(install)
        second.begin_term("you")
        assert set(second.pods()) == {pod.uid}
        assert second.address(address.allocation_id) is None
        assert address_key(address.allocation_id) in second.unreadable()


class TestInMemory(AddressContract, InMemory):
    """The fake that other tests use."""


class TestOnDynamoDb(AddressContract, OnDynamoDb):
    """The product, on moto's server and on DynamoDB Local."""

    def test_a_newer_install_of_ours_is_left_out_and_we_lead(self, world: DynamoWorld) -> None:
        ours = new_install()
        theirs = replace(ours, lease_name="newer")
        world.ledger(theirs).begin_term("them")
        world.write_newer(install_key(theirs))
        ledger = world.ledger(ours)
        gate = ScopeGate(
            ledger=_real(ledger),
            install=ours,
            scope="",
            peers=Peers(lambda: 0.0),
            lease_of=lambda _: None,
            clock=lambda: 0.0,
        )
        assert gate.begin(lambda: ledger.begin_term("me")) == 1
        assert [r.key for r in ledger.installs() if r.key.cluster_uid == ours.cluster_uid] == [ours]
        assert install_key(theirs) in ledger.unreadable()

    def test_a_line_that_names_no_install_is_left_out_and_hides_nobody(self, world: DynamoWorld, dynamodb: Any) -> None:
        ours, line = new_install(), (DIRECTORY, "no-install")
        ledger = world.ledger(ours)
        ledger.begin_term("me")
        dynamodb.put_item(TableName=world.table.name, Item={**_key(line), "epoch": {"N": "1"}})
        assert ours in {record.key for record in ledger.installs()}
        assert line in ledger.unreadable()
        dynamodb.delete_item(TableName=world.table.name, Key=_key(line))

    def test_a_newer_address_stands_as_it_was(self, world: DynamoWorld, dynamodb: Any) -> None:
        install, address, pod = new_install(), new_address(), new_pod()
        ledger = world.ledger(install)
        ledger.begin_term("me")
        ledger.commit(Change(address_after=address))
        world.make_newer(address.allocation_id)
        key = address_key(address.allocation_id)
        before = _item(dynamodb, world, key)
        with pytest.raises(ItemUnreadable):
            ledger.commit(Change(pod_after=pod, address_after=replace(address, owner=owner(install, pod))))
        assert _item(dynamodb, world, key) == before

    def test_our_own_newer_item_stops_us(self, world: DynamoWorld) -> None:
        install = new_install()
        world.ledger(install).begin_term("newer")
        world.write_newer(install_key(install))
        with pytest.raises(ItemUnreadable):
            world.ledger(install).begin_term("older")


def _real(ledger: Any) -> DynamoLedger:
    assert isinstance(ledger, DynamoLedger)
    return ledger


def _item(client: Any, world: DynamoWorld, key: Key) -> Any:
    return client.get_item(TableName=world.table.name, Key=_key(key), ConsistentRead=True)["Item"]


def _key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
