"""Kills a replica at one call, before or after it was delivered; and finds all calls that there are to be killed at.

The calls of a step are found by watching one undisturbed life, so a call that is written tomorrow is a crash point
tomorrow. Looks are not among them: a process that dies at a look has done what it had done after the call before.
"""

import threading
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from tests.faults.world import FaultWorld
from tests.history import Call, Process, Service

Side = Literal["before", "after"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Spot:
    """The n-th call of its kind in a step."""

    service: Service
    what: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class CrashPoint:
    """A side of a call. Before: the server never hears of it; after: it is done, and nobody hears the answer."""

    spot: Spot
    side: Side

    def __str__(self) -> str:
        return f"{self.side} {self.spot.what} {self.spot.number}"


class Counting:
    """Numbers the calls of a step. Renewals of the Lease count in the steps that are about it, heartbeats never."""

    def __init__(self, *, renewals: bool = False) -> None:
        self._renewals = renewals
        self._lock = threading.Lock()
        self._counts: Counter[tuple[Service, str]] = Counter()
        self.spots: list[Spot] = []

    def number(self, call: Call) -> Spot | None:
        """The call's place in the step; None if it has none."""
        beat = call.service == "dynamodb" and len(call.body.get("TransactItems", ())) == 1
        if not call.changes or beat or (call.renews and not self._renewals):
            return None
        with self._lock:
            self._counts[call.service, call.what] += 1
            spot = Spot(service=call.service, what=call.what, number=self._counts[call.service, call.what])
            self.spots.append(spot)
            return spot

    def before(self, call: Call) -> bool:
        """Only count."""
        self.number(call)
        return True

    def after(self, call: Call) -> bool:
        """Change nothing."""
        return True


class Crash(Counting):
    """Kills the caller at a crash point, once. `victim` is who it was."""

    def __init__(self, world: FaultWorld, point: CrashPoint, *, renewals: bool = False) -> None:
        super().__init__(renewals=renewals)
        self._world, self._point = world, point
        self._at: Call | None = None
        self.victim: Process | None = None
        self.struck = threading.Event()

    def before(self, call: Call) -> bool:
        """Kill before the call is delivered; a call of the dead is not delivered either."""
        if call.who == self.victim:
            return False
        if self.number(call) != self._point.spot or self._at is not None:
            return True
        self._at = call
        if self._point.side == "before":
            self._kill(call)
            return False
        return True

    def after(self, call: Call) -> bool:
        """Kill once the call has had its effect."""
        if self._at is not None and self._point.side == "after" and _same(call, self._at) and self.victim is None:
            self._kill(call)
        return call.who != self.victim

    def _kill(self, call: Call) -> None:
        self.victim = call.who
        self._world.kill(next(r for r in self._world.replicas() if r.name == call.who.name))
        self.struck.set()


def _same(one: Call, other: Call) -> bool:
    return (one.who, one.what, one.began) == (other.who, other.what, other.began)
