"""Writes the tables of docs/traces.md, which the code has as data: `python -m tests.unit.traces_doc`.

The spans and their attributes are those of `core/spans`; a test fails where the page is not what this would write.
"""

import inspect
import sys
from pathlib import Path
from typing import get_args

from controller.core import spans
from controller.core.actions import Action, Tell, Wait, WaitReason
from tests.unit.made_tables import made_anew, table

PAGE = Path(__file__).parents[2] / "docs" / "traces.md"
MADE = "made by `python -m tests.unit.traces_doc`; do not edit"


def life() -> str:
    """What a Pod's life is told by, beside its actions."""
    return table("span", "says", lines=[f"| `{name}` | {means} |" for name, means in spans.SPANS.items()])


def actions() -> str:
    """The actions, with the first sentence of what each is."""
    kinds = [kind for kind in get_args(Action) if kind not in (Tell, Wait)]
    return table("span", "the controller", lines=[f"| `{kind.__name__}` | {_first(kind)} |" for kind in kinds])


def reasons() -> str:
    """What a Pod may wait for."""
    return ", ".join(f"`{reason}`" for reason in WaitReason) + ".\n"


def attributes() -> str:
    """What spans say."""
    return table("attribute", "is", lines=[f"| `{name}` | {means} |" for name, means in spans.ATTRIBUTES.items()])


BLOCKS = {"life": life, "actions": actions, "reasons": reasons, "attributes": attributes}


def page(text: str) -> str:
    """This page with its tables made anew. ValueError where one has no place in it."""
    return made_anew(text, BLOCKS, MADE)


def _first(kind: type) -> str:
    said = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
    return said.rstrip(".") + "."


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
    sys.stdout.write(f"{PAGE}\n")
