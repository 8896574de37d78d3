"""What can befall one call on its way: its reply is lost, or it is held until long after everybody forgot it.

Each strikes the first call of its kind and no other, so that a test knows what was struck.
"""

import threading

from tests.history import Call, Process

LIMIT_S = 120.0


class Once:
    """Strikes the first call of this kind. `by` is whose it was."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._lock = threading.Lock()
        self._struck: Call | None = None
        self.reached = threading.Event()

    @property
    def by(self) -> Process:
        """Who made the call that was struck."""
        assert self._struck is not None
        return self._struck.who

    def before(self, call: Call) -> bool:
        """Mark the call if it is the first of its kind."""
        with self._lock:
            if self._struck is None and call.what == self._what:
                self._struck = call
        return True

    def after(self, call: Call) -> bool:
        """Pass the answer on."""
        return True

    def is_it(self, call: Call) -> bool:
        """Whether this is the call that was struck."""
        it = self._struck
        return it is not None and (it.who, it.what, it.began) == (call.who, call.what, call.began)


class LoseReply(Once):
    """The call has its effect, and its caller never hears of it."""

    def after(self, call: Call) -> bool:
        """Lose this one answer."""
        if not self.is_it(call):
            return True
        self.reached.set()
        return False


class Hold(Once):
    """The call stands still on its way until `go` is set, and then has its effect, however late."""

    def __init__(self, what: str, *, limit_s: float = LIMIT_S) -> None:
        super().__init__(what)
        self._limit_s = limit_s
        self.go = threading.Event()

    def before(self, call: Call) -> bool:
        """Stand still."""
        super().before(call)
        if self.is_it(call):
            self.reached.set()
            self.go.wait(self._limit_s)
        return True
