"""The demo as a newcomer runs it: its report holds its promises, and an interrupted one leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox.demo.scenes import EVERYBODY, MODES
from sandbox.world import wait_until

LIMIT_S = 280  # alone it takes about a minute; tests share the machine


@contextmanager
def demo(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A running demo that keeps its temporary files in `tmp_path`, and what it says in `tmp_path/said`."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with (tmp_path / "said").open("wb") as said:
        command = [sys.executable, "-m", "sandbox", *arguments]
        env = {**os.environ, "TMPDIR": str(scratch)}
        process = subprocess.Popen(command, env=env, stdout=said, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def leftovers(tmp_path: Path) -> list[str]:
    """Processes that still name the demo's folder on their command line, and files that are still in it."""
    listed = subprocess.run(["ps", "-A", "-o", "args"], check=True, capture_output=True, text=True, timeout=20).stdout
    running = [line for line in listed.splitlines() if str(tmp_path / "scratch") in line]
    return running + [path.name for path in (tmp_path / "scratch").iterdir()]


@pytest.mark.timeout(LIMIT_S + 100)
def test_the_demo_keeps_its_promises(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with demo(tmp_path, "--report", str(report)) as process:
        code = process.wait(LIMIT_S)
    said = (tmp_path / "said").read_text()
    assert code == 0, said
    found = json.loads(report.read_text())
    for mode in MODES:
        wanted = sum(part.mode == mode for part in EVERYBODY)
        assert found["pods"][mode] == {"wanted": wanted, "served": wanted}
    assert (found["leaked"], found["misplaced"], found["double_owned"]) == (0, 0, 0)
    assert [failover["kind"] for failover in found["failovers"]] == ["sigkill", "sigterm"]
    assert all(failover["seconds"] > 0 for failover in found["failovers"])
    assert set(found["ec2_calls_per_pod"]) == set(MODES)
    assert "Everything is as it should be" in said
    wait_until(lambda: not leftovers(tmp_path), 20, lambda: f"nothing is left: {leftovers(tmp_path)}")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let children hear SIGINT: what a shell starts in the background ignores it, and so would they."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.timeout(300)
def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    said = tmp_path / "said"
    with demo(tmp_path) as process:
        wait_until(lambda: b"are starting" in said.read_bytes(), 90, "the world stands")
        assert leftovers(tmp_path)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130, said.read_text()
    wait_until(lambda: not leftovers(tmp_path), 20, lambda: f"nothing is left: {leftovers(tmp_path)}")
