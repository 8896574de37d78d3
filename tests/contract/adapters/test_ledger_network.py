"""The ledger behind a network that loses requests and replies, or delivers them late.

Every test reads the table past the ledger: what a caller was told must be what stands there, or "perhaps".
"""

import time
from dataclasses import replace

import pytest

from state.errors import ConditionLost, Fenced, Unavailable
from state.model import Change, Rev
from tests.contract.adapters.ledger_scene import BUSY, NO_ANSWER, Scene, in_writer, make, until
from tests.fakes.dynamodb_proxy import Hang, LoseReply, LoseRequest, cancellation, refusal
from tests.fakes.ledger_worlds import QUICK, table_at
from tests.fakes.records import new_address, new_pod


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

    scene.ledger.begin_term("me", 0, lambda: guard() if in_writer() else None)
    scene.proxy.fault(LoseReply())
    scene.proxy.fault(NO_ANSWER, operation="BatchGetItem")
    scene.ledger.commit(Change(pod_after=pod))
    assert rival.pods() == {pod.uid: replace(pod, rev=Rev(1))}
    # A server that knows the token answers it with the old success, which proves nothing about leadership.
    with pytest.raises(Fenced):
        scene.ledger.heartbeat()
    until(lambda: scene.fenced == ["fenced"])  # who commits hears of it a moment before
    rival.close()


def test_a_token_that_is_refused_is_replaced(scene: Scene) -> None:
    scene.proxy.fault(
        refusal("IdempotentParameterMismatchException", "used"), refusal("TransactionInProgressException")
    )
    pod = new_pod()
    scene.ledger.commit(Change(pod_after=pod))
    assert set(scene.standing()) == {pod.uid}
    first, second, third = scene.tokens()
    assert first != second == third


def test_a_server_that_hangs_is_waited_for_no_longer_than_the_limit(scene: Scene) -> None:
    table = table_at(scene.proxy.url, name=scene.direct.name, call_timeout=4.0)
    ledger = make(table, scene.install)
    ledger.begin_term("slow")
    hang = Hang()
    scene.proxy.fault(hang)
    pod, started = new_pod(), time.monotonic()
    ledger.commit(Change(pod_after=pod))
    assert 2.9 < time.monotonic() - started < 30
    hang.over.set()
    until(lambda: hang.done.is_set())
    assert scene.standing() == ledger.pods() == {pod.uid: replace(pod, rev=Rev(1))}
    ledger.close()


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
