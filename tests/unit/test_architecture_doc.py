"""The tables of docs/architecture.md say what the code says."""

from typing import get_args

import pytest

from controller.core.actions import Action
from tests.unit.architecture_doc import BLOCKS, PAGE, page
from tests.unit.worked_rows import WORKED_ROWS


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
    assert len({row.words for row in WORKED_ROWS}) == len(WORKED_ROWS)
