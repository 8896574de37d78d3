"""The demo reads the table by itself, and sees when the two sides of the mapping disagree."""

from typing import Any

from sandbox.demo.ledger import from_items


def pod(uid: str, allocation_id: str) -> dict[str, Any]:
    """A Pod's item."""
    return {"pk": {"S": "cluster#1"}, "sk": {"S": f"pod#{uid}"}, "allocation_id": {"S": allocation_id}}


def claim(allocation_id: str, owner: str | None, epoch: int = 3) -> dict[str, Any]:
    """An address's item."""
    owned: dict[str, Any] = {"owner_pod": {"S": owner}, "owner_epoch": {"N": str(epoch)}} if owner else {}
    return {"pk": {"S": f"eip#{allocation_id}"}, "sk": {"S": "claim"}, **owned}


def test_reads_both_sides() -> None:
    install: dict[str, Any] = {"pk": {"S": "cluster#1"}, "sk": {"S": "install#kube-system/lease"}}
    read = from_items([install, pod("p1", "e1"), claim("e1", "p1"), claim("e2", None)])
    assert read.address_of == {"p1": "e1"}
    assert read.owner_of == {"e1": "p1"}
    assert read.epoch_of == {"e1": 3}
    assert not read.disputed()


def test_two_pods_of_one_address_are_a_dispute() -> None:
    assert from_items([pod("p1", "e1"), pod("p2", "e1")]).disputed() == {"e1"}


def test_sides_that_name_different_owners_are_a_dispute() -> None:
    assert from_items([pod("p1", "e1"), claim("e1", "p2")]).disputed() == {"e1"}
