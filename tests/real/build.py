"""Builds or fetches the real parts: `python -m tests.real.build [--kubernetes 1.37|1.34] [--only PART...]`.

The first time takes minutes; what it makes is kept in the user's cache folder, so every later checkout starts at
once. Safe to run twice, and at the same time: each part has a lock, is made in a folder of its own, and is renamed
into place when it is complete. Go checks every module against go.sum, which stands beside each go.mod.
"""

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sandbox import parts_cache
from tests.real.catalogue import KUBERNETES, Part, Tool, parts

PROGRESS_S = 5.0
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")  # of kwok: ready at once, and nothing else happens
NEEDS: dict[Tool, tuple[tuple[str, str], ...]] = {
    "go": (("go", "Go 1.26 or newer: https://go.dev/dl"),),
    "npm": (("npm", "Node.js 20 or newer"),),
    "mvn": (("mvn", "Maven 3.6 or newer"), ("java", "Java 17 or newer")),
}


class BuildError(RuntimeError):
    """A part could not be made; the message says what to do, or what the tool said."""


def say(part: Part, text: str) -> None:
    """Write one line of progress at once."""
    sys.stdout.write(f"{part.name} {part.version}: {text}\n")
    sys.stdout.flush()


def check_tools(wanted: Sequence[Part]) -> None:
    """BuildError that names every program that is missing, if any is."""
    needs = {need for part in wanted for need in NEEDS[part.tool]}
    missing = sorted(f"{name} is not on the PATH: install {what}" for name, what in needs if not shutil.which(name))
    if missing:
        raise BuildError("\n".join(missing))


@contextmanager
def lock(part: Part) -> Iterator[None]:
    """Hold the part's lock; whoever holds it already is waited for. The kernel frees the lock of a dead process."""
    parts_cache.root().mkdir(parents=True, exist_ok=True)
    with (parts_cache.root() / f".{part.folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(part, "another build is at it; waiting")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(part: Part, argv: Sequence[str], log: TextIO) -> None:
    """Run one tool in the part's recipe with a line of progress every few seconds. BuildError with its last lines."""
    env = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -buildvcs=false".strip()}
    started = time.monotonic()
    child = subprocess.Popen(
        argv, cwd=part.recipe, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
    try:
        while child.poll() is None:
            try:
                child.wait(PROGRESS_S)
            except subprocess.TimeoutExpired:
                say(part, f"{argv[0]} at work, {time.monotonic() - started:.0f} s")
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    if child.returncode:
        tail = "\n".join(Path(log.name).read_text(errors="replace").splitlines()[-20:])
        raise BuildError(f"{part.name}: {' '.join(argv)} ended with code {child.returncode}\n{tail}")


def commands(part: Part, into: Path) -> list[list[str]]:
    """The tools' commands that fill the folder `into`."""
    if part.tool == "mvn":
        return [["mvn", "--batch-mode", "dependency:copy-dependencies", f"-DoutputDirectory={into}"]]
    if part.tool == "npm":
        files = [str(part.recipe / name) for name in ("package.json", "package-lock.json")]
        return [["cp", *files, str(into)], ["npm", "ci", "--prefix", str(into), "--ignore-scripts", "--no-audit"]]
    output = str(into / part.name)
    package = "." if part.own_main else part.module + part.source
    options = ["-trimpath", "-ldflags", linker_flags(part), *(["-tags", part.tags] if part.tags else [])]
    return [["go", "build", *options, "-o", output, package]]


def linker_flags(part: Part) -> str:
    """Leave the debugger's tables out; tell Kubernetes its version, which Helm and kubectl compare."""
    flags = "-s -w"
    if part.module == "k8s.io/kubernetes":
        major, minor, _ = part.version.split(".")
        for name, value in (("gitVersion", f"v{part.version}"), ("gitMajor", major), ("gitMinor", minor)):
            flags += f" -X k8s.io/component-base/version.{name}={value}"
    return flags


def add_stages(part: Part, into: Path) -> None:
    """Join the fast stages of kwok's own module, which say how its nodes and Pods live, into one `stages.yaml`."""
    found = subprocess.run(
        ["go", "list", "-m", "-f", "{{.Dir}}", part.module],
        cwd=part.recipe,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    stages = Path(found.stdout.strip()) / "kustomize" / "stage"
    paths = [path for kind in STAGES for path in sorted(stages.glob(f"{kind}/{kind.split('/')[0]}-*.yaml"))]
    texts = [path.read_text().strip() for path in paths]
    (into / "stages.yaml").write_text("\n---\n".join(texts) + "\n")


def make(part: Part) -> None:
    """Make the part unless it is there by the time that we hold its lock."""
    with lock(part):
        if part.folder.is_dir():
            return
        for left in parts_cache.root().glob(f"{part.folder.name}.tmp-*"):
            shutil.rmtree(left)  # of a build that was killed: a living one holds the lock
        temporary = part.folder.with_name(f"{part.folder.name}.tmp-{os.getpid()}")
        temporary.mkdir()
        try:
            fill(part, temporary)
            temporary.rename(part.folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def fill(part: Part, into: Path) -> None:
    """Run the part's recipe, which leaves everything in the folder `into`."""
    started = time.monotonic()
    say(part, "started")
    with (into / "build.log").open("w") as log:
        for argv in commands(part, into):
            run(part, argv, log)
    if part.name == "kwok":
        add_stages(part, into)
    say(part, f"done in {time.monotonic() - started:.0f} s: {part.folder}")


def present(part: Part) -> bool:
    """Whether the part can be used as it is; says where it is."""
    place = part.program() if part.tool == "go" else (part.folder if part.folder.is_dir() else None)
    if place is not None:
        say(part, f"is here: {place}")
    return place is not None


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is wanted and not there. 1 if something is missing or fails, with what to do on stderr."""
    known = parts()
    parser = argparse.ArgumentParser(prog="python -m tests.real.build", description=__doc__)
    parser.add_argument("--kubernetes", choices=KUBERNETES, default=KUBERNETES[0])
    parser.add_argument(
        "--only", nargs="+", choices=list(known), default=list(known), metavar="PART", help=" ".join(known)
    )
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the tool at work is ended too
    known = parts(options.kubernetes)
    wanted = [part for name, part in known.items() if name in options.only and not present(part)]
    try:
        check_tools(wanted)
        for part in wanted:
            make(part)
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
