"""The `status` command against a replica: a table for people, JSON for scripts, nothing that steers a terminal."""

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from controller.core.values import Endpoint
from controller.surface.fetch import url_of
from controller.surface.output import Form
from controller.surface.show import status
from state.errors import Unavailable
from tests.web import samples
from tests.web.harness import Replica, answers, environment, replica, until


def asked(one: Replica, *arguments: str) -> str:
    command = [sys.executable, "-m", "controller", "status", "--listen", f"0.0.0.0:{one.port}", *arguments]
    done = subprocess.run(
        command,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_status_of_a_running_replica(tmp_path: Path) -> None:
    with replica(tmp_path) as one:
        until(answers(one))
        table, document = asked(one), json.loads(asked(one, "--json"))
    assert document["leader"]["epoch"] == 7
    assert "leader    eip-7d9f-x1_6f0c (epoch 7, this replica)" in table.splitlines()
    assert "policy    default deny, rules 2, limits 1 (since -)" in table.splitlines()
    assert "quota     7 of 10 addresses used, 2 kept for others" in table.splitlines()
    [pod] = [line for line in table.splitlines() if line.startswith("pod ")]
    assert " leads, ready, 0 restarts, on <img" in pod
    [row] = [line for line in table.splitlines() if "server-3" in line]
    cells = row.split()
    assert cells[:6] == ["games", "server-3", "auto", "associated", "198.51.100.3", "10.0.0.3"]
    assert cells[7:9] == ["-", "ip-10-0-0-7.ec2.internal"]
    assert samples.HOSTILE.isprintable() is False
    assert all(line.isprintable() for line in table.splitlines())


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("10.0.0.1", "http://10.0.0.1:80"),
    ],
)
def test_where_a_replica_is_reached(host: str, url: str) -> None:
    assert url_of(Endpoint(host=host, port=80)) == url


class Refusing(BaseHTTPRequestHandler):
    """Answers with the number in the path."""

    def do_GET(self) -> None:
        """Refuse."""
        self.send_response(int(self.path.split("/")[1]))
        self.end_headers()
        self.wfile.write(b"no\n")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize(("code", "advice"), [(503, "try again"), (421, "SERVICE.NAMESPACE.svc"), (404, "--url")])
def test_a_refusal_says_what_to_do(code: int, advice: str) -> None:
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        asked_once = threading.Thread(target=server.handle_request)
        asked_once.start()
        with pytest.raises(Unavailable, match=f"answered {code}") as refusal:
            status(f"http://127.0.0.1:{server.server_port}/{code}", timeout_s=30, form=Form.TEXT)
        asked_once.join()
    assert advice in refusal.value.explain()
