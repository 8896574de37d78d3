"""Starts the stand-in replica as a process group of its own, and asks it over HTTP."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import urllib3

from sandbox.process import free_port

LIMIT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A running replica: its master process, where it listens, and what it has noted."""

    process: subprocess.Popen[str]
    port: int
    journal: Path

    def get(self, path: str, *, method: str = "GET", timeout_s: float = 10.0) -> urllib3.BaseHTTPResponse:
        """One request on a connection of its own."""
        with urllib3.PoolManager(retries=False, timeout=timeout_s) as pool:
            return pool.request(method, f"http://127.0.0.1:{self.port}{path}")

    def notes(self) -> dict[str, list[str]]:
        """What the runtime was asked, by its first word."""
        lines = [line.split()[1:] for line in self.journal.read_text().splitlines()] if self.journal.exists() else []
        return {words[0]: words[1:] for words in lines}

    def worker(self) -> int:
        """The process id of the worker."""
        return int(self.notes()["started"][0])

    def ended(self) -> int:
        """Wait for the master's end: its exit code."""
        return self.process.wait(LIMIT_S)

    def errors(self) -> str:
        """All that it wrote on standard error, once it has ended."""
        return self.process.communicate(timeout=LIMIT_S)[1]


@contextmanager
def replica(folder: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Replica]:
    """A replica on a free port of loopback, killed with all that belongs to it at the end."""
    port = free_port()
    journal = folder / f"journal-{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.web.replica", "--listen", f"127.0.0.1:{port}", "-cluster-name", "c", *arguments],
        env=environment(REPLICA_JOURNAL=str(journal), **(env or {})),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Replica(process=process, port=port, journal=journal)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=LIMIT_S)


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of ours, and some more."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PEC_", "OTEL_"))} | more


def until(condition: Callable[[], bool], limit_s: float = LIMIT_S) -> float:
    """Wait until it holds: the seconds that it took. Fails after the limit."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < limit_s, "it did not come true in time"
        time.sleep(0.02)
    return time.monotonic() - begun


def answers(replica: Replica, path: str = "/readyz") -> Callable[[], bool]:
    """Whether the path is answered with 200, as a condition to wait for."""

    def condition() -> bool:
        with suppress(urllib3.exceptions.HTTPError):
            return replica.get(path).status == 200
        assert replica.process.poll() is None, replica.errors()
        return False

    return condition
