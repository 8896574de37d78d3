"""Catches one call on its way, chosen by what it asks for, and lets it go when the test says so, however late.

Where the first call of a kind is not the one that is meant (a heartbeat is a transaction too), the test says which.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.replica import Replica
from tests.faults.world import FaultWorld
from tests.history import TRANSACTION, Call

LIMIT_S = 120.0


class Catch:
    """Holds the first call for which `truth` holds, before it is delivered; all others of that kind may be lost."""

    def __init__(self, truth: Callable[[Call], bool], *, lose_others: bool = False) -> None:
        self._truth, self._lose_others = truth, lose_others
        self._lock = threading.Lock()
        self._caught: Call | None = None
        self.reached, self.go, self.done = threading.Event(), threading.Event(), threading.Event()

    @property
    def call(self) -> Call:
        """The call that was caught."""
        assert self.reached.wait(LIMIT_S), "nothing was caught"
        assert self._caught is not None
        return self._caught

    def caller(self, world: FaultWorld) -> Replica:
        """Whose it is."""
        return next(r for r in world.replicas() if r.name == self.call.who.name)

    def let_go(self) -> None:
        """Deliver it, and wait until it has been answered."""
        self.go.set()
        assert self.done.wait(LIMIT_S), "the call was not delivered"

    def before(self, call: Call) -> bool:
        """Hold the one call."""
        if not self._truth(call):
            return True
        with self._lock:
            first = self._caught is None
            self._caught = self._caught or call
        if first:
            self.reached.set()
            self.go.wait(LIMIT_S)
        return first or not self._lose_others

    def after(self, call: Call) -> bool:
        """Know when it has been answered."""
        it = self._caught
        if it is not None and (it.who, it.what, it.began) == (call.who, call.what, call.began):
            self.done.set()
        return True


def claims(call: Call) -> bool:
    """Whether the call writes a claim of an address."""
    return any(item["sk"]["S"] == "claim" for item in _puts(call))


def records(uid: str) -> Callable[[Call], bool]:
    """Whether a call records that this Pod's address is associated."""
    key = f"pod#{uid}"
    return lambda call: any(item["sk"]["S"] == key and item["phase"]["S"] == "associated" for item in _puts(call))


def _puts(call: Call) -> list[Mapping[str, Any]]:
    entries = call.body.get("TransactItems", ()) if call.what == TRANSACTION else ()
    return [entry["Put"]["Item"] for entry in entries if "Put" in entry]
