"""The ledger behind a network that loses requests and replies, and a DynamoDB that is busy, broken or refuses.

Every test reads the table past the ledger: what a caller was told must be what stands there, or "perhaps".
"""

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest

from state.connection import Key
from state.errors import (
    AccessDenied,
    ConditionLost,
    Fenced,
    ItemUnreadable,
    NotLeading,
    Refused,
    TableMissing,
    Throttled,
    Unavailable,
)
from state.group import Patience
from state.ledger import DynamoLedger
from state.model import Change, InstallKey, PodRecord, PodUid, Rev
from state.reader import Reader
from state.table import Table, pod_key
from tests.fakes.dynamodb_proxy import Hang, LoseReply, LoseRequest, Proxy, cancellation, refusal
from tests.fakes.ledger_worlds import QUICK, new_install, table_at
from tests.fakes.records import new_address, new_pod

BUSY = "TransactionConflict"
SLOW_DOWN = refusal("ThrottlingException", "slow down")
NO_ANSWER = refusal("InternalServerError", "oops", status=500)


@dataclass(slots=True)
class Scene:
    """A leader whose calls pass the proxy, and a reader that does not."""

    proxy: Proxy
    table: Table
    direct: Table
    install: InstallKey
    ledger: DynamoLedger
    fenced: list[str]

    def standing(self) -> dict[PodUid, PodRecord]:
        """The claims in the table."""
        return Reader(self.direct, self.install).claims().pods

    def rival(self) -> DynamoLedger:
        """Another replica of the same install, on a network that works."""
        return make(self.direct, self.install)

    def transactions(self) -> list[list[str]]:
        """The sort keys of each transaction that was sent since the term began."""
        return [_sort_keys(body["TransactItems"]) for body in self.proxy.requests()[1:]]

    def tokens(self) -> list[str]:
        """Their tokens."""
        return [body["ClientRequestToken"] for body in self.proxy.requests()[1:]]


def _sort_keys(items: Sequence[dict[str, Any]]) -> list[str]:
    """What each item of a transaction is about."""
    inner = [next(iter(item.values())) for item in items]
    return [(item.get("Key") or item["Item"])["sk"]["S"].partition("#")[2] or "address" for item in inner]


def make(table: Table, install: InstallKey, patience: Patience = QUICK, **settings: Any) -> DynamoLedger:
    """A ledger of this install."""
    facts: dict[str, Any] = {"cluster_name": "a", "scope": "", "version": "0", "silence_s": 3600, "identity": "me"}
    return DynamoLedger(table, install, **facts, patience=patience, **settings)


@pytest.fixture(scope="module")
def direct(dynamodb: Any) -> Table:
    """The table without the proxy."""
    return table_at(dynamodb.meta.endpoint_url)


@pytest.fixture(scope="module")
def broken(dynamodb: Any, direct: Table) -> Iterator[tuple[Proxy, Table]]:
    """The same table through the proxy."""
    with Proxy(dynamodb.meta.endpoint_url) as proxy:
        yield proxy, table_at(proxy.url, name=direct.name, call_timeout=8.0)


@pytest.fixture
def scene(broken: tuple[Proxy, Table], direct: Table) -> Iterator[Scene]:
    """A leader behind the proxy; the write that began its term is the first that the proxy saw."""
    install, fenced = new_install(), list[str]()
    proxy, table = broken
    proxy.reset()
    ledger = make(table, install, on_fenced=lambda: fenced.append("fenced"))
    ledger.begin_term("me")
    yield Scene(proxy, table, direct, install, ledger, fenced)
    ledger.close()


def committing(threads: ThreadPoolExecutor, scene: Scene, changes: Sequence[Change]) -> list[Future[None]]:
    """Commit `changes` as one group, by letting them gather behind a first transaction that is held up."""
    held, arrived = threading.Event(), threading.Event()

    def guard() -> None:
        arrived.set()
        assert held.wait(30)

    scene.ledger.begin_term("me", 0, lambda: guard() if threading.current_thread().name.startswith("ledger") else None)
    scene.proxy.seen.clear()
    first = threads.submit(scene.ledger.heartbeat)
    assert arrived.wait(30)
    futures = []
    for number, change in enumerate(changes):
        futures.append(threads.submit(scene.ledger.commit, change))
        _until(lambda n=number: scene.ledger.queued() == n + 1)
    held.set()
    first.result(30)
    return futures


def _until(done: Any) -> None:
    """Poll a condition for 30 s at most."""
    waiting = threading.Event()
    for _ in range(3000):
        if done():
            return
        waiting.wait(0.01)
    raise AssertionError("it never came")


def test_a_lost_reply_is_read_back(scene: Scene) -> None:
    scene.proxy.fault(LoseReply())
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod, address_after=new_address()))
    assert scene.standing() == {pod.uid: replace(pod, rev=Rev(1))}
    assert len(scene.transactions()) == 1


def test_a_lost_request_is_sent_again_under_its_token(scene: Scene) -> None:
    scene.proxy.fault(LoseRequest(), NO_ANSWER)
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    assert scene.standing() == {pod.uid: replace(pod, rev=Rev(1))}
    assert len(scene.tokens()) == 3
    assert len(set(scene.tokens())) == 1


def test_a_lost_delete_is_read_back(scene: Scene) -> None:
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    scene.proxy.fault(LoseReply())
    scene.ledger.commit(Change(pod_before=scene.ledger.pod(pod.uid)))
    assert (scene.standing(), scene.ledger.pods()) == ({}, {})


def test_a_lost_reply_whose_read_back_fails_is_still_found_out(scene: Scene) -> None:
    scene.proxy.fault(LoseReply())
    scene.proxy.fault(NO_ANSWER, operation="BatchGetItem")
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    assert scene.standing() == {pod.uid: replace(pod, rev=Rev(1))}


def test_what_cannot_be_told_is_perhaps(scene: Scene) -> None:
    scene.proxy.fault(LoseReply(), *[LoseRequest()] * 10)
    scene.proxy.fault(*[NO_ANSWER] * 30, operation="BatchGetItem")
    pod = new_pod()
    with pytest.raises(Unavailable):
        scene.ledger.commit(Change(pod_after=pod))
    assert scene.standing() == {pod.uid: replace(pod, rev=Rev(1))}


def test_after_perhaps_the_cache_finds_out(scene: Scene) -> None:
    scene.proxy.fault(LoseReply(), *[LoseRequest()] * (QUICK.tries - 1))
    scene.proxy.fault(*[NO_ANSWER] * (QUICK.tries + 1), operation="BatchGetItem")
    pod = new_pod()
    with pytest.raises(Unavailable):
        scene.ledger.commit(Change(pod_after=pod))
    with pytest.raises(ConditionLost) as caught:
        scene.ledger.commit(Change(pod_after=replace(pod, traceparent="another")))
    assert scene.ledger.pod(pod.uid) == caught.value.current == replace(pod, rev=Rev(1))


def test_nothing_happens_twice_when_a_lost_request_arrives_late(scene: Scene) -> None:
    scene.proxy.fault(LoseRequest())
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    scene.ledger.commit(Change(pod_before=scene.ledger.pod(pod.uid), pod_after=replace(pod, traceparent="second")))
    scene.proxy.deliver()
    assert scene.standing() == scene.ledger.pods() == {pod.uid: replace(pod, traceparent="second", rev=Rev(2))}


def test_a_late_delete_does_not_take_what_was_claimed_since(scene: Scene) -> None:
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    scene.proxy.fault(LoseRequest())
    scene.ledger.commit(Change(pod_before=scene.ledger.pod(pod.uid)))
    scene.ledger.commit(Change(pod_after=replace(pod, traceparent="again")))
    scene.proxy.deliver()
    assert scene.standing() == scene.ledger.pods()


def test_a_write_that_arrives_after_the_next_leader_began_is_refused(scene: Scene) -> None:
    scene.proxy.fault(*[LoseRequest()] * QUICK.tries)
    with pytest.raises(Unavailable):
        scene.ledger.commit(Change(pod_after=new_pod()))
    rival = scene.rival()
    rival.begin_term("next")
    assert set(scene.proxy.deliver()) == {400}
    assert scene.standing() == rival.pods() == {}
    rival.close()


def test_fenced_after_a_lost_reply_what_was_written_counts(scene: Scene) -> None:
    pod = new_pod()
    rival = scene.rival()
    asked: list[int] = []

    def guard() -> None:
        asked.append(1)
        if len(asked) == 2:
            rival.begin_term("next")

    scene.ledger.begin_term("me", 0, lambda: guard() if threading.current_thread().name.startswith("ledger") else None)
    scene.proxy.fault(LoseReply())
    scene.proxy.fault(NO_ANSWER, operation="BatchGetItem")
    scene.ledger.commit(Change(pod_after=pod))
    assert rival.pods() == {pod.uid: replace(pod, rev=Rev(1))}
    # A server that knows the token answers it with the old success, which proves nothing about leadership.
    with pytest.raises(Fenced):
        scene.ledger.heartbeat()
    assert scene.fenced == ["fenced"]
    rival.close()


def test_busy_is_tried_again_with_the_same_token(scene: Scene) -> None:
    scene.proxy.fault(SLOW_DOWN, cancellation([BUSY, "None"]), cancellation(["None", "ProvisionedThroughputExceeded"]))
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    assert set(scene.standing()) == {pod.uid}
    assert len(scene.tokens()) == 4
    assert len(set(scene.tokens())) == 1


def test_a_token_that_is_refused_is_replaced(scene: Scene) -> None:
    scene.proxy.fault(
        refusal("IdempotentParameterMismatchException", "used"), refusal("TransactionInProgressException")
    )
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    assert set(scene.standing()) == {pod.uid}
    first, second, third = scene.tokens()
    assert first != second == third


def test_only_the_item_that_is_refused_leaves(scene: Scene) -> None:
    with ThreadPoolExecutor(8) as threads:
        held = threading.Event()

        def guard() -> None:
            if threading.current_thread().name.startswith("ledger") and not held.is_set():
                for number, name in enumerate("ab"):
                    futures.append(threads.submit(scene.ledger.commit, Change(pod_after=new_pod(name))))
                    _until(lambda n=number: scene.ledger.queued() == n + 1)
                held.set()

        futures: list[Future[None]] = []
        scene.ledger.begin_term("me", 0, guard)
        scene.proxy.fault(cancellation(["None"]), cancellation(["ValidationError", BUSY, "None"]))
        with pytest.raises(Refused):
            scene.ledger.heartbeat()
        errors = [future.exception(30) for future in futures]
    assert [getattr(error, "code", None) for error in errors] == ["ValidationError", None]
    assert set(scene.standing()) == {"b"}


def test_a_server_that_hangs_is_waited_for_no_longer_than_the_limit(scene: Scene, direct: Table) -> None:
    table = table_at(scene.proxy.url, name=direct.name, call_timeout=4.0)
    ledger = make(table, scene.install)
    ledger.begin_term("slow")
    hang = Hang()
    scene.proxy.fault(hang)
    pod, started = new_pod(), time.monotonic()
    ledger.commit(Change(pod_after=pod))
    assert 2.9 < time.monotonic() - started < 30
    hang.over.set()
    _until(lambda: hang.done.is_set())
    assert scene.standing() == ledger.pods() == {pod.uid: replace(pod, rev=Rev(1))}
    ledger.close()


def test_busy_for_long_is_throttled(scene: Scene) -> None:
    scene.proxy.fault(*[SLOW_DOWN] * QUICK.tries)
    with pytest.raises(Throttled) as caught:
        scene.ledger.commit(Change(pod_after=new_pod()))
    assert caught.value.code == "ThrottlingException"
    assert scene.standing() == {}
    scene.ledger.heartbeat()


def test_only_the_lost_leave_a_cancelled_group(scene: Scene) -> None:
    taken = new_pod("taken")
    scene.ledger.commit(Change(pod_after=taken))
    pods = [taken, new_pod("b"), new_pod("c")]
    with ThreadPoolExecutor(8) as threads:
        futures = committing(threads, scene, [Change(pod_after=pod) for pod in pods])
        errors = [future.exception(30) for future in futures]
    assert [type(error) for error in errors] == [ConditionLost, type(None), type(None)]
    assert set(scene.standing()) == {"taken", "b", "c"}
    assert [len(keys) for keys in scene.transactions()] == [4, 3]
    assert len(set(scene.tokens())) == 2


def test_an_error_without_reasons_halves_the_group(scene: Scene) -> None:
    strange = refusal("ValidationException", "something in there")
    pods = [new_pod(name) for name in "abcd"]
    with ThreadPoolExecutor(8) as threads:
        futures = committing(threads, scene, [Change(pod_after=pod) for pod in pods])
        errors = [future.exception(30) for future in futures]
    assert errors == [None] * 4
    scene.proxy.seen.clear()
    with ThreadPoolExecutor(8) as threads:
        pods = [new_pod(name) for name in "efgh"]
        scene.proxy.fault(*[cancellation(["None"])] * 0)
        scene.proxy.fault()
        futures = halving(threads, scene, [Change(pod_after=pod) for pod in pods], strange)
        errors = [future.exception(30) for future in futures]
    assert [type(error) for error in errors] == [Refused, type(None), type(None), type(None)]
    assert [len(keys) - 1 for keys in scene.transactions()] == [4, 2, 1, 1, 2]
    assert set(scene.standing()) == set("abcdfgh")
    assert len(set(scene.tokens())) == 5


def halving(threads: ThreadPoolExecutor, scene: Scene, changes: Sequence[Change], strange: Any) -> list[Future[None]]:
    """As `committing`; the group of four, its first half and the first of that half are refused."""
    futures = []
    held = threading.Event()

    def guard() -> None:
        if threading.current_thread().name.startswith("ledger") and not held.is_set():
            for number, change in enumerate(changes):
                futures.append(threads.submit(scene.ledger.commit, change))
                _until(lambda n=number: scene.ledger.queued() == n + 1)
            scene.proxy.fault(cancellation(["None"]), strange, strange, strange)
            held.set()

    scene.ledger.begin_term("me", 0, guard)
    scene.proxy.seen.clear()
    with pytest.raises(Refused):
        scene.ledger.heartbeat()
    return futures


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


def _set_version(table: Table, key: Key, version: int) -> None:
    model = table.pod
    request = model(*key).get_update_kwargs_from_instance([model.v.set(version)])
    table.connection.transact(deletes=[], puts=[], updates=[request], token="v", guard=lambda: None)


def test_what_is_queued_when_the_term_ends_is_not_sent(scene: Scene) -> None:
    held, arrived = threading.Event(), threading.Event()

    def guard() -> None:
        if threading.current_thread().name.startswith("ledger"):
            arrived.set()
            assert held.wait(30)

    scene.ledger.begin_term("me", 0, guard)
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(scene.ledger.commit, Change(pod_after=new_pod("sent")))
        assert arrived.wait(30)
        second = threads.submit(scene.ledger.commit, Change(pod_after=new_pod("queued")))
        _until(lambda: scene.ledger.queued() == 1)
        ending = threads.submit(scene.ledger.end_term)
        assert isinstance(second.exception(30), NotLeading)
        held.set()
        ending.result(30)
        assert first.exception(30) is None
    assert set(scene.standing()) == {"sent"}


def test_an_idle_ledger_costs_one_call_a_commit(scene: Scene) -> None:
    scene.proxy.seen.clear()
    for _ in range(3):
        scene.ledger.commit(Change(pod_after=new_pod(), address_after=new_address()))
    assert [seen.operation for seen in scene.proxy.seen] == ["TransactWriteItems"] * 3


def test_no_call_is_repeated_by_the_sdk(scene: Scene) -> None:
    scene.proxy.fault(NO_ANSWER, operation="BatchGetItem")
    with pytest.raises(Unavailable):
        scene.ledger.refresh([new_address().allocation_id])
    assert len([seen for seen in scene.proxy.seen if seen.operation == "BatchGetItem"]) == 2


def test_a_lost_race_for_the_epoch_is_run_again(scene: Scene) -> None:
    scene.proxy.fault(LoseReply(), cancellation(["None", "ConditionalCheckFailed"]), cancellation(["None", BUSY]))
    with pytest.raises(Unavailable):
        scene.ledger.begin_term("me")
    assert scene.ledger.begin_term("me") == 3
    scene.ledger.heartbeat()


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
