"""Writes the policies in deploy/iam: `python -m tests.iam.write`.

They are made from the table in `controller/core/iam.py`, so that code and files cannot tell two stories; a test fails
where a file is not what this module would write.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from controller.core import iam

FOLDER = Path(__file__).parents[2] / "deploy" / "iam"


def files() -> Iterator[tuple[Path, str]]:
    """Each file, and what has to be in it."""
    for partition in iam.PARTITIONS:
        for name in iam.FILES:
            yield FOLDER / partition / f"{name}.json", json.dumps(iam.policy(name, partition), indent=2) + "\n"


if __name__ == "__main__":
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        sys.stdout.write(f"{path}\n")
