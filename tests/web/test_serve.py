"""The server's life with real processes and real signals: what gunicorn does by itself is not what a leader needs."""

import json
import os
import signal
import socket
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.web.harness import answers, replica, until


def test_sigterm_releases_before_it_drains_and_exits_with_0(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        with socket.create_connection(("127.0.0.1", one.port)) as half:
            half.sendall(b"GET / HTTP/1.1\r\nHost: x")
            begun = time.monotonic()
            one.process.terminate()
            assert one.ended() == 0
        assert time.monotonic() - begun < 5
        assert {"released", "stopped"} <= one.notes().keys()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_other_signals_release_too(tmp_path: Path, number: signal.Signals) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        os.killpg(one.process.pid, number) if number is signal.SIGINT else one.process.send_signal(number)
        assert one.ended() == 0
        assert "released" in one.notes()


def test_an_idle_connection_does_not_delay_the_end(tmp_path: Path) -> None:
    with replica(tmp_path) as one, ExitStack() as clients:
        until(answers(one))
        for _ in range(3):
            idle = clients.enter_context(socket.create_connection(("127.0.0.1", one.port)))
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
            assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        clients.enter_context(socket.create_connection(("127.0.0.1", one.port)))
        begun = time.monotonic()
        one.process.terminate()
        assert one.ended() == 0
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("raw", ["often", "-1", "86400"])
def test_a_resync_period_of_the_go_controllers_is_no_refusal_and_logged_once(tmp_path: Path, raw: str) -> None:
    with replica(tmp_path, "-resync-period", raw) as one:
        until(answers(one))
        one.process.terminate()
        assert one.ended() == 0
        lines = [json.loads(line) for line in one.errors().splitlines()]
    [told] = [line for line in lines if "PEC_RESYNC_PERIOD" in line["message"]]
    assert (told["level"], f"'{raw}'" in told["message"]) == ("warning", True)


def test_half_sent_requests_do_not_fail_a_probe(tmp_path: Path) -> None:
    with replica(tmp_path) as one, ExitStack() as clients:
        until(answers(one))
        for _ in range(20):
            half = clients.enter_context(socket.create_connection(("127.0.0.1", one.port)))
            half.sendall(b"GET /healthz HTTP/1.1\r\nHost: exa")
        begun = time.monotonic()
        assert one.get("/healthz", timeout_s=1).status == 200
        assert time.monotonic() - begun < 1


def test_a_flood_of_connections_does_not_fail_a_probe(tmp_path: Path) -> None:
    with replica(tmp_path) as one, ExitStack() as clients:
        until(answers(one))
        for _ in range(400):
            clients.enter_context(socket.create_connection(("127.0.0.1", one.port)))
        assert one.get("/healthz", timeout_s=2).status == 200


def test_a_request_in_pieces_is_answered_and_a_silent_client_dropped(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        with socket.create_connection(("127.0.0.1", one.port), timeout=30) as pieces:
            for piece in (b"GET /heal", b"thz HTTP/1.1\r\nHost: x\r", b"\n\r\n"):
                pieces.sendall(piece)
                time.sleep(0.05)
            assert pieces.recv(4096).startswith(b"HTTP/1.1 200")
        with socket.create_connection(("127.0.0.1", one.port), timeout=30) as silent:
            assert silent.recv(1) == b""


def test_a_worker_whose_master_was_killed_ends_itself_and_releases(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        worker = one.worker()
        one.process.kill()
        one.ended()
        assert until(lambda: "released" in one.notes()) < 5
        until(lambda: not _alive(worker))


def test_a_killed_worker_is_replaced_by_a_new_one(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        worker = one.worker()
        os.kill(worker, signal.SIGKILL)
        until(lambda: one.worker() != worker)
        until(answers(one))


@pytest.mark.parametrize(
    ("start", "code", "said"),
    [
        ("misconfigured", 2, ["error: --region: first fault", "error: --vpc-id: second fault"]),
        ("table-missing", 2, ["error: TableMissing: the table eip does not exist. Make it with: table create"]),
        ("denied", 3, ["error: UnauthorizedOperation: no DescribeAddresses"]),
        ("bug", 3, ["error: the controller could not start: KeyError('bug')"]),
    ],
)
def test_a_start_that_fails_ends_the_process_and_says_why(
    tmp_path: Path, start: str, code: int, said: list[str]
) -> None:
    with replica(tmp_path, env={"REPLICA_START": start}) as one:
        assert one.ended() == code
        errors = one.errors().splitlines()
        for line in said:
            assert any(error.startswith(line) for error in errors), errors


def test_probes_are_answered_while_it_starts_and_a_signal_ends_that_too(tmp_path: Path) -> None:
    with replica(tmp_path, "--call-timeout", "0.1", env={"REPLICA_START": "slow"}) as one:
        until(answers(one, "/healthz"))
        assert one.get("/readyz").status == 503
        assert one.get("/api/v1/status").json()["leader"]["identity"] == ""
        one.process.terminate()
        assert one.ended() == 0


def test_a_dead_loop_turns_health_red(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        Path(f"{one.journal}.dead").touch()
        answer = one.get("/healthz")
        assert (answer.status, answer.data) == (503, b"the loop has not woken for 30 s\n")


def test_a_port_in_use_is_a_fault_like_any_other(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        with replica(tmp_path, "--listen", f"127.0.0.1:{one.port}") as other:
            assert other.ended() == 2
            said = other.errors()
            assert said == (
                f"error: --listen (PEC_LISTEN): cannot listen on 127.0.0.1:{one.port}: Address already in use\n"
            )


def test_the_master_stays_light(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        _, master, heavy = one.notes()["started"]
        assert int(master) == one.process.pid
        assert heavy == "-"


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]
