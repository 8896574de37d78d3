"""The program: names the command line's actions; `startup` does them, where they are needed."""

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from controller.core.config import Config
from controller.core.contract import legible
from controller.core.diagnosis.finding import Finding, Questions
from controller.core.release import Request
from controller.surface import cli
from controller.surface.program import log_plainly, say
from controller.surface.runtime import Runtime

if TYPE_CHECKING:
    from controller.surface.metrics import Metrics


def main() -> NoReturn:
    """Run the command that the command line names, and exit."""
    log_plainly()
    cli.main(
        _run,
        _create_table,
        release_cluster=_release_cluster,
        release_orphans=_release_orphans,
        examine=_examine,
        look=_look,
    )


def _run(config: Config) -> None:
    from controller.surface import serve

    serve.serve(config, lambda metrics: _start(config, metrics))


def _start(config: Config, metrics: "Metrics") -> Runtime:
    """Build the controller, in the worker process."""
    from controller import startup

    return startup.start(config, metrics)


def _create_table(config: Config) -> None:
    """Make the DynamoDB table, and say what could not be had."""
    from controller import startup

    for warning in startup.provision(config):
        sys.stderr.write(f"warning: {legible(warning)}\n")
    say(f"table {config.table} is ready")


def _release_cluster(config: Config, request: Request) -> bool:
    """Whether nothing of that cluster is left."""
    from controller import release_cluster, startup
    from controller.surface import release

    return release.release(request, release_cluster.DeadCluster(config=config, region=startup.region_of(config)))


def _release_orphans(config: Config, request: Request) -> bool:
    """Whether none of that cluster's unknown addresses is left."""
    from controller import orphans, startup
    from controller.surface import orphans as conversation

    world = orphans.own_tagged(config, startup.region_of(config))
    return conversation.release(request.cluster, world, yes=request.yes)


def _examine(config: Config, questions: Questions) -> Iterator[Finding]:
    """What `doctor` tells."""
    from controller import startup
    from controller.doctor import examination

    return examination.examine(config, startup.region_of(config), questions)


def _look(config: Config, pod: tuple[str, str]) -> Mapping[str, Any]:
    """What `explain --direct` says."""
    from controller import direct, startup

    return direct.looked_for(config, startup.region_of(config), pod).to_json()


if __name__ == "__main__":
    main()
