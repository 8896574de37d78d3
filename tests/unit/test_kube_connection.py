"""Time limits, retries, tokens and codes of every call, against a server that misbehaves."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.kube.codes import CLASSES, ThrottledFor
from controller.kube.connection import MERGE_PATCH, Call, Connection, connect, path_of
from state.errors import (
    AccessDenied,
    Misconfigured,
    NotLeading,
    ObjectConflict,
    ObjectInvalid,
    ObjectNotFound,
    PodEipError,
    Unavailable,
    VersionExpired,
)
from tests.fakes.kube_http import Heard, Reply, ScriptedServer, scripted

GET = Call(verb="get", resource="pods", path="/api/v1/namespaces/default/pods/web-0")


class Ears:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, str]] = []

    def call(self, service: str, operation: str, seconds: float, code: str) -> None:
        """Remember all but the time."""
        assert seconds >= 0
        self.heard.append((service, operation, code))

    def event_dropped(self, reason: str, count: int = 1) -> None:
        """No connection drops events."""

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """No connection sends spans."""


def kubeconfig(folder: Path, url: str, user: object) -> str:
    """A kubeconfig file."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return str(path)


@contextmanager
def connected(server: ScriptedServer, folder: Path, *, limit_s: float = 30.0) -> Iterator[tuple[Connection, Ears]]:
    """A connection to that server."""
    ears = Ears()
    file = kubeconfig(folder, server.url, {"token": "secret"})
    connection = connect(file, version="1.2.3", call_timeout_s=limit_s, telemetry=ears)
    try:
        yield connection, ears
    finally:
        connection.close()


def status(code: int, reason: str, message: str = "because") -> Reply:
    """A Status answer."""
    return Reply(status=code, body=json.dumps({"kind": "Status", "reason": reason, "message": message}).encode())


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (status(404, "NotFound"), ObjectNotFound, "NotFound"),
        (status(409, "AlreadyExists"), ObjectConflict, "AlreadyExists"),
        (status(409, "Conflict"), ObjectConflict, "Conflict"),
        (status(410, "Expired"), VersionExpired, "Expired"),
        (status(422, "Invalid"), ObjectInvalid, "Invalid"),
        (status(403, "Forbidden"), AccessDenied, "Forbidden"),
        (status(401, "Unauthorized"), AccessDenied, "Unauthorized"),
        (status(500, "InternalError"), Unavailable, "InternalError"),
        (status(504, "Timeout"), Unavailable, "Timeout"),
        (status(418, ""), Unavailable, "HTTP418"),
        (Reply(status=404, body=b"404 page not found"), Unavailable, "HTTP404"),
        (Reply(status=404, body=b"<html>not here</html>"), Unavailable, "HTTP404"),
        (Reply(status=502, body=b"\xff\xfe"), Unavailable, "HTTP502"),
        (Reply(status=410, body=b""), VersionExpired, "HTTP410"),
        (Reply(cut=True), Unavailable, "ProtocolError"),
        (status(403, "Evil\u202e-1"), AccessDenied, "Evil\u202e-1"),
    ],
)
def test_every_failure_is_one_of_ours(reply: Reply, kind: type[PodEipError], code: str, tmp_path: Path) -> None:
    with (
        scripted(lambda _: reply) as server,
        connected(server, tmp_path) as (connection, ears),
        pytest.raises(PodEipError) as caught,
    ):
        connection.send(GET)
    assert (type(caught.value), caught.value.code) == (kind, code)
    label = "other" if code.startswith("Evil") else code  # what nobody knows is no label of a metric
    assert ears.heard == [("kubernetes", "get pods", label)]
    assert len(server.heard) == 1


def test_the_table_maps_to_errors_of_the_tree() -> None:
    assert all(issubclass(kind, PodEipError) for kind in CLASSES.values())


def test_throttling_says_how_long(tmp_path: Path) -> None:
    reply = Reply(status=429, body=b"Too many requests", headers={"Retry-After": "7"})
    with (
        scripted(lambda _: reply) as server,
        connected(server, tmp_path) as (connection, _),
        pytest.raises(ThrottledFor) as caught,
    ):
        connection.send(GET)
    assert caught.value.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("said", "advised"),
    [
        ('User "u" cannot patch resource "pods" in API group "" in the namespace "n"', True),
        ("ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no labels here", False),
        ("", False),
    ],
    ids=["RBAC", "an admission policy", "no words"],
)
def test_a_permission_is_named_where_it_is_missing_and_nowhere_else(tmp_path: Path, said: str, advised: bool) -> None:
    body = {"kind": "Status", "reason": "Forbidden", "message": said, "code": 403}
    with (
        scripted(lambda _: Reply(status=403, body=json.dumps(body).encode())) as server,
        connected(server, tmp_path) as (connection, _),
        pytest.raises(AccessDenied) as caught,
    ):
        connection.send(Call(verb="patch", resource="pods", path=GET.path, body={}, content_type=MERGE_PATCH))
    assert ("Allow 'patch pods'" in caught.value.advice) == advised
    assert said in caught.value.explain()


def test_nothing_is_sent_twice(tmp_path: Path) -> None:
    with scripted(lambda _: Reply(cut=True)) as server, connected(server, tmp_path) as (connection, _):
        for verb in ("get", "create", "update", "patch"):
            with pytest.raises(Unavailable):
                connection.send(Call(verb=verb, resource="pods", path=GET.path, body={"a": 1}))
    assert [heard.method for heard in server.heard] == ["GET", "POST", "PUT", "PATCH"]


@pytest.mark.parametrize("reply", [Reply(pieces=(b"x",) * 2000, pause_s=0.05), Reply(pieces=(b"", b"x"), pause_s=99)])
def test_a_call_ends_in_time(reply: Reply, tmp_path: Path) -> None:
    with scripted(lambda _: reply) as server, connected(server, tmp_path, limit_s=0.4) as (connection, _):
        begun = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            connection.send(GET)
        took = time.monotonic() - begun
    assert caught.value.code == "ReadTimeoutError"
    assert took < 30  # of 99 that the answer takes


def test_a_watch_that_is_not_answered_is_given_up_like_any_call(tmp_path: Path) -> None:
    with scripted(lambda _: Reply(mute=True)) as server, connected(server, tmp_path, limit_s=0.4) as (connection, _):
        begun = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            connection.open(GET, silence_s=99)
        took = time.monotonic() - begun
    assert caught.value.code == "ReadTimeoutError"
    assert took < 30


def test_a_watch_that_was_answered_may_be_silent_for_longer_than_a_call(tmp_path: Path) -> None:
    slow = Reply(pieces=(b"a", b"b"), pause_s=1.0)
    with scripted(lambda _: slow) as server, connected(server, tmp_path, limit_s=0.4) as (connection, _):
        stream = connection.open(GET, silence_s=30)
        assert b"".join(stream.chunks()) == b"ab"
        stream.close()


def test_a_watch_that_was_answered_is_not_silent_for_ever(tmp_path: Path) -> None:
    with (
        scripted(lambda _: Reply(pieces=(b"a", b"b"), pause_s=99)) as server,
        connected(server, tmp_path) as (connection, _),
    ):
        stream = connection.open(GET, silence_s=0.4)
        with pytest.raises(Unavailable):
            list(stream.chunks())
        stream.close()


def test_a_server_that_does_not_listen_is_unavailable(tmp_path: Path) -> None:
    with scripted(lambda _: Reply()) as server:
        pass
    with connected(server, tmp_path) as (connection, _), pytest.raises(Unavailable):
        connection.send(GET)


def test_a_request_says_who_asks_what(tmp_path: Path) -> None:
    with scripted(lambda _: Reply()) as server, connected(server, tmp_path) as (connection, ears):
        connection.send(
            Call(
                verb="patch",
                resource="pods",
                path=path_of("api", "v1", "a/b"),
                query=[("fieldSelector", "metadata.name=x"), ("limit", "5")],
                body={"metadata": {"labels": {"a": None}}},
                content_type=MERGE_PATCH,
            )
        )
    (heard,) = server.heard
    assert heard.path == "/api/v1/a%2Fb?fieldSelector=metadata.name%3Dx&limit=5"
    assert heard.headers["user-agent"] == "aws-pod-eip-controller/1.2.3"
    assert heard.headers["authorization"] == "Bearer secret"
    assert heard.headers["content-type"] == MERGE_PATCH
    assert json.loads(heard.body) == {"metadata": {"labels": {"a": None}}}
    assert ears.heard == [("kubernetes", "patch pods", "")]


def test_what_may_not_be_sent_is_not_sent(tmp_path: Path) -> None:
    def refuse() -> None:
        raise NotLeading("too late")

    call = Call(verb="patch", resource="pods", path=GET.path, body={}, before_send=refuse)
    with (
        scripted(lambda _: Reply()) as server,
        connected(server, tmp_path) as (connection, ears),
        pytest.raises(NotLeading),
    ):
        connection.send(call)
    assert (server.heard, ears.heard) == ([], [])


def test_an_expiring_token_is_fetched_again_before_the_guard_is_asked(tmp_path: Path) -> None:
    count = tmp_path / "count"
    count.write_text("")
    script = tmp_path / "plugin.sh"
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "TOKEN", "expirationTimestamp": "2020-01-01T00:00:00Z"},
    }
    script.write_text(f"#!/bin/sh\nprintf x >> {count}\necho '{json.dumps(credential)}'\n")
    script.chmod(0o755)
    plugin = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "args": []}}
    order: list[str] = []

    def asked() -> None:
        order.append(f"guard after {len(count.read_text())}")

    with scripted(lambda _: Reply()) as server:
        connection = connect(kubeconfig(tmp_path, server.url, plugin), version="1.2.3", call_timeout_s=30)
        for _ in range(2):
            connection.send(Call(verb="get", resource="pods", path=GET.path, before_send=asked))
        connection.close()
    assert [heard.headers["authorization"] for heard in server.heard] == ["Bearer TOKEN"] * 2
    assert order == ["guard after 2", "guard after 3"]


def test_many_threads_call_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(32, timeout=60)

    def answer(_: Heard) -> Reply:
        together.wait()
        return Reply()

    with scripted(answer) as server, connected(server, tmp_path, limit_s=60) as (connection, _):
        threads = [threading.Thread(target=connection.send, args=(GET,)) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(server.heard) == 32


@pytest.mark.parametrize("content", ["", "no: kubeconfig", "{ broken", "users: [1]\nclusters: 3\ncontexts: x\n"])
def test_a_kubeconfig_that_is_none_is_named(content: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(content)
    with pytest.raises(Misconfigured, match=str(file)):
        connect(str(file), version="1")


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="nowhere"):
        connect(str(tmp_path / "nowhere"), version="1")


def test_outside_a_cluster_a_kubeconfig_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Misconfigured, match="no kubeconfig, and not in a Pod"):
        connect(None, version="1")
