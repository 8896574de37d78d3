"""The `status` command against a replica: a table for people, JSON for scripts, nothing that steers a terminal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from controller.core.values import Endpoint
from controller.surface.show import url_of
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
    [row] = [line for line in table.splitlines() if "server-3" in line]
    assert row.split() == ["games", "server-3", "auto", "associated", "198.51.100.3", "10.0.0.3", row.split()[6], "-"]
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
