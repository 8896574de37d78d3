"""Copies of the product's modules with a bug planted in them, for the tests that ask whether the explorer finds it.

The product itself has no switch: its source is read, one passage is replaced, and the result is loaded under another
name. Values (dataclasses, enums) stay the product's own, so that those of the copy and of the original are of one kind.
"""

import inspect
from collections.abc import Mapping
from dataclasses import is_dataclass
from enum import EnumType
from types import ModuleType


def mutant(module: ModuleType, old: str, new: str, *, using: Mapping[str, object] | None = None) -> ModuleType:
    """This module with `old` (which must occur once) replaced, and with these names in place of what it imports.

    Raises AssertionError where `old` is not there any more: the bug has to be planted anew.
    """
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{old!r} occurs {source.count(old)} times in {module.__name__}"
    return _loaded(module, source.replace(old, new), using or {})


def rewired(module: ModuleType, **using: object) -> ModuleType:
    """This module with these names in place of what it imports."""
    return _loaded(module, inspect.getsource(module), using)


def _loaded(module: ModuleType, source: str, using: Mapping[str, object]) -> ModuleType:
    copy = ModuleType(f"{module.__name__}_with_a_bug")
    exec(compile(source, module.__file__ or "", "exec"), vars(copy))
    for name, value in vars(module).items():
        if (isinstance(value, type) and is_dataclass(value)) or isinstance(value, EnumType):
            setattr(copy, name, value)
    vars(copy).update(using)
    return copy
