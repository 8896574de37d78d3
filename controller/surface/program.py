"""The program's name and version, and how it writes faults and other lines to a terminal."""

import logging
import sys
from collections.abc import Iterable
from typing import Any, Final

from controller.core.contract import legible

NAME: Final = "aws-pod-eip-controller"


def version() -> str:
    """The version in pyproject.toml; `unknown` where the program runs from a tree that was never installed."""
    # slow to import, and used only here
    from importlib import metadata

    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "unknown"


def complain(faults: Iterable[str]) -> None:
    """Write one line for each fault on standard error, all with one write."""
    sys.stderr.write("".join(f"error: {legible(' '.join(fault.split()))}\n" for fault in faults))
    sys.stderr.flush()


def say(*lines: str) -> None:
    """Write lines on standard output; text of strangers in them cannot control the terminal."""
    sys.stdout.write("".join(f"{legible(line)}\n" for line in lines))
    sys.stdout.flush()


def legible_lines(text: str) -> str:
    """Several lines, such as a traceback, made legible; the line breaks stay."""
    return "\n".join(map(legible, text.split("\n")))


class Plain(logging.Formatter):
    """The log's format for a person at a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The message on one line."""
        return legible(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback, which ends in the words of the error."""
        return legible_lines(super().formatException(ei))


def log_plainly() -> None:
    """Make warnings legible that Python's last resort prints: logs are configured by `run` alone."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(Plain())
