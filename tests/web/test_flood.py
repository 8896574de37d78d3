"""Floods of whole requests: probes are answered all the same, in the time that the kubelet allows them.

The bounds tell a server that is blocked from a machine that is busy; the figures are printed (`pytest -s`).
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.web.harness import Replica, answers, replica, until

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
def flood(one: Replica, clients: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A flood beside the test; it ends by itself."""
    command = [sys.executable, "-m", "tests.web.flood", str(one.port), str(clients), str(FLOOD_S), *more]
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
