"""What is remembered is plain: dataclasses that can be copied whole, so that a twin can go on by itself.

Whoever adds a field need not think of the copy, and cannot forget it.
"""

import threading
from collections import deque
from dataclasses import Field
from typing import Any, ClassVar, Self

_LOCK = type(threading.Lock())


class Plain:
    """A dataclass of values that never change, of dicts, sets, lists and deques of them, and of others of its kind."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def copy(self) -> Self:
        """The same, to be changed by itself. This one is not to be changed meanwhile."""
        twin = object.__new__(type(self))
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            setattr(twin, name, value if type(value) in _VALUES else _copied(value))
        return twin


_CHANGES = (dict, set, list, deque, Plain)
_VALUES = frozenset({float, int, str, bool, type(None), tuple, frozenset})
"""No more than what is looked at first: most of what is copied is of these."""


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        twin = value.copy()
        for key, held in value.items():
            if isinstance(held, _CHANGES):
                twin[key] = _copied(held)
        return twin
    if isinstance(value, _CHANGES):
        return value.copy()
    return threading.Lock() if isinstance(value, _LOCK) else value
