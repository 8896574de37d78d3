"""Answers that no server gave, which a door passes on in the place of the true ones."""

from dataclasses import dataclass
from typing import Protocol

from tests.history import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Forged:
    """An answer that no server gave."""

    status: int
    body: bytes


class Forger(Protocol):
    """What a test puts in the place of answers; None leaves a call alone."""

    def instead(self, call: Call) -> Forged | None:
        """The answer to a call that is not delivered."""
        ...

    def afterwards(self, call: Call, said: bytes) -> Forged | None:
        """The answer to a call that was delivered, and answered so."""
        ...
