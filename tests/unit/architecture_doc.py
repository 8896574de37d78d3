"""Writes the tables of docs/plan-rows.md, which the code has as data: `python -m tests.unit.architecture_doc`.

The phases and the transitions are those of `core/phases`, the worked rows those of `worked_rows` with what the plan
answers; a test fails where the page is not what this module would write.
"""

import sys
from pathlib import Path

from controller.core.phases import MEANINGS, ROWS, ClaimState, Row
from tests.unit.made_tables import made_anew, table
from tests.unit.worked_rows import CHAPTERS

PAGE = Path(__file__).parents[2] / "docs" / "plan-rows.md"
MADE = "made by `python -m tests.unit.architecture_doc`; do not edit"


def phases() -> str:
    """What each phase means, and where a claim goes from it."""
    lines = [f"| `{at}` | {means} | {_next(at)} |" for at, means in MEANINGS.items()]
    return table("phase (Pod's side)", "means", "next", lines=lines)


def transitions() -> str:
    """The rows of the table of phases."""
    lines = [
        f"| `{row.by}` | {_asked_by(row)} | {_ways(row)} | {row.when} | {row.condition} | {row.ec2} |" for row in ROWS
    ]
    return table("transition", "asked for by", "from → to", "when", "the ledger's condition", "EC2", lines=lines)


def worked() -> str:
    """Situations, and what the plan answers, in the order in which it asks."""
    tables = {words: [f"| {row.words} | {row.answer()} |" for row in rows] for words, rows in CHAPTERS.items()}
    return "\n".join(f"**{words}**\n\n{table('situation', 'the plan', lines=tables[words])}" for words in tables)


BLOCKS = {"phases": phases, "transitions": transitions, "worked rows": worked}


def page(text: str) -> str:
    """This page with its tables made anew. ValueError where one has no place in it."""
    return made_anew(text, BLOCKS, MADE)


def _next(at: ClaimState) -> str:
    """The other phases that can follow, and by which transitions."""
    edges: dict[ClaimState, list[str]] = {}
    for row in ROWS:
        for before, after in row.edges:
            if before is at and after is not at:
                edges.setdefault(after, []).append(f"`{row.by}`")
    return "; ".join(f"`{after}` by {', '.join(names)}" for after, names in edges.items())


def _asked_by(row: Row) -> str:
    return f"`{row.asked_by}`" if isinstance(row.asked_by, str) else row.asked_by.__name__


def _ways(row: Row) -> str:
    if all(before is after for before, after in row.edges) and len(row.edges) == len(ClaimState) - 1:
        return "any but `absent` → the same"
    befores: dict[ClaimState, list[str]] = {}
    for before, after in row.edges:
        befores.setdefault(after, []).append(f"`{before}`")
    return "; ".join(f"{', '.join(names)} → `{after}`" for after, names in befores.items())


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
    sys.stdout.write(f"{PAGE}\n")
