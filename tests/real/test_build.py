"""The builder, with a Go of ours on the PATH: its promises about locks, folders, the cache and what it says.

The real tools take minutes; what is tested here is everything around them, in real processes.
"""

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from sandbox import parts_cache
from tests.real.catalogue import KUBERNETES, parts

# Notes that it runs, waits for the gate, then writes the program that -o asks for.
GO = """#!/bin/sh
echo run >> {folder}/runs
while [ ! -e {folder}/gate ]; do sleep 0.05; done
{body}
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' > "$2" && chmod +x "$2"
"""


class Machine:
    """A machine with an empty cache, and with no tools but those that a test puts there."""

    def __init__(self, folder: Path, stack: ExitStack):
        self.folder, self._stack = folder, stack
        self.cache = folder / "cache" / "aws-pod-eip-controller" / "real"
        self.environment = {"XDG_CACHE_HOME": str(folder / "cache"), "PATH": str(folder / "bin"), "HOME": str(folder)}
        (folder / "bin").mkdir()

    def install_go(self, body: str = "") -> None:
        """Put our Go on the PATH, and the shell's own commands behind it."""
        program = self.folder / "bin" / "go"
        program.write_text(GO.format(folder=self.folder, body=body))
        program.chmod(0o755)
        self.environment["PATH"] = f"{self.folder / 'bin'}:/usr/bin:/bin"

    def open_gate(self) -> None:
        """Let our Go finish."""
        (self.folder / "gate").touch()

    def runs(self) -> int:
        """How often our Go has been started."""
        notes = self.folder / "runs"
        return len(notes.read_text().splitlines()) if notes.exists() else 0

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start the builder."""
        argv = [sys.executable, "-m", "tests.real.build", *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(argv, env=self.environment, stdout=pipe, stderr=pipe, text=True)
        self._stack.callback(process.communicate)
        self._stack.callback(process.kill)
        return process

    def build(self, *arguments: str) -> tuple[int, str, str]:
        """Run the builder to its end; gives the exit code, and what it said on stdout and stderr."""
        process = self.start(*arguments)
        said, complained = process.communicate(timeout=60)
        return process.returncode, said, complained


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(tmp_path, stack)


def wait_until(condition: Callable[[], object]) -> None:
    """Poll for at most 60 s."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_part_is_built_once_and_kept(machine: Machine) -> None:
    machine.install_go()
    machine.open_gate()
    code, said, _ = machine.build("--only", "etcd")
    assert (code, machine.runs()) == (0, 1)
    assert re.search(r"etcd 3\.\S+: done in \d+ s: \S+", said)
    code, said, _ = machine.build("--only", "etcd")
    assert (code, machine.runs()) == (0, 1)
    assert "is here" in said
    assert [path.name for path in machine.cache.glob("[!.]*")] == [f"etcd-{parts()['etcd'].version}"]


def test_of_two_builders_one_builds_and_the_other_waits(machine: Machine) -> None:
    machine.install_go()
    first = machine.start("--only", "etcd")
    wait_until(machine.runs)
    second = machine.start("--only", "etcd")
    assert second.stdout is not None
    assert "another build is at it" in second.stdout.readline()
    machine.open_gate()
    assert (first.wait(60), second.wait(60), machine.runs()) == (0, 0, 1)


def test_a_failure_says_what_the_tool_said_and_leaves_nothing(machine: Machine) -> None:
    machine.install_go("echo no such module >&2; exit 3")
    machine.open_gate()
    code, _, complained = machine.build("--only", "etcd")
    assert code == 1
    assert "ended with code 3" in complained
    assert "no such module" in complained
    assert not list(machine.cache.glob("[!.]*"))


def test_a_builder_that_is_stopped_leaves_nothing_and_the_next_one_builds(machine: Machine) -> None:
    machine.install_go()
    stopped = machine.start("--only", "etcd")
    wait_until(machine.runs)
    stopped.terminate()
    assert stopped.wait(60) == 143
    assert not list(machine.cache.glob("[!.]*"))
    machine.open_gate()
    assert machine.build("--only", "etcd")[0] == 0


def test_a_builder_that_is_killed_does_not_stand_in_the_way(machine: Machine) -> None:
    machine.install_go()
    killed = machine.start("--only", "etcd")
    wait_until(machine.runs)
    killed.kill()
    killed.wait(60)
    machine.open_gate()
    assert machine.build("--only", "etcd")[0] == 0
    assert [path.name for path in machine.cache.glob("[!.]*")] == [f"etcd-{parts()['etcd'].version}"]


@pytest.mark.parametrize(("part", "missing"), [("etcd", ["go"]), ("dynamodb-local", ["java", "mvn"]), ("axe", ["npm"])])
def test_every_missing_tool_is_named(machine: Machine, part: str, missing: list[str]) -> None:
    code, _, complained = machine.build("--only", part)
    assert code == 1
    assert [line.split()[0] for line in complained.splitlines()] == missing
    assert all("install" in line for line in complained.splitlines())


def test_assets_that_are_there_are_used_as_they_are(machine: Machine) -> None:
    names = ["etcd", "kube-apiserver", "kubectl"]
    for name in names:
        program = machine.folder / name
        program.touch(mode=0o755)
    machine.environment["KUBEBUILDER_ASSETS"] = str(machine.folder)
    code, said, _ = machine.build("--only", *names)
    assert code == 0
    assert [line.split()[-1] for line in said.splitlines()] == [str(machine.folder / name) for name in names]


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_every_recipe_names_its_version_and_has_checksums(kubernetes: str) -> None:
    for part in parts(kubernetes).values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", part.version)
        assert part.tool != "go" or (part.recipe / "go.sum").stat().st_size > 0
    assert parts(kubernetes)["kube-apiserver"].version.startswith(f"{kubernetes}.")


def test_the_sandbox_looks_for_the_version_that_the_recipe_fetches() -> None:
    assert parts()["dynamodb-local"].version == parts_cache.DYNAMODB_LOCAL
    assert parts()["jaeger"].version == parts_cache.JAEGER
