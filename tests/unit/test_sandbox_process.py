"""Child processes of the sandbox: what they said is told, none outlives its stop, and the right DynamoDB is chosen."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.dynamodb import DynamoDb
from sandbox.process import Child, StartError, answers, free_port

# Starts a child of its own that takes no notice of SIGTERM, writes its pid, and waits.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(60)
"""


def python(code: str, *arguments: str) -> Child:
    """A Python that runs `code`."""
    return Child([sys.executable, "-c", code, *arguments])


def never() -> bool:
    """A probe of what never becomes ready."""
    return False


def wait_until(condition: Callable[[], object]) -> None:
    """Poll for at most 60 s."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def gone(pid: int) -> bool:
    """Whether a process has ended; one that nobody has waited for yet counts as ended."""
    try:
        return " Z " in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):  # the latter if it goes between the opening and the reading
        return True


def test_a_child_that_ends_early_is_quoted() -> None:
    with pytest.raises(StartError, match=r"(?s)ended with code 3.*the disk is full"):
        python("import sys; print('the disk is full'); sys.exit(3)").wait_ready(never, 60)


def test_a_child_that_hangs_is_stopped() -> None:
    child = python("import time; print('thinking', flush=True); time.sleep(60)")
    wait_until(child.tail)
    with pytest.raises(StartError, match=r"(?s)no answer within 0\.1 s.*thinking"):
        child.wait_ready(never, 0.1)
    assert not child.alive


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_stop_ends_the_whole_group_however_stubborn(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    child = python(STUBBORN, str(note))
    wait_until(lambda: note.exists() and note.read_text())
    child.stop(0.1)
    wait_until(lambda: gone(int(note.read_text())))
    assert not child.alive
    child.stop()


def test_a_probe_of_a_closed_port_is_false() -> None:
    assert not answers(f"http://127.0.0.1:{free_port()}")()


def test_moto_is_the_fallback_where_nothing_has_been_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with DynamoDb.start() as server:
        assert server.kind == "moto"
        wait_until(answers(server.url))  # which gives up after a second
    assert not answers(server.url)()
    with pytest.raises(StartError, match="make real"):
        DynamoDb.start("local")


def test_it_serves_on_the_port_and_writes_to_the_log_that_it_is_given(tmp_path: Path) -> None:
    port = free_port()
    with DynamoDb.start("moto", port=port, log=tmp_path / "log"):
        wait_until(answers(f"http://127.0.0.1:{port}"))
    assert (tmp_path / "log").exists()
