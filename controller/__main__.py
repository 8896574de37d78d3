"""The program: names the command line's actions; `startup` does them, where they are needed."""

import sys
from typing import TYPE_CHECKING, NoReturn

from controller.core.config import Config
from controller.surface import cli
from controller.surface.runtime import Runtime

if TYPE_CHECKING:
    from controller.surface.metrics import Metrics


def main() -> NoReturn:
    """Run the command that the command line names, and exit."""
    cli.main(_run, _create_table)


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
        sys.stderr.write(f"warning: {warning}\n")
    sys.stdout.write(f"table {config.table} is ready\n")


if __name__ == "__main__":
    main()
