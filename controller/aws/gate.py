"""EC2's tokens: a read waits here for one; a mutation must have one before it is sent (`engine/calls`).

Each API that is read has one queue, first come first served, shared by all threads. Mutations never wait here: a grant
is taken for each beforehand, and settled after it.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from controller.aws.throttle import DEFAULT_LIMITS, Bucket, Grant, RateLimit
from controller.core.measures import BucketReading
from controller.core.ports import Clock
from state.errors import Refused, Throttled

LONGEST_LOOK_S = 1.0
"""The longest time, in seconds, after which a waiting read checks again."""
PATIENCE_S = 60.0


class Gate:
    """One API's bucket and the queue before it. Thread-safe."""

    def __init__(self, action: str, limit: RateLimit, clock: Clock, patience_s: float) -> None:
        self._action, self._clock, self._patience_s = action, clock, patience_s
        self._lock = threading.Lock()
        self._bucket = Bucket(limit, clock())
        self._queue: deque[threading.Condition] = deque()
        self._throttled = 0

    def enter(self, check: Callable[[], None]) -> Grant:
        """Wait for a token. Raises what `check` raises, and Throttled after too long a wait: nothing was sent then."""
        deadline = self._clock() + self._patience_s
        with self._lock:
            me = threading.Condition(self._lock)
            self._queue.append(me)
            try:
                return self._wait(me, check, deadline)
            finally:
                self._queue.remove(me)
                self._wake_first()

    def _wait(self, me: threading.Condition, check: Callable[[], None], deadline: float) -> Grant:
        while True:
            check()
            now = self._clock()
            turn = self._bucket.take(now) if self._queue[0] is me else LONGEST_LOOK_S
            if isinstance(turn, Grant):
                self._bucket.sends(turn)
                return turn
            if now >= deadline:
                message = f"no token of {self._action} within {self._patience_s:.0f} s: many calls are waiting for it"
                raise Throttled(message, code="NoToken")
            me.wait(min(turn, LONGEST_LOOK_S, deadline - now))

    @property
    def waiting(self) -> int:
        """How many calls wait for a token now."""
        with self._lock:
            return len(self._queue)

    def read(self) -> BucketReading:
        """What was learnt of this API's bucket."""
        with self._lock:
            return BucketReading(
                operation=self._action,
                rate=self._bucket.rate,
                burst=self._bucket.burst,
                throttled=self._throttled,
                waiting=len(self._queue),
            )

    def take(self, spare: int, *, probes: bool) -> Grant | float:
        """A grant now, or the seconds until the next try makes sense. See the port `Tokens`."""
        with self._lock:
            return self._bucket.take(self._clock(), spare, probes=probes)

    def sends(self, grant: Grant) -> None:
        """Report that the call leaves."""
        with self._lock:
            self._bucket.sends(grant)

    def leave(self, grant: Grant, *, throttled: bool) -> None:
        """Report the answer to the call."""
        with self._lock:
            self._throttled += throttled
            self._bucket.settle(grant, self._clock(), throttled=throttled)
            self._wake_first()

    def cancel(self, grant: Grant) -> None:
        """Report that there was no answer."""
        with self._lock:
            self._bucket.cancel(grant)
            self._wake_first()

    def give_back(self, grant: Grant) -> None:
        """Report that there was no call."""
        with self._lock:
            self._bucket.give_back(grant)
            self._wake_first()

    def _wake_first(self) -> None:
        if self._queue:
            self._queue[0].notify()


class Throttle:
    """The gates of all APIs. An API without a limit is not held back."""

    def __init__(
        self,
        limits: Mapping[str, RateLimit] = DEFAULT_LIMITS,
        *,
        clock: Clock = time.monotonic,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._gates = {action: Gate(action, limit, clock, patience_s) for action, limit in limits.items()}

    def waiting(self, action: str) -> int:
        """How many calls of this action wait for a token now."""
        return self._gates[action].waiting

    def read(self) -> tuple[BucketReading, ...]:
        """What was learnt of each API's bucket."""
        return tuple(gate.read() for gate in self._gates.values())

    def take(self, operation: str, spare: int = 0, *, probes: bool = True) -> Grant | float:
        """See the port `Tokens`."""
        gate = self._gates.get(operation)
        return gate.take(spare, probes=probes) if gate is not None else Grant(at=0.0)

    def sends(self, operation: str, grant: object) -> None:
        """See the port `Tokens`."""
        gate = self._gates.get(operation)
        if gate is not None and isinstance(grant, Grant):
            gate.sends(grant)

    def settle(self, operation: str, grant: object, *, throttled: bool) -> None:
        """See the port `Tokens`."""
        gate = self._gates.get(operation)
        if gate is not None and isinstance(grant, Grant):
            gate.leave(grant, throttled=throttled)

    def cancel(self, operation: str, grant: object) -> None:
        """See the port `Tokens`."""
        gate = self._gates.get(operation)
        if gate is not None and isinstance(grant, Grant):
            gate.cancel(grant)

    def give_back(self, operation: str, grant: object) -> None:
        """See the port `Tokens`."""
        gate = self._gates.get(operation)
        if gate is not None and isinstance(grant, Grant):
            gate.give_back(grant)

    @contextmanager
    def turn(self, action: str, check: Callable[[], None]) -> Iterator[None]:
        """Context of one call: waits for a token before it, and learns from its answer or from Throttled after it."""
        gate = self._gates.get(action)
        if gate is None:
            yield
            return
        grant = gate.enter(check)
        try:
            yield
        except Throttled:
            gate.leave(grant, throttled=True)
            raise
        except Refused:
            gate.leave(grant, throttled=False)
            raise
        except BaseException:
            gate.cancel(grant)
            raise
        gate.leave(grant, throttled=False)
