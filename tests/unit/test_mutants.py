"""Each text that a negative control takes out of the source stands there once: a control that cannot be planted guards
nothing, and the controls themselves take too long for every change.
"""

import importlib
import pkgutil

import pytest

from tests import faults
from tests.faults.mutants import ROOT, Edit


def edits() -> dict[str, Edit]:
    """Those that modules of the experiments name, alone or in a tuple."""
    found: dict[str, Edit] = {}
    for module in pkgutil.iter_modules(faults.__path__):
        for name, value in vars(importlib.import_module(f"tests.faults.{module.name}")).items():
            group = value if isinstance(value, tuple | list) else (value,)
            found |= {f"{module.name}.{name}-{n}": edit for n, edit in enumerate(group) if isinstance(edit, Edit)}
    return found


EDITS = edits()


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_the_text_is_there_once(edit: Edit) -> None:
    assert (ROOT / edit.file).read_text().count(edit.text) == 1
    assert edit.instead != edit.text


def test_there_are_many() -> None:
    assert len(EDITS) > 30
