"""A world in which candidates run the product's own election: clocks of different rates, pauses, lost messages.

Real time is the world's; each candidate knows only its own clock. A call has a way there and a way back, either may be
slow or lost, and a candidate may be frozen anywhere. What is recorded is when each candidate believed, by its own
clock, to be before its deadline, in real time: the judge needs nothing else.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random

from controller.core import candidacy
from controller.core.candidacy import EndReason, Timings, View
from controller.core.election import Acquire, Begin, Decision, Follow, Hold, Look, ReleaseLease, Renew, Resign, step
from controller.core.lease import Lease
from state.errors import ObjectConflict, ObjectNotFound
from tests.fakes.lease import LeaseServer


@dataclass(slots=True, kw_only=True)
class Weather:
    """Probabilities and lengths (seconds) of what goes wrong."""

    lost_request: float = 0.0
    lost_reply: float = 0.0
    late: float = 0.0
    pause: float = 0.0
    longest_way: float = 0.05
    longest_pause: float = 40.0
    deaf: float = 0.0


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One replica: its clock, its view, and the spans of real time in which it might have acted."""

    view: View
    rate: float
    offset: float
    alive: bool = True
    busy: bool = False
    turns: int = 0
    spans: list[tuple[float, float]] = field(default_factory=list)

    def now(self, at: float) -> float:
        """Its own monotonic clock at that real time."""
        return self.offset + at * self.rate

    def real(self, own: float) -> float:
        """The real time at which its own clock shows this."""
        return (own - self.offset) / self.rate


class World:
    """Events in real time. `from_reply` is the planted bug: the deadline counted from the reply."""

    def __init__(self, random: Random, weather: Weather, candidates: int, *, drift: float = 0.1) -> None:
        self.at = 0.0
        self.server = LeaseServer()
        self.weather = weather
        self.from_reply = False
        self.timings = Timings()
        self.random = random
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.candidates = [self._born(f"c{n}", 1 + random.uniform(-drift, drift)) for n in range(candidates)]
        for candidate in self.candidates:
            self._turn_in(candidate, random.uniform(0, 3))

    def run(self, until: float) -> None:
        """Let real time pass."""
        while self._events and self._events[0][0] <= until:
            self.at, _, event = heapq.heappop(self._events)
            event()
        self.at = until

    def leaders(self) -> list[Candidate]:
        """Who is before its deadline now."""
        return [c for c in self.candidates if c.alive and c.spans and c.spans[-1][0] <= self.at < c.spans[-1][1]]

    def overlaps(self) -> list[tuple[str, str, float]]:
        """Two candidates before their deadlines at once: who, and from when."""
        spans = sorted((a, b, c.view.identity) for c in self.candidates for a, b in c.spans if b > a)
        return [(p[2], q[2], q[0]) for p, q in itertools.combinations(spans, 2) if p[2] != q[2] and q[0] < p[1]]

    def _born(self, identity: str, rate: float) -> Candidate:
        view = View(identity=identity, timings=self.timings)
        return Candidate(view=view, rate=rate, offset=self.random.uniform(0, 1e6))

    def _turn_in(self, who: Candidate, seconds: float) -> None:
        """Its next step; one that was to come is forgotten."""
        who.turns += 1
        number = who.turns
        self._at(self.at + seconds, lambda: self._turn(who, number))

    def _at(self, when: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), event))

    def _turn(self, who: Candidate, number: int) -> None:
        if not who.alive or number != who.turns:
            return
        now = who.now(self.at)
        who.view = replace(who.view, progress=now)
        self._do(who, step(who.view, now, f"{who.view.identity}@{self.at:.9f}"), now)

    def _do(self, who: Candidate, decision: Decision, now: float) -> None:
        match decision:
            case Look():
                self._call(who, lambda: self.server.lease, partial(self._looked, who))
            case Acquire(lease=lease) | Renew(lease=lease):
                who.view = candidacy.sending(who.view, lease)
                self._call(who, lambda: self._write(lease), partial(self._wrote, who, now))
            case ReleaseLease(lease=lease):
                self._call(who, lambda: self._write(lease), partial(self._released, who))
            case Begin(epoch=epoch):
                who.view = candidacy.began(candidacy.beginning(who.view, now), epoch + 1, now)
                self._turn_in(who, 0.01)
            case Resign(why=why):
                self.resign(who, why)
                self._turn_in(who, 0.01)
            case Follow(until=until) | Hold(until=until):
                wait = max(0.001, who.real(until) - self.at)
                self._turn_in(who, min(wait, 60.0) + self._pause())

    def resign(self, who: Candidate, why: EndReason) -> None:
        """It stops acting now."""
        if who.spans and who.spans[-1][1] > self.at:
            who.spans[-1] = (who.spans[-1][0], self.at)
        who.view = candidacy.resigned(who.view, why, who.now(self.at), self.random.random())

    def _call(
        self,
        who: Candidate,
        act: Callable[[], Lease | None],
        then: Callable[[Lease | Exception | None], None],
    ) -> None:
        """A request that arrives or not, and a reply that arrives or not; the time limit is by its own clock."""
        who.busy = True
        leaves = self.at + self._pause()  # frozen after the clock was read, before the request leaves
        arrives, weather = leaves + self._way(), self.weather
        answer: list[Lease | Exception | None] = []
        if self.random.random() >= weather.lost_request:
            self._at(arrives, lambda: answer.append(_caught(act)))
        back = leaves + min(arrives - leaves + self._way(), self.timings.call_timeout) + self._pause()
        lost = self.random.random() < weather.lost_reply

        def returned() -> None:
            who.busy = False
            if who.alive:
                then(answer[0] if answer and not lost else TimeoutError())
                self._turn_in(who, 0.0)

        self._at(back, returned)

    def _write(self, lease: Lease) -> Lease:
        return self.server.update(lease) if lease.version else self.server.create(lease)

    def _looked(self, who: Candidate, lease: Lease | Exception | None) -> None:
        now = who.now(self.at)
        if isinstance(lease, Exception):
            who.view = candidacy.unseen(who.view, now)
        else:
            who.view = candidacy.observe(who.view, lease, now)

    def _released(self, who: Candidate, freed: Lease | Exception | None) -> None:
        lease = None if isinstance(freed, Exception) else freed
        who.view = candidacy.release_tried(who.view, lease, who.now(self.at))

    def _wrote(self, who: Candidate, sent: float, written: Lease | Exception | None) -> None:
        now = who.now(self.at)
        if isinstance(written, ObjectConflict | ObjectNotFound):
            who.view = candidacy.refused(who.view, now)
        elif isinstance(written, Lease):
            who.view = candidacy.acknowledged(who.view, written, now if self.from_reply else sent)
            who.spans.append((self.at, who.real(who.view.deadline)))
            self._tell(written)
        else:
            who.view = candidacy.unanswered(who.view, sent)

    def _tell(self, lease: Lease) -> None:
        """The watches of the others; some hear nothing, some late."""
        for other in self.candidates:
            if self.random.random() >= self.weather.deaf:
                self._at(self.at + self._way(), partial(self._hear, other, lease))

    def _hear(self, who: Candidate, lease: Lease) -> None:
        if who.alive:
            who.view = candidacy.hear(who.view, lease, who.now(self.at))
            if not who.busy:
                self._turn_in(who, self._pause())

    def _way(self) -> float:
        late = self.random.random() < self.weather.late
        return self.random.uniform(0.001, 30.0 if late else self.weather.longest_way)

    def _pause(self) -> float:
        frozen = self.random.random() < self.weather.pause
        return self.random.uniform(0.0, self.weather.longest_pause) if frozen else 0.0


def _caught(act: Callable[[], Lease | None]) -> Lease | Exception | None:
    try:
        return act()
    except (ObjectConflict, ObjectNotFound) as error:
        return error
