"""`python -m sandbox`: the controller in a world on this machine, as a story that a person watches and a judge counts.

The world's processes end with this one, whether the story is over, fails or is interrupted. Exit code 0: everything
was as it should be; 1: something was not; 130: interrupted.
"""

import argparse
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from sandbox.demo import director
from sandbox.demo.screen import Screen
from sandbox.process import StartError


def main(arguments: Sequence[str] | None = None) -> int:
    """Play the demo; its exit code."""
    options = _parser().parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    folder = options.logs or Path(tempfile.mkdtemp(prefix="pod-eip-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(filename=folder / "demo.log", level=logging.INFO)
    screen = Screen(Console(width=None if sys.stdout.isatty() else 110, highlight=False, markup=False))
    wrong, kept = True, bool(options.logs)
    try:
        wrong = director.perform(
            screen,
            folder,
            report=options.report,
            picture=options.picture,
            keep=options.keep,
            traced=options.traces,
        )
    except StartError as error:
        screen.console.print(str(error))
        return 1
    except KeyboardInterrupt:
        screen.console.print("interrupted; all processes have been ended")
        wrong = False
        return 130
    finally:
        _leave(screen, folder, keep=wrong or kept)
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", action="store_true", help="leave the world running until Ctrl-C, and say how to use it"
    )
    parser.add_argument("--traces", action="store_true", help="send traces to Jaeger, if it has been built here")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the summary as JSON")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep the logs of all processes there")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="write the end of the demo as an SVG")
    return parser


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _leave(screen: Screen, folder: Path, *, keep: bool) -> None:
    """Logs are of use where something went wrong, or where somebody asked for them."""
    if keep:
        screen.console.print(f"the logs of all processes are in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
