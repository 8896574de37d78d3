"""Child processes that serve on a port of loopback: started in a group of their own, watched until they answer, ended.

Everything that the sandbox and the tests start (DynamoDB, etcd, an API server) needs the same care: its output must
be kept for the error message, a start that hangs must end, and stopping must reach the grandchildren too.
"""

import atexit
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from ssl import SSLContext
from typing import Self

Probe = Callable[[], bool]

_QUIET_PORTS = (10_000, 32_768)  # below those that Linux gives to outgoing connections
_CHANCE = random.SystemRandom()  # a seeded one would choose the same in all processes of a test run
MOST_TWINS = 64
_TWINS: deque[socket.socket] = deque()


class StartError(RuntimeError):
    """A child ended, or did not answer in time; the message ends with the last lines that it wrote."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now.

    Not one that the system would choose: it gives those to every connection that is opened, and to several processes
    that ask at once, before the first of them has begun to listen. Two of ours that draw the same number at once are
    told apart by its UDP twin, which is held until many more were drawn.
    """
    while True:
        port = _CHANCE.randrange(*_QUIET_PORTS)
        twin = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            twin.bind(("127.0.0.1", port))
            with socket.socket() as sock:
                sock.bind(("127.0.0.1", port))
        except OSError:
            twin.close()
            continue
        _hold(twin)
        return port


def _hold(twin: socket.socket) -> None:
    _TWINS.append(twin)
    _let_go(MOST_TWINS)


@atexit.register
def _let_go(but: int = 0) -> None:
    while len(_TWINS) > but:
        _TWINS.popleft().close()


def answers(url: str, *, context: SSLContext | None = None, headers: Mapping[str, str] | None = None) -> Probe:
    """A probe that is true once `url` gives any answer below 500 within a second."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))

    def probe() -> bool:
        try:
            with opener.open(urllib.request.Request(url, headers=dict(headers or {})), timeout=1):
                return True
        except urllib.error.HTTPError as error:
            with error:
                return error.code < 500
        except OSError:
            return False

    return probe


class Child:
    """A running child and its group. `stop` is safe to call twice, and at any moment."""

    def __init__(self, argv: Sequence[str | Path], *, log: Path | None = None, env: Mapping[str, str] | None = None):
        """Start `argv` with its output in `log`, or in a temporary file if there is none."""
        self.name = Path(argv[0]).name
        self._files = ExitStack()
        open_log = tempfile.TemporaryFile if log is None else log.open
        self._log = self._files.enter_context(open_log("ab+"))
        self.process = subprocess.Popen(
            [str(arg) for arg in argv],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether the child itself still runs."""
        return self.process.poll() is None

    def tail(self, lines: int = 15) -> str:
        """The last lines that the child wrote."""
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), 16_384, max(0, size - 16_384))  # leaves the offset, which the child shares
        return "\n".join(text.decode(errors="replace").splitlines()[-lines:])

    def wait_ready(self, probe: Probe, limit: float) -> Self:
        """Return once `probe` is true. StartError, and it is stopped, after `limit` seconds or if it ends first."""
        deadline = time.monotonic() + limit
        while self.alive and time.monotonic() < deadline:
            if probe():
                return self
            time.sleep(0.05)
        code, said = self.process.poll(), self.tail()
        self.stop()
        reason = f"no answer within {limit:g} s" if code is None else f"ended with code {code}"
        raise StartError(f"{self.name}: {reason}\n{said}")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole group; nothing happens if it is gone."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def stop(self, limit: float = 5) -> None:
        """Ask the group to end, and kill what is left of it after `limit` seconds."""
        if self._log.closed:
            return
        if self.alive:
            self.signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(limit)
        self.signal(signal.SIGKILL)
        self.process.wait()
        self._files.close()
