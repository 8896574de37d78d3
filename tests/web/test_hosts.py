"""The names by which it may be asked: none that a stranger can own, except for probes."""

import socket
from pathlib import Path

import pytest

from controller.surface.hosts import is_ours
from controller.surface.metrics import Metrics
from controller.surface.probes import is_probe
from controller.surface.web import application
from tests.web.asked import Asked, Scripted
from tests.web.harness import answers, replica, until

OURS = [
    "",
    "localhost",
    "localhost:8080",
    "LOCALHOST",
    "eip.localhost",
    "127.0.0.1:8080",
    "10.0.3.4",
    "[::1]:8080",
    "[fe80::1]",
    "eip-7d9f",
    "eip-7d9f:8080",
    "eip.kube-system.svc",
    "eip.kube-system.svc:8080",
    "eip.kube-system.svc.cluster.local",
    "eip.kube-system.svc.cluster.local.",
    "10-0-3-4.kube-system.pod.cluster.local",
    "eip.tools:80",
]
STRANGERS = [
    "evil.example",
    "evil.example:8080",
    "127.0.0.1.nip.io",
    "localhost.evil.example",
    "eip.kube-system.svc.evil.example",
    "eip.tools.evil.example",
    "tools.eip",
    "evilsvc.example.",
    "localhost,evil.example",
    "[evil.example]",
    "127.1.evil",
]


@pytest.mark.parametrize("host", OURS)
def test_own_names(host: str) -> None:
    assert is_ours(host, ("eip.tools",))


@pytest.mark.parametrize("host", STRANGERS)
def test_names_that_a_stranger_can_own(host: str) -> None:
    assert not is_ours(host, ("eip.tools",))


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/nowhere"])
def test_a_stranger_s_name_is_told_nothing(path: str) -> None:
    source = Scripted()
    answer = Asked(path, source, host="evil.example:8080")
    assert (answer.status, source.looks) == (421, 0)
    assert b"localhost" in answer.body
    assert Asked(path, source, host="localhost:8080").status in (200, 404)
    assert Asked(path, source, host=None).status in (200, 404)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes_are_answered_by_any_name(path: str) -> None:
    assert Asked(path, host="probe.example").status == 200


def test_further_names_are_taken() -> None:
    app = application(Scripted(), Metrics(), ("eip.tools",))
    assert Asked("/", app=app, host="eip.tools:8080").status == 200
    assert Asked("/", app=app, host="eip.others:8080").status == 421


@pytest.mark.parametrize(
    ("line", "probe"),
    [
        (b"GET /healthz HTTP/1.1\r\n", True),
        (b"HEAD /readyz HTTP/1.0\r\n", True),
        (b"GET /readyz?verbose HTTP/1.1\r\n", True),
        (b"GET /healthz/more HTTP/1.1\r\n", False),
        (b"GET /healthzy HTTP/1.1\r\n", False),
        (b"POST /healthz HTTP/1.1\r\n", False),
        (b"GET /api/v1/status HTTP/1.1\r\nX: GET /healthz HTTP/1.1\r\n", False),
        (b"\r\nGET /healthz HTTP/1.1\r\n", False),
    ],
)
def test_what_is_a_probe(line: bytes, probe: bool) -> None:
    assert is_probe(line + b"\r\n") is probe


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /api/v1/status HTTP/1.0\r\n\r\n", b"200"),
        (b"GET /api/v1/status HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET /api/v1/status HTTP/1.1\r\nHost: aws-pod-eip-controller.tools\r\n\r\n", b"200"),
    ],
)
def test_over_the_wire(tmp_path: Path, head: bytes, status: bytes) -> None:
    with replica(tmp_path, "--lease-name", "aws-pod-eip-controller", "--lease-namespace", "tools") as one:
        until(answers(one))
        with socket.create_connection(("127.0.0.1", one.port), timeout=30) as client:
            client.sendall(head)
            assert client.recv(4096).split(b" ")[1] == status
