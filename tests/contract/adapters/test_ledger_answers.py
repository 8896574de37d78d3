"""The ledger and a DynamoDB that is busy, refuses, or holds items that nobody can read."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from state.connection import Key
from state.errors import AccessDenied, ConditionLost, ItemUnreadable, NotLeading, Refused, TableMissing, Throttled
from state.model import Change
from state.table import Table, pod_key
from tests.contract.adapters.ledger_scene import BUSY, Scene, in_writer, make, until
from tests.fakes.dynamodb_proxy import cancellation, refusal
from tests.fakes.ledger_worlds import QUICK
from tests.fakes.records import new_address, new_pod

SLOW_DOWN = refusal("ThrottlingException", "slow down")
STRANGE = refusal("ValidationException", "something in there")


def test_only_the_lost_leave_a_cancelled_group(scene: Scene) -> None:
    scene.ledger.commit(Change(pod_after=new_pod("taken")))
    errors = scene.commit_together([Change(pod_after=new_pod(name)) for name in ("taken", "b", "c")])
    assert [type(error) for error in errors] == [ConditionLost, type(None), type(None)]
    assert set(scene.standing()) == {"taken", "b", "c"}
    assert [len(keys) for keys in scene.transactions()] == [4, 3]
    assert len(set(scene.tokens())) == 2


def test_only_the_item_that_is_refused_leaves(scene: Scene) -> None:
    changes = [Change(pod_after=new_pod(name)) for name in "ab"]
    errors = scene.commit_together(changes, cancellation(["ValidationError", BUSY, "None"]))
    assert [getattr(error, "code", None) for error in errors] == ["ValidationError", None]
    assert set(scene.standing()) == {"b"}


def test_an_error_without_reasons_halves_the_group(scene: Scene) -> None:
    changes = [Change(pod_after=new_pod(name)) for name in "abcd"]
    errors = scene.commit_together(changes, STRANGE, STRANGE, STRANGE)
    assert [type(error) for error in errors] == [Refused, type(None), type(None), type(None)]
    assert [len(keys) - 1 for keys in scene.transactions()] == [4, 2, 1, 1, 2]
    assert set(scene.standing()) == set("bcd")
    assert len(set(scene.tokens())) == 5


def test_busy_is_tried_again_with_the_same_token(scene: Scene) -> None:
    scene.proxy.fault(SLOW_DOWN, cancellation([BUSY, "None"]), cancellation(["None", "ProvisionedThroughputExceeded"]))
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    assert set(scene.standing()) == {pod.uid}
    assert len(scene.tokens()) == 4
    assert len(set(scene.tokens())) == 1


def test_busy_for_long_is_throttled(scene: Scene) -> None:
    scene.proxy.fault(*[SLOW_DOWN] * QUICK.tries)
    with pytest.raises(Throttled) as caught:
        scene.ledger.commit(Change(pod_after=new_pod()))
    assert caught.value.code == "ThrottlingException"
    assert scene.standing() == {}
    scene.ledger.heartbeat()


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (refusal("AccessDeniedException", "not authorized"), AccessDenied),
        (refusal("ResourceNotFoundException", "no such table"), TableMissing),
        (refusal("ExpiredTokenException", "expired"), AccessDenied),
        (refusal("NeverHeardOfException", "news"), Refused),
    ],
)
def test_a_refusal_is_told_once(scene: Scene, fault: Any, error: type[Exception]) -> None:
    scene.proxy.fault(fault)
    with pytest.raises(error):
        scene.ledger.commit(Change(pod_after=new_pod()))
    assert len(scene.transactions()) == 1
    assert scene.standing() == {}


def test_that_there_is_no_table_is_told_to_who_can_make_one(scene: Scene) -> None:
    told: list[str] = []
    ledger = make(scene.table, scene.install, on_missing=lambda: told.append("missing"))
    ledger.begin_term("me")
    ledger.heartbeat()
    scene.proxy.fault(refusal("ResourceNotFoundException", "no such table"))
    with pytest.raises(TableMissing):
        ledger.heartbeat()
    until(lambda: told == ["missing"])
    ledger.close()


def _set_version(table: Table, key: Key, version: int) -> None:
    model = table.pod
    request = model(*key).get_update_kwargs_from_instance([model.v.set(version)])
    table.connection.transact(deletes=[], puts=[], updates=[request], token="v", guard=lambda: None)


def test_an_unreadable_item_is_reported_and_left_alone(scene: Scene) -> None:
    pod, newer = new_pod(), new_pod("newer")
    scene.ledger.commit(Change(pod_after=pod))
    scene.ledger.commit(Change(pod_after=newer))
    key = pod_key(scene.install.cluster_uid, newer.uid)
    _set_version(scene.direct, key, 99)
    scene.ledger.begin_term("me")
    assert set(scene.ledger.pods()) == {pod.uid}
    assert set(scene.ledger.unreadable()) == {key}
    with pytest.raises(ItemUnreadable):
        scene.ledger.commit(Change(pod_after=newer))
    raw = scene.direct.connection.strong_get([key])[key]
    assert raw["v"]["N"] == "99"


def test_what_is_queued_when_the_term_ends_is_not_sent(scene: Scene) -> None:
    held, arrived = threading.Event(), threading.Event()

    def guard() -> None:
        if in_writer():
            arrived.set()
            assert held.wait(30)

    scene.ledger.begin_term("me", 0, guard)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(scene.ledger.commit, Change(pod_after=new_pod("sent")))
        assert arrived.wait(30)
        second = threads.submit(scene.ledger.commit, Change(pod_after=new_pod("queued")))
        until(lambda: scene.ledger.queued() == 1)
        ending = threads.submit(scene.ledger.end_term)
        assert isinstance(second.exception(30), NotLeading)
        held.set()
        ending.result(30)
        assert first.exception(30) is None
    assert set(scene.standing()) == {"sent"}


def test_damage_elsewhere_does_not_stop_a_half_written_address(scene: Scene) -> None:
    address = new_address()
    scene.ledger.commit(Change(address_after=address))
    key = (f"eip#{address.allocation_id}", "claim")
    model = scene.direct.address
    request = model(*key).get_update_kwargs_from_instance([model.owner_pod.set("somebody")])
    scene.direct.connection.transact(deletes=[], puts=[], updates=[request], token="damage", guard=lambda: None)
    scene.ledger.refresh([address.allocation_id])
    assert scene.ledger.address(address.allocation_id) is None
    assert set(scene.ledger.unreadable()) == {key}
