"""Catches one call on its way, chosen by what it asks for, and lets it go when the test says so, however late.

Where the first call of a kind is not the one that is meant (a heartbeat is a transaction too), the test says which.
"""

import threading
from collections.abc import Callable

from sandbox.replica import Replica
from tests.faults.world import FaultWorld
from tests.history import TRANSACTION, Call

LIMIT_S = 60.0


class Catch:
    """Holds the first call for which `truth` holds, before it is delivered."""

    def __init__(self, truth: Callable[[Call], bool]) -> None:
        self._truth = truth
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
        with self._lock:
            mine = self._caught is None and self._truth(call)
            if mine:
                self._caught = call
        if mine:
            self.reached.set()
            self.go.wait(LIMIT_S)
        return True

    def after(self, call: Call) -> bool:
        """Know when it has been answered."""
        it = self._caught
        if it is not None and (it.who, it.what, it.began) == (call.who, call.what, call.began):
            self.done.set()
        return True


def claims(call: Call) -> bool:
    """Whether the call writes a claim of an address."""
    puts = [entry["Put"]["Item"] for entry in call.body.get("TransactItems", ()) if "Put" in entry]
    return call.what == TRANSACTION and any(item["sk"]["S"] == "claim" for item in puts)
