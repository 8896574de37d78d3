"""Answers of DescribeAddresses that are not true: an address is left out, or its item lacks a field.

EC2's reads are eventually consistent, so one answer may lack what is there and old. A lie waits for answers that
would show its address and is used up by those alone, whatever other faults a call meets. An address that is left out
is for that answer as if it were not there: a call that names it gets InvalidAllocationID.NotFound.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sandbox.ec2.xml import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """For `times` answers (None: all) the address lacks this field of its item, or with "" is not there at all."""

    allocation_id: str
    times: int | None = 1
    field: str = ""


class LieBook:
    """The lies that wait, at most one for each address; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lies: dict[str, Lie] = {}

    def tell(self, lie: Lie) -> None:
        """Lets a lie wait, in the place of an older one about the same address."""
        with self._lock:
            self._lies[lie.allocation_id] = lie

    def clear(self) -> None:
        """Forgets all lies."""
        with self._lock:
            self._lies.clear()

    def waiting(self) -> tuple[Lie, ...]:
        """The lies that are not used up."""
        with self._lock:
            return tuple(self._lies.values())

    def take(self, allocation_ids: Iterable[str]) -> tuple[Lie, ...]:
        """The lies about these addresses, which an answer would show, with one of their times used up."""
        with self._lock:
            taken = tuple(self._lies[key] for key in allocation_ids if key in self._lies)
            for lie in taken:
                if lie.times is None:
                    continue
                self._lies[lie.allocation_id] = replace(lie, times=lie.times - 1)
                if lie.times <= 1:
                    del self._lies[lie.allocation_id]
            return taken


def garbled(item: Tree, lies: Iterable[Lie]) -> Tree:
    """The item of an address without what the lies about it take away."""
    gone = {lie.field for lie in lies if lie.allocation_id == item["allocationId"]}
    return {name: value for name, value in item.items() if name not in gone}
