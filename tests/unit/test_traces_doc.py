"""The tables of docs/traces.md say what the code says."""

import pytest

from tests.unit.traces_doc import BLOCKS, PAGE, page


def test_the_page_is_fresh() -> None:
    text = PAGE.read_text()
    assert text == page(text), "run python -m tests.unit.traces_doc"


@pytest.mark.parametrize(
    "lie", ["`give up address`", "`MarkReleasing`", "`no free address in the pool`", "`error.type`"]
)
def test_a_page_that_says_something_else_is_found(lie: str) -> None:
    text = PAGE.read_text()
    assert lie in text
    assert lie in page(text.replace(lie, "nothing"))


@pytest.mark.parametrize("name", BLOCKS)
def test_a_table_that_has_no_place_is_missed(name: str) -> None:
    with pytest.raises(ValueError, match=f"0 places for {name}"):
        page(PAGE.read_text().replace(f"<!-- end of {name} -->\n", ""))
