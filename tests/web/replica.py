"""A replica whose controller is a stand-in: the real command line, server and web, with a loop that only remembers.

It runs as a process of its own, so that signals, forks and exit codes are the real thing. What happens to its runtime
is written to the file that REPLICA_JOURNAL names, one `seconds word` a line; REPLICA_START says how starting goes, and
REPLICA_PODS how many Pods the status has; REPLICA_STATUS names a file with another status, read at each look.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.core.config import Config
from controller.surface import cli, serve
from controller.surface.metrics import Metrics
from controller.surface.runtime import Runtime
from state.errors import AccessDenied, Misconfigured, TableMissing
from tests.web import samples
from tests.web.night import explanation


class Remembering:
    """A runtime that notes what is asked of it."""

    def __init__(self, config: Config, note: Callable[[str], None]) -> None:
        self._config = config
        self._note = note

    def status(self) -> dict[str, Any]:
        """The sample, some of it hostile, taken just now; none while a file beside the journal says that it hangs."""
        while Path(os.environ["REPLICA_JOURNAL"] + ".hangs").exists():
            time.sleep(0.02)
        if other := os.environ.get("REPLICA_STATUS"):
            said: dict[str, Any] = json.loads(Path(other).read_text())
            return {**said, "as_of": _now()}
        found = replace(samples.status(), cluster=self._config.cluster_name, as_of=_now())
        if many := int(os.environ.get("REPLICA_PODS", "0")):
            found = replace(found, pods=samples.pods(many))
        return found.to_json()

    def explain(self, namespace: str, name: str, *, own: bool = False) -> dict[str, Any] | None:
        """The sample; beside a status of its own, what `night` explains."""
        if "REPLICA_STATUS" in os.environ:
            return explanation(namespace, name)
        return samples.explanation(namespace, name)

    own_status = status

    def healthy(self) -> tuple[bool, str]:
        """Alive, unless a file beside the journal says otherwise."""
        dead = Path(os.environ["REPLICA_JOURNAL"] + ".dead").exists()
        return (False, "the loop has not woken for 30 s") if dead else (True, "ok")

    def ready(self) -> tuple[bool, str]:
        """Always."""
        return True, "ok"

    def begin_shutdown(self) -> None:
        """Release what there is not."""
        self._note("released")

    def stop(self) -> None:
        """The end."""
        self._note("stopped")


def main() -> None:
    """Run the command line with the stand-in behind it."""
    cli.main(
        _run,
        lambda config: _note(f"created {config.table}"),
        release_cluster=lambda _, request: request.yes,
        release_orphans=lambda _, request: request.yes,
        examine=lambda *_: (),
        look=lambda _, pod: samples.explanation(*pod),
    )


def _run(config: Config) -> None:
    serve.serve(config, lambda metrics: _start(config, metrics))


def _start(config: Config, metrics: Metrics) -> Runtime:
    _note(f"started {os.getpid()} {os.getppid()} {_heavy(os.getpid())}")
    metrics.call("ec2", "AssociateAddress", 0.1, "")
    match os.environ.get("REPLICA_START", ""):
        case "misconfigured":
            raise Misconfigured(["--region: first fault", "--vpc-id: second fault"])
        case "table-missing":
            raise TableMissing("the table eip does not exist", advice="Make it with: table create")
        case "denied":
            raise AccessDenied("no DescribeAddresses", code="UnauthorizedOperation")
        case "bug":
            raise KeyError("bug")
        case "slow":
            time.sleep(60)
    return Remembering(config, _note)


def _heavy(pid: int) -> str:
    names = {"boto3", "botocore", "kubernetes", "pynamodb", "opentelemetry"}
    return ",".join(sorted(names & set(sys.modules))) or "-"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _note(word: str) -> None:
    with Path(os.environ["REPLICA_JOURNAL"]).open("a") as journal:
        journal.write(f"{time.monotonic()} {word}\n")


if __name__ == "__main__":
    main()
