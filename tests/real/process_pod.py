"""One Pod of the controller as a process of this machine: arguments, variables and probes are the Pod's own.

Nothing is isolated: the image is this Python environment, the Pod's IP is that of loopback with a port of its own, and
the ServiceAccount's token is in a kubeconfig instead of a mounted file.
"""

import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.process import Child, free_port
from sandbox.replica import clean_environment

IP = "127.0.0.1"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class Probe:
    """A probe of the container by HTTP: when it is asked again, and how often it has failed in a row."""

    path: str
    period_s: float
    timeout_s: float
    threshold: int
    due: float = 0.0
    failures: int = 0
    passed: bool = False

    def ask(self, port: int, now: float) -> None:
        """Ask if it is time to."""
        if now < self.due:
            return
        self.due = now + self.period_s
        try:
            with _DIRECT.open(f"http://{IP}:{port}{self.path}", timeout=self.timeout_s):
                good = True
        except (OSError, urllib.error.HTTPError):
            good = False
        self.failures = 0 if good else self.failures + 1
        self.passed = good or (self.passed and self.failures < self.threshold)

    @property
    def failed(self) -> bool:
        """Whether it has failed as often in a row as it may."""
        return self.failures >= self.threshold


def probe_of(container: dict[str, Any], name: str) -> Probe | None:
    """The container's probe of this name; None if it has none."""
    found = container.get(name)
    if found is None:
        return None
    get, times = found["httpGet"], (found["periodSeconds"], found["timeoutSeconds"], found["failureThreshold"])
    return Probe(get["path"], *times)


@dataclass
class ProcessPod:
    """A Pod's only container. `account` is the kubeconfig of its ServiceAccount."""

    body: dict[str, Any]
    account: Path
    log: Path
    port: int = field(default_factory=free_port)
    restarts: int = 0
    child: Child | None = None
    probes: dict[str, Probe | None] = field(default_factory=dict)
    ending_since: float | None = None

    def start(self) -> None:
        """Start the process, with new probes."""
        kinds = ("startupProbe", "livenessProbe", "readinessProbe")
        self.probes = {kind: probe_of(self.container, kind) for kind in kinds}
        argv = [sys.executable, "-m", "controller", *self.container.get("args", [])]
        self.child = Child(argv, log=self.log, env=self.environment())

    @property
    def container(self) -> dict[str, Any]:
        """Its only one."""
        (found,) = self.body["spec"]["containers"]
        assert isinstance(found, dict)
        return found

    def turn(self) -> None:
        """Ask the probes that are due; a container that ended, or that fails its liveness, starts again."""
        assert self.child is not None
        if not self.child.alive:
            self._ended()
            return
        started, now = self.probes["startupProbe"], time.monotonic()
        if started is not None and not started.passed:
            started.ask(self.port, now)
            self._restart_if(started.failed)
            return
        for kind in ("livenessProbe", "readinessProbe"):
            probe = self.probes[kind]
            if probe is not None:
                probe.ask(self.port, now)
        alive = self.probes["livenessProbe"]
        self._restart_if(alive is not None and alive.failed)

    def end(self) -> bool:
        """It is being deleted: SIGTERM first, SIGKILL after its grace. Whether it has ended."""
        assert self.child is not None
        now = time.monotonic()
        if self.ending_since is None:
            self.ending_since = now
            self.child.process.terminate()
        grace = self.body["metadata"].get("deletionGracePeriodSeconds", 30)
        if self.child.alive and now - self.ending_since < grace:
            return False
        self.child.stop(0)
        return True

    def status(self) -> dict[str, Any]:
        """What a kubelet says of it."""
        assert self.child is not None
        code = self.child.process.poll()
        ready, phase = self._ready(), "Running" if code is None else "Failed" if code else "Succeeded"
        state = {"running": {}} if code is None else {"terminated": {"exitCode": code, "reason": "Ended"}}
        told = {"name": self.container["name"], "image": self.container["image"], "imageID": ""}
        container = {**told, "ready": ready, "started": True, "restartCount": self.restarts, "state": state}
        truth = {"Initialized": True, "Ready": ready, "ContainersReady": ready}
        conditions = [{"type": kind, "status": str(true)} for kind, true in truth.items()]
        return {"phase": phase, "podIP": IP, "conditions": conditions, "containerStatuses": [container]}

    def _ready(self) -> bool:
        """A container without a readiness probe is ready while it runs."""
        if self.child is None or not self.child.alive:
            return False
        started, ready = self.probes["startupProbe"], self.probes["readinessProbe"]
        return (started is None or started.passed) and (ready is None or ready.passed)

    def _ended(self) -> None:
        if self.body["spec"]["restartPolicy"] == "Always":
            self._restart_if(True)

    def _restart_if(self, wanted: bool) -> None:
        if wanted and self.child is not None:
            self.child.stop()
            self.restarts += 1
            self.start()

    def environment(self) -> dict[str, str]:
        """The container's variables, and those that stand for the Pod's network and files."""
        given = {entry["name"]: self._value(entry) for entry in self.container.get("env", [])}
        ours = {
            "PEC_LISTEN": f"{IP}:{self.port}",
            "PEC_KUBECONFIG": str(self.account),
            "POD_NAMESPACE": self.body["metadata"]["namespace"],
        }
        return {**clean_environment(), **given, **ours}

    def _value(self, entry: dict[str, Any]) -> str:
        if "valueFrom" not in entry:
            return str(entry.get("value", ""))
        known = {
            "metadata.name": self.body["metadata"]["name"],
            "metadata.uid": self.body["metadata"]["uid"],
            "spec.nodeName": self.body["spec"]["nodeName"],
            "status.podIP": IP,
        }
        return str(known[entry["valueFrom"]["fieldRef"]["fieldPath"]])
