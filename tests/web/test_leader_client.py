"""A standby's question to the leader: bounded in time and size, whoever answers, and never asked in circles."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from controller.core.values import Endpoint
from controller.surface.gunicorn_api import WsgiApp
from controller.surface.leader_client import ASKED_BY, MOST_BYTES, LeaderClient
from controller.surface.metrics import Metrics
from controller.surface.web import application
from sandbox.process import free_port
from state.errors import Unavailable
from tests.web import samples
from tests.web.asked import Asked, Scripted

LIMIT_S = 0.5
SLACK_S = 1.5  # for a busy machine; without the alarm the slow ones take a minute
BODY = json.dumps(samples.status().to_json()).encode()
Talk = Callable[[socket.socket], None]


@contextmanager
def server(talk: Talk, host: str = "127.0.0.1") -> Iterator[Endpoint]:
    """Something that accepts connections there, and then does what it is told."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:

        def run() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        talk(connection)

        threading.Thread(target=run, daemon=True).start()
        yield Endpoint(host=host, port=listener.getsockname()[1])


def says(body: bytes, *headers: str, status: str = "200 OK") -> Talk:
    """Answer the first request with this."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65536)
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers])
        connection.sendall(head.encode() + b"\r\n\r\n" + body)

    return talk


def drips(first: bytes, drop: bytes) -> Talk:
    """Send a byte now and then, for a minute: no wait for a byte is long."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(first)
        for _ in range(1200):
            connection.sendall(drop)
            time.sleep(0.05)

    return talk


def silent(connection: socket.socket) -> None:
    """Say nothing until the other side goes."""
    while connection.recv(65536):
        pass


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_leaders_status_comes_back_as_it_was(host: str, packed: bool) -> None:
    talk = says(gzip.compress(BODY), "Content-Encoding: gzip") if packed else says(BODY)
    with server(talk, host) as there:
        assert LeaderClient("me", 30.0)(there) == samples.status()


@pytest.mark.parametrize(
    "talk",
    [
        silent,
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b" "),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        drips(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" "),
        drips(b"HTTP/1.0 200 OK\r\n\r\n", b" "),
    ],
    ids=["silent", "status line", "headers", "body", "chunks", "until it closes", "HTTP/1.0"],
)
def test_who_does_not_answer_in_time_costs_no_more_than_that(talk: Talk) -> None:
    with server(talk) as there:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="it did not answer in time"):
            LeaderClient("me", LIMIT_S)(there)
        assert time.monotonic() - began < LIMIT_S + SLACK_S


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (says(b"", status="404 Not Found"), "it answered 404"),
        (says(b"", "Location: http://169.254.169.254/", status="302 Found"), "it answered 302"),
        (says(b"{}"), "does not understand"),
        (says(b"[1]"), "does not understand"),
        (says(b"\xff"), "does not understand"),
        (says(BODY.replace(b'"associated"', b'"novel"')), "does not understand"),
        (says(gzip.compress(b"x" * (MOST_BYTES + 1)), "Content-Encoding: gzip"), "too much"),
        (says(gzip.compress(BODY)[:-9], "Content-Encoding: gzip"), "or not all"),
        (says(b"\1\2\3", "Content-Encoding: gzip"), "no HTTP"),
        (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH\r\n"), "no HTTP"),
    ],
)
def test_what_is_no_status_is_none(talk: Talk, words: str) -> None:
    with server(talk) as there, pytest.raises(Unavailable, match=words):
        LeaderClient("me", 30.0)(there)


def test_a_machine_that_listens_no_more_is_told_at_once() -> None:
    nobody = Endpoint(host="127.0.0.1", port=free_port())
    with pytest.raises(Unavailable, match="nothing listens there"):
        LeaderClient("me", 30.0)(nobody)


def test_the_answer_of_an_earlier_release_is_understood() -> None:
    older: dict[str, Any] = samples.status().to_json()
    for new in ("answered_by", "errors"):
        del older[new]
    older["pods"] = [{k: v for k, v in pod.items() if k not in ("node", "trace_id")} for pod in older["pods"]]
    with server(says(json.dumps({**older, "novelty": 1}).encode())) as there:
        found = LeaderClient("me", 30.0)(there)
    assert [pod.phase for pod in found.pods] == [pod.phase for pod in samples.status().pods]
    assert {pod.node for pod in found.pods} == {None}


def test_a_replica_that_asks_gets_what_the_asked_one_knows_itself() -> None:
    """Without this two standbys that take each other for the leader would ask in circles."""
    source = Circle()
    app = application(source, Metrics())
    assert ASKED_BY == "X-Pod-EIP-Asked-By"
    assert json.loads(Asked("/api/v1/status", app=app, x_pod_eip_asked_by="other").body)["identity"] == "own"
    assert source.asked == 0
    assert json.loads(Asked("/api/v1/status", app=app).body)["identity"] == "handed on"
    assert source.asked == 1


@pytest.mark.parametrize(("says_so", "asked"), [(True, 1), (False, 2)])
def test_two_that_take_each_other_for_the_leader_do_not_ask_in_circles(says_so: bool, asked: int) -> None:
    """Without the header the second asks the first back, and both hang in it."""
    one, two = Mutual(says_so), Mutual(says_so)
    one.other, two.other = application(two, Metrics()), application(one, Metrics())
    Asked("/api/v1/status", app=two.other)
    assert one.asks + two.asks == asked


def test_metrics_are_each_replicas_own() -> None:
    source = Circle()
    assert Asked("/metrics", app=application(source, Metrics())).status == 200
    assert source.asked == 0


class Circle(Scripted):
    """A standby: `status` would ask another replica."""

    asked = 0

    def status(self) -> dict[str, Any]:
        """Somebody else's."""
        self.asked += 1
        return replace(samples.status(), identity="handed on").to_json()

    def own_status(self) -> dict[str, Any]:
        """Its own."""
        return replace(samples.status(), identity="own").to_json()


class Mutual(Scripted):
    """A standby that asks another replica each time, with or without saying that a replica asks."""

    other: WsgiApp

    def __init__(self, says_so: bool) -> None:
        super().__init__()
        self.asks, self._says_so = 0, says_so

    def status(self) -> dict[str, Any]:
        """The other's."""
        self.asks += 1
        said = Asked("/api/v1/status", app=self.other, x_pod_eip_asked_by="me" if self._says_so else "")
        return dict(json.loads(said.body)) if said.status == 200 else samples.status().to_json()

    def own_status(self) -> dict[str, Any]:
        """Its own."""
        return samples.status().to_json()
