"""One replica of the controller as a real process: started, killed, stopped, frozen and asked, as Kubernetes would.

Each replica has an AWS access key of its own name, so that EC2's log says who called; it has a process group of its
own, so that a kill reaches gunicorn's master and its worker together, as the death of a Pod does.
"""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.process import Child, free_port

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Replica:
    """A replica that may be started again after its end; `name` has letters and digits only, `python` runs it."""

    def __init__(
        self, name: str, flags: Sequence[str], env: Mapping[str, str], log: Path, *, python: str = sys.executable
    ) -> None:
        self.name, self._python = name, python
        self.port = free_port()
        self._flags, self._log = list(flags), log
        self._env = {**clean_environment(), **env, "AWS_ACCESS_KEY_ID": name}
        self._child: Child | None = None
        self.signalled_at = 0.0

    @property
    def url(self) -> str:
        """Where it serves its status."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._child is not None and self._child.alive

    @property
    def pid(self) -> int:
        """The process id of gunicorn's master; 0 if it was never started."""
        return self._child.process.pid if self._child else 0

    def change(self, flags: Mapping[str, str | None], env: Mapping[str, str] | None = None) -> None:
        """Have other flags (None: it goes) and variables from the next start on; what is not named stays."""
        kept = [f for f in self._flags if f.removeprefix("--").partition("=")[0] not in flags]
        self._flags = [*kept, *(f"--{flag}={value}" for flag, value in flags.items() if value is not None)]
        self._env.update(env or {})

    def start(self) -> None:
        """Start the process; it is not waited for."""
        argv = [self._python, "-m", "controller", *self._flags, "--listen", f"127.0.0.1:{self.port}"]
        self._child = Child(argv, log=self._log, env=self._env)

    def kill(self) -> None:
        """SIGKILL to the whole group, as when its node dies."""
        self._signal(signal.SIGKILL)
        if self._child:
            self._child.process.wait()

    def terminate(self) -> None:
        """SIGTERM to the master, as the kubelet sends it; the end is not waited for."""
        self.signalled_at = time.monotonic()
        if self._child:
            self._child.process.send_signal(signal.SIGTERM)

    def freeze(self, *, on: bool) -> None:
        """SIGSTOP, or SIGCONT."""
        self._signal(signal.SIGSTOP if on else signal.SIGCONT)

    def wait_end(self, limit_s: float) -> int:
        """The exit code; raises subprocess.TimeoutExpired."""
        assert self._child is not None
        return self._child.process.wait(limit_s)

    def stop(self) -> None:
        """End it, whatever it does."""
        if self._child:
            self._child.stop(limit=8)

    def tail(self, lines: int = 20) -> str:
        """The end of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:]) if self._log.exists() else ""

    def status(self) -> dict[str, Any] | None:
        """Its status document; None while it does not answer."""
        body = self.get("/api/v1/status")
        return json.loads(body) if body else None

    def ready(self) -> bool:
        """Whether it says that it is ready."""
        return self.get("/readyz") is not None

    def readiness(self) -> str:
        """What `/readyz` says, whatever its status; nothing while it does not answer."""
        try:
            with _DIRECT.open(self.url + "/readyz", timeout=2) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refusal:
            return refusal.read().decode()
        except OSError:
            return ""

    def leads(self) -> bool:
        """Whether it says that it leads."""
        status = self.status()
        return bool(status and status["leader"]["is_me"])

    def get(self, path: str) -> bytes | None:
        """The body of a good answer within two seconds, else None."""
        try:
            with _DIRECT.open(self.url + path, timeout=2) as answer:
                body: bytes = answer.read()
                return body
        except (OSError, urllib.error.HTTPError):
            return None

    def _signal(self, number: signal.Signals) -> None:
        self.signalled_at = time.monotonic()
        if self._child:
            self._child.signal(number)


def clean_environment() -> dict[str, str]:
    """Ours, without what would lead a replica to another world than the sandbox."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PEC_", "KUBE", "OTEL_"))}
    no_proxy = {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
    return {**kept, **no_proxy, "AWS_EC2_METADATA_DISABLED": "true", "AWS_SECRET_ACCESS_KEY": "sandbox"}
