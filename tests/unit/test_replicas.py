"""Which replicas there are: what the API server says of their Pods, and what is said where it says nothing."""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from controller.core.status import ReplicaStatus
from controller.core.views import ReplicaPod
from controller.engine import replicas
from controller.engine.replicas import Replicas
from controller.kube.connection import connect
from controller.kube.replicas import ReplicaReader, reader_of
from state.errors import AccessDenied, PodEipError, Unavailable
from tests.fakes.kube_http import Heard, Reply, kubeconfig, scripted, wait_until
from tests.unit.engine_harness import LIMIT_S, HandClock

LEADER = "eip-7d9f-x1_6f0c1a52-0000-4000-8000-000000000001"
PODS = (ReplicaPod(name="eip-7d9f-x1", ready=True, node="n1"), ReplicaPod(name="eip-7d9f-y2", restarts=3))


def pod(name: str, ready: str = "True", **more: Any) -> dict[str, Any]:
    """A Pod as the API server has it."""
    status = {"conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name, "uid": "u", "namespace": "eip"}, "spec": {}, "status": status | more}


def read(tmp_path: Path, reply: Reply) -> tuple[Sequence[ReplicaPod], Heard]:
    """What is read from an API server that answers so, and what it was asked."""
    with scripted(lambda _: reply) as server:
        connection = connect(kubeconfig(tmp_path, server.url), version="1")
        found = ReplicaReader(connection, "eip", "a=b,c=d").read()
        return found, server.heard[0]


def test_the_pods_of_the_deployment_are_read_by_name(tmp_path: Path) -> None:
    restarted = {"containerStatuses": [{"restartCount": 2}, {"restartCount": 1}, {}]}
    items = [pod("y2", "False", **restarted), {**pod("x1"), "spec": {"nodeName": "n1"}}]
    found, heard = read(tmp_path, Reply(body=json.dumps({"metadata": {}, "items": items}).encode()))
    assert found == (ReplicaPod(name="x1", ready=True, node="n1"), ReplicaPod(name="y2", restarts=3))
    where = urlsplit(heard.path)
    asked = parse_qs(where.query)
    assert (where.path, asked["labelSelector"]) == ("/api/v1/namespaces/eip/pods", ["a=b,c=d"])
    assert asked["fieldSelector"] == ["status.phase!=Failed,status.phase!=Succeeded"]


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"items": [{}]}', b'{"items": [{"metadata": {"name": 5}}]}', b"\xff"])
def test_an_answer_that_is_no_list_is_an_error_of_the_port(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(Unavailable):
        read(tmp_path, Reply(body=body))


def test_a_pod_that_has_no_status_yet_is_not_ready(tmp_path: Path) -> None:
    body = b'{"items": [{"metadata": {"name": "x1", "uid": "u"}}]}'
    assert read(tmp_path, Reply(body=body))[0] == (ReplicaPod(name="x1"),)


def test_without_a_selector_nobody_asks(tmp_path: Path) -> None:
    with scripted(lambda _: Reply()) as server:
        connection = connect(kubeconfig(tmp_path, server.url), version="1")
        assert reader_of(connection, {"POD_SELECTOR": " "}) is None
        assert reader_of(connection, {"POD_SELECTOR": "a=b"}) is not None


def test_the_lease_says_who_leads_and_the_clock_how_old_it_is() -> None:
    clock = HandClock()
    known = Replicas(lambda: PODS, clock)
    assert known.all(LEADER) is None
    known.look()
    clock.now += 4.0
    first, second = known.all(LEADER) or ()
    assert first == ReplicaStatus(identity="eip-7d9f-x1", leads=True, ready=True, node="n1", seen_s=4.0)
    assert second == ReplicaStatus(identity="eip-7d9f-y2", restarts=3, seen_s=4.0)
    assert [row.leads for row in known.all("") or ()] == [False, False]


@pytest.mark.parametrize(
    ("error", "failures"),
    [(Unavailable("down"), 0), (AccessDenied("no", code="Forbidden"), 0), (KeyError("a bug of ours"), 1)],
)
def test_what_cannot_be_read_is_unknown_and_ends_no_thread(error: PodEipError | KeyError, failures: int) -> None:
    asked: list[int] = []

    def denied() -> Sequence[ReplicaPod]:
        asked.append(1)
        raise error

    known = Replicas(denied, HandClock())
    known.start()
    wait_until(lambda: asked and known.failures == failures)
    known.stop()
    assert known.all(LEADER) is None
    assert len(asked) == 1, replicas.EVERY_S


def test_a_replica_without_a_reader_starts_no_thread() -> None:
    known = Replicas(None, HandClock())
    known.start()
    known.look()
    known.stop()
    assert known.all(LEADER) is None


def test_where_the_right_is_taken_away_nothing_old_is_shown() -> None:
    answers: list[Sequence[ReplicaPod] | AccessDenied] = [PODS, AccessDenied("no", code="Forbidden")]
    taken_away = threading.Event()

    def read_next() -> Sequence[ReplicaPod]:
        answer = answers.pop(0)
        if isinstance(answer, AccessDenied):
            taken_away.set()
            raise answer
        return answer

    known = Replicas(read_next, HandClock())
    known.look()
    assert known.all(LEADER)
    known.start()
    assert taken_away.wait(LIMIT_S)
    wait_until(lambda: known.all(LEADER) is None)
    known.stop()
