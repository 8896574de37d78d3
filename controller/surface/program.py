"""The program as its user meets it first: its name, its version, and how it tells what it was given wrongly."""

import sys
from collections.abc import Iterable
from typing import Final

NAME: Final = "aws-pod-eip-controller"


def version() -> str:
    """The version that pyproject.toml says; `unknown` where the program runs from a tree that was never installed."""
    # Slow to import, and only this needs it.
    from importlib import metadata

    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "unknown"


def complain(faults: Iterable[str]) -> None:
    """Write one line for each fault on standard error, at once and whole."""
    sys.stderr.write("".join(f"error: {' '.join(fault.split())}\n" for fault in faults))
    sys.stderr.flush()
