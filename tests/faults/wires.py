"""Networks and servers that answer badly: in one direction only, with refusals, or with nonsense.

A closed door loses requests and replies alike. Here requests arrive and have their effect while their replies are
lost, or the answers are not those of the server. All of it lasts until it is ended, unlike the troubles of one call.
"""

import json
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


Answer = Callable[[Call], Forged]


class Answers:
    """Forged answers, to the first calls of each kind that fit: the n-th one is answered with the n-th of these.

    They are not delivered, or are (`delivered`) and have had their effect. `struck` counts them by kind.
    """

    def __init__(self, *forged: Answer, fits: Callable[[Call], bool] = lambda _: True, delivered: bool = False) -> None:
        self._forged, self._fits, self._delivered = forged, fits, delivered
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
            number = self.struck[call.what]
            if number >= len(self._forged) or not self._fits(call):
                return None
            self.struck[call.what] += 1
        return self._forged[number](call)


def says(status: int, body: str | bytes) -> Answer:
    """The same to every call."""
    raw = body if isinstance(body, bytes) else body.encode()
    return lambda _: Forged(status=status, body=raw)


def cancelled(*codes: str) -> Answer:
    """A cancelled transaction: these codes for its first items, and `None` for the others; without codes, no reasons.

    The format is that of TransactionCanceledException in DynamoDB's API reference.
    """

    def answer(call: Call) -> Forged:
        items = len(call.body.get("TransactItems", ()))
        listed = [*codes, *["None"] * items][:items] if codes else []
        said = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(listed)}]"
        reasons = [{"Code": code} if code == "None" else {"Code": code, "Message": "played"} for code in listed]
        kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
        body = {"__type": kind, "Message": said, **({"CancellationReasons": reasons} if codes else {})}
        return Forged(status=400, body=json.dumps(body).encode())

    return answer


def forge(world: FaultWorld, answers: Answers | None, service: Service, *, replica: str = "") -> None:
    """Let these stand for the answers of a service to a replica, or all; None ends it."""
    for name, doors in world.doors.items():
        if replica in ("", name):
            doors[service].forger = answers
