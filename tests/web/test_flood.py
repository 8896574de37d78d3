"""Floods of whole requests: probes are answered all the same, in the time that the kubelet allows them.

The bounds tell a server that is blocked from a machine that is busy; the figures are printed (`pytest -s`).
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from controller.surface.worker import MAX_BUSY, MAX_PENDING
from tests.web.harness import LIMIT_S, Replica, answers, replica, until

PROBE_LIMIT_S = 5.0  # timeoutSeconds of the chart's probes
FLOOD_S = 5.0
MANY = {"REPLICA_PODS": "3000"}


@dataclass(slots=True)
class Probed:
    """How long the probes took while a flood lasted, in seconds, and what the flood's clients were told."""

    took: dict[str, list[float]] = field(default_factory=lambda: {"/healthz": [], "/readyz": []})
    told: dict[str, Any] = field(default_factory=dict)

    def ask(self, one: Replica) -> None:
        """One request for each probe."""
        for path, times in self.took.items():
            begun = time.monotonic()
            assert one.get(path, timeout_s=30).status == 200
            times.append(time.monotonic() - begun)

    def __str__(self) -> str:
        worst = ", ".join(f"{path} {max(times):.3f} s of {len(times)}" for path, times in self.took.items())
        return f"worst {worst}; told {self.told}"


@contextmanager
def flood(one: Replica, clients: int, *more: str, seconds: float = FLOOD_S) -> Iterator[subprocess.Popen[str]]:
    """A flood beside the test; it ends by itself, or with this."""
    command = [sys.executable, "-m", "tests.web.flood", str(one.port), str(clients), str(seconds), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def probed(one: Replica, clients: int, *more: str) -> Probed:
    """Ask the probes while so many clients flood it."""
    found = Probed()
    with flood(one, clients, *more) as process:
        while process.poll() is None:
            found.ask(one)
            time.sleep(0.05)
        assert process.stdout is not None
        found.told = json.loads(process.stdout.read())
    sys.stdout.write(f"\n{clients} clients {' '.join(more)}: {found}\n")
    return found


@pytest.mark.parametrize("clients", [200, 500])
def test_a_flood_of_whole_requests_does_not_fail_a_probe(tmp_path: Path, clients: int) -> None:
    with replica(tmp_path, env=MANY) as one:
        until(answers(one))
        found = probed(one, clients)
    for times in found.took.values():
        assert max(times) < PROBE_LIMIT_S
    assert {"200", "503"} <= found.told["statuses"].keys(), "some are answered, and others refused"


def test_more_clients_than_are_waited_for_do_not_end_the_worker(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        worker = one.worker()
        found = probed(one, 2 * MAX_PENDING + 300)
        assert one.worker() == worker
    for times in found.took.values():
        assert max(times) < PROBE_LIMIT_S


def test_clients_that_never_read_do_not_fail_a_probe(tmp_path: Path) -> None:
    with replica(tmp_path, env={"REPLICA_PODS": "20000"}) as one:
        until(answers(one))
        found = probed(one, 100, "--deaf")
    for times in found.took.values():
        assert max(times) < PROBE_LIMIT_S


def test_what_is_too_much_is_refused_at_once_and_probes_never_are(tmp_path: Path) -> None:
    with replica(tmp_path) as one, ExitStack() as clients:
        until(answers(one))
        hangs = Path(f"{one.journal}.hangs")
        hangs.touch()

        def refuses() -> bool:
            # Again and again, since none of them waits for long.
            for _ in range(MAX_BUSY):
                client = clients.enter_context(socket.create_connection(("127.0.0.1", one.port)))
                client.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n")
            assert {one.get(path).status for path in ("/healthz", "/readyz")} == {200}
            refused = one.get("/metrics")
            assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
            return refused.data == b"too many requests\n"

        until(refuses)
        hangs.unlink()
        until(answers(one, "/metrics"))


def test_sigterm_in_a_flood_releases_and_exits_with_0(tmp_path: Path) -> None:
    with replica(tmp_path, env=MANY) as one:
        until(answers(one))
        with flood(one, 200, seconds=LIMIT_S):
            until(lambda: one.get("/api/v1/status").status == 503)  # the flood is there
            begun = time.monotonic()
            one.process.terminate()
            released = until(lambda: "released" in one.notes())
            assert one.ended() == 0
            sys.stdout.write(f"\nreleased after {released:.2f} s, ended after {time.monotonic() - begun:.2f} s\n")
