"""Completion, in real shells at a terminal: somebody presses the tab key, and the word is completed."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kubectl.plugin import FOLDER, ROOT
from tests.web.harness import Replica, answers, environment, replica, until

LIMIT_S = 60.0
PROGRAM = "aws-pod-eip-controller"
INTERACTIVE = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "source <(aws-pod-eip-controller completion bash)"),
    "zsh": (["zsh", "-f", "-i"], "autoload -U compinit; compinit -D; source <(aws-pod-eip-controller completion zsh)"),
    "fish": (["fish", "--no-config", "-i"], "aws-pod-eip-controller completion fish | source"),
}


class Terminal:
    """A shell at a terminal."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        controlled = ["setsid", "--ctty", *argv]  # fish ends where its terminal is not its session's
        self._shell = subprocess.Popen(controlled, env=env, stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        self.screen = ""

    def type(self, keys: str) -> None:
        """Press these keys."""
        self.screen = ""
        os.write(self._master, keys.encode())

    def shows(self, words: str) -> None:
        """Wait until the screen has these words."""
        until_at = time.monotonic() + LIMIT_S
        while words not in self.screen:
            assert time.monotonic() < until_at, f"{words!r} is not in {self.screen!r}"
            if select.select([self._master], [], [], 0.2)[0]:
                said = os.read(self._master, 65536).decode(errors="replace")
                self.screen += said.replace("\a", "")  # bash rings where it completes a part

    def close(self) -> None:
        """End it."""
        self._shell.kill()
        self._shell.wait(LIMIT_S)
        os.close(self._master)


@contextmanager
def terminal(shell: str, folder: Path, one: Replica) -> Iterator[Terminal]:
    """The shell, with the program in PATH, and its completion switched on."""
    program = folder / PROGRAM
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tests.web.replica "$@"\n')
    program.chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    env = environment(
        PATH=path, PYTHONPATH=str(ROOT), PEC_LISTEN=f"127.0.0.1:{one.port}", TERM="dumb", HOME=str(folder)
    )
    argv, switch_on = INTERACTIVE[shell]
    made = Terminal(argv, env)
    try:
        made.type(f"{switch_on}\necho re''ady\n")
        made.shows("ready")
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    "shell", ["bash", pytest.param("zsh", marks=pytest.mark.real), pytest.param("fish", marks=pytest.mark.real)]
)
def test_the_tab_key_completes_commands_and_pods(tmp_path: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{shell} is not here; `make shells` gets it")
    with replica(tmp_path) as one:
        until(answers(one))
        with terminal(shell, tmp_path, one) as screen:
            screen.type(f"{PROGRAM} expl\t")
            screen.shows("explain ")
            screen.type("ga\t")
            screen.shows("games/server-")


def completed(*words: str, **env: str) -> list[str]:
    """What kubectl is told for these words, the last of which is not whole."""
    argv = ["sh", str(FOLDER / "kubectl_complete-eip"), *words]
    return subprocess.run(
        argv, env=environment(**env), capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()


def kubectl(folder: Path) -> str:
    """A kubectl that knows two namespaces and one Pod; it notes what it is asked."""
    program = folder / "kubectl"
    program.write_text(
        f"""#!/bin/sh
printf '%s\\n' "$*" >> {folder}/asked
case "$*" in
  *"get pods --namespace=games"*) echo server-1; echo other ;;
  *"get namespaces"*) echo games; echo default ;;
  *"config get-contexts"*) echo east; echo west ;;
  *) exit 1 ;;
esac
"""
    )
    program.chmod(0o755)
    return str(program)


def test_the_plugins_words_are_completed(tmp_path: Path) -> None:
    program = kubectl(tmp_path)
    assert completed("", KUBECTL=program) == ["status", "explain", "doctor", ":4"]
    assert completed("ex", KUBECTL=program) == ["explain", ":4"]
    assert completed("explain", "g", KUBECTL=program) == ["games/", ":6"]
    assert completed("explain", "games/s", KUBECTL=program) == ["games/server-1", ":4"]
    assert completed("explain", "games/server-1", "", KUBECTL=program) == [":4"]
    assert completed("explain", "-o", "", KUBECTL=program) == ["text", "json", "yaml", ":4"]
    assert completed("doctor", "-o", "", KUBECTL=program) == ["text", "json", ":4"]
    assert completed("-n", "ga", KUBECTL=program) == ["games", ":4"]
    assert completed("--context", "", KUBECTL=program) == ["east", "west", ":4"]
    assert completed("doctor", "--out", KUBECTL=program) == ["--output", ":4"]
    assert completed("status", "--out", KUBECTL=program) == ["--output", ":4"]


def test_the_cluster_that_the_words_name_is_asked(tmp_path: Path) -> None:
    program = kubectl(tmp_path)
    given = ("--context", "east", "--kubeconfig=/k", "--as=jane", "--user", "u", "--cluster=c")
    completed(*given, "explain", "games/", KUBECTL=program)
    [asked] = (tmp_path / "asked").read_text().splitlines()
    where = "--kubeconfig=/k --context=east --cluster=c --user=u --as=jane"
    assert asked.startswith(f"{where} --request-timeout=2s get pods --namespace=games")


def test_where_kubectl_fails_nothing_is_offered(tmp_path: Path) -> None:
    assert completed("explain", "x/", KUBECTL=kubectl(tmp_path)) == [":4"]
    assert completed("explain", "x/", KUBECTL=str(tmp_path / "none")) == [":4"]
