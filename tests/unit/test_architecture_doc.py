"""The tables of docs/plan-rows.md say what the code says."""

from collections.abc import Iterable
from typing import get_args

import pytest

from controller.core import labels, occupant, plan, stops, teardown
from controller.core.actions import Action
from tests.unit.architecture_doc import BLOCKS, PAGE, page
from tests.unit.reached import unreached
from tests.unit.worked_rows import CHAPTERS, WORKED_ROWS, WorkedRow


def test_the_page_is_fresh() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run python -m tests.unit.architecture_doc"


@pytest.mark.parametrize("lie", ["| Intend → Allocate → Claim", "`absent` → `intent`", "`absent` by `expire`"])
def test_a_page_that_says_something_else_is_found(lie: str) -> None:
    text = PAGE.read_text()
    assert lie in text
    assert page(text.replace(lie, "nothing")) == page(text)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_table_that_has_no_place_is_missed(name: str) -> None:
    with pytest.raises(ValueError, match=f"0 places for {name}"):
        page(PAGE.read_text().replace(f"<!-- end of {name} -->\n", ""))


def test_the_worked_rows_show_each_kind_of_step() -> None:
    shown = " ".join(row.answer() for row in WORKED_ROWS)
    assert not [step.__name__ for step in get_args(Action) if step.__name__ not in shown]
    for rows in CHAPTERS.values():
        assert len({row.words for row in rows}) == len(rows)


def _unreached(rows: Iterable[WorkedRow]) -> list[str]:
    return unreached(lambda: [row.answer() for row in rows], labels, plan, occupant, stops, teardown)


def test_each_answer_of_the_plan_has_a_worked_row() -> None:
    assert _unreached(WORKED_ROWS) == []


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("it asked for an address, and not, too often", "stops.flapping(s)"),
        ("EC2 refused the Pod this address", "(*cut_recorded(s), Forget())"),
        ("the same, at two looks", "teardown.give_up_lost(s)"),
        ("the install has no room", "WaitReason.FULL"),
    ],
)
def test_an_answer_without_a_row_is_missed(words: str, answer: str) -> None:
    missed = _unreached(row for row in WORKED_ROWS if row.words != words)
    assert any(each.endswith(f": {answer}") for each in missed)
