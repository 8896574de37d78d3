"""Runs `kubectl-eip` with a kubectl of the test's, in each POSIX shell that is here."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "deploy" / "kubectl"
NAME = "aws-pod-eip-controller"


def row(
    name: str,
    *,
    namespace: str = "kube-system",
    release: str = "eip",
    phase: str = "Running",
    lease: str = "eip",
    lease_namespace: str = "",
) -> str:
    """One of the controller's Pods, as the plugin asks for it."""
    return f"{namespace}|{name}|{release}|{phase}|{lease_namespace}|{lease}\n"


@dataclass
class Desk:
    """A laptop with the plugin: what its kubectl answers, and what it was asked."""

    folder: Path
    env: Mapping[str, str]
    shell: str = "sh"
    answers: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        program = self.folder / "kubectl"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.kubectl.stand_in "$@"\n')
        program.chmod(0o755)
        self.has(row("eip-1"), holder="eip-1_0b1e")

    def has(self, *rows: str, holder: str = "") -> None:
        """These Pods, and this holder of the Lease."""
        self.answers = {"get pods": [0, "".join(rows)], "get lease": [0, holder], "auth can-i": [0, "yes\n"]}

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The plugin with these words."""
        (self.folder / "answers").write_text(json.dumps(self.answers))
        path = f"{self.folder}{os.pathsep}{self.env.get('PATH', '')}"
        env = {**self.env, "PATH": path, "STAND_IN": str(self.folder), "PYTHONPATH": str(ROOT)}
        argv = [self.shell, str(FOLDER / "kubectl-eip"), *words]
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)

    def asked(self, verb: str) -> list[list[str]]:
        """Each call with this verb, as its words."""
        file = self.folder / "asked"
        calls: list[list[str]] = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [words for words in calls if verb in words]
