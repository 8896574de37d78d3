"""Networks and servers that answer badly: in one direction only, with refusals, or with nonsense.

A closed door loses requests and replies alike. Here requests arrive and have their effect while their replies are
lost, or the answers are not those of the server. All of it lasts until it is ended, unlike the troubles of one call.
"""

import threading
from collections import Counter
from collections.abc import Callable

from tests.faults.forged import Forged
from tests.faults.world import FaultWorld
from tests.history import Call, Service

LIMIT_S = 60.0


class Deaf:
    """Requests are delivered; their callers hear nothing until `end`, and then that the connection is closed."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self.unheard: Counter[str] = Counter()

    def before(self, call: Call) -> bool:
        """Deliver."""
        return True

    def after(self, call: Call) -> bool:
        """Say nothing."""
        if self._ended.is_set():
            return True
        self.unheard[call.what] += 1
        self._ended.wait(LIMIT_S)
        return False

    def end(self) -> None:
        """Let answers pass from now on; those that were lost stay lost."""
        self._ended.set()


class Answers:
    """Forged answers: `instead` of delivering a call that fits, or `afterwards`, once it has had its effect.

    The first `times` calls that fit are struck; `struck` counts them by what they asked for.
    """

    def __init__(
        self, fits: Callable[[Call], bool], forged: Forged, *, times: int = 10**9, delivered: bool = False
    ) -> None:
        self._fits, self._forged, self._delivered = fits, forged, delivered
        self._left = times
        self._lock = threading.Lock()
        self.struck: Counter[str] = Counter()

    def instead(self, call: Call) -> Forged | None:
        """The forged answer, if calls are not to be delivered."""
        return None if self._delivered else self._strike(call)

    def afterwards(self, call: Call, said: bytes) -> Forged | None:
        """The forged answer, if calls are to be delivered."""
        return self._strike(call) if self._delivered else None

    def _strike(self, call: Call) -> Forged | None:
        with self._lock:
            if self._left <= 0 or not self._fits(call):
                return None
            self._left -= 1
            self.struck[call.what] += 1
            return self._forged


def forge(world: FaultWorld, answers: Answers | None, service: Service, *, replica: str = "") -> None:
    """Let these stand for the answers of a service to a replica, or all; None ends it."""
    for name, doors in world.doors.items():
        if replica in ("", name):
            doors[service].forger = answers
