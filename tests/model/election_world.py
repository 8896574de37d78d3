"""The state of the election's model: one Lease, one epoch, and candidates that run the product's election.

Real time is the world's; each candidate knows only its own clock, which may run at another rate. A call has a way
there and a way back. A candidate whose call is under way takes no turn, as the product's thread takes none.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from types import ModuleType

from controller.core import candidacy, election
from controller.core.candidacy import Stage, Timings, View
from controller.core.election import Acquire, Begin, Decision, Follow, Hold, Look, ReleaseLease, Renew, Resign
from controller.core.lease import Lease
from controller.core.views import Term
from controller.engine.leadership import Leadership
from state.errors import NotLeading
from state.model import Epoch

WAY_S = 0.05
RAISE_S = 0.1
FENCE_S = 1.0
NEVER_S = 1e9
PATIENCE_S = 60.0
"""Longer after the last fault nobody should wait for a leader."""
INSTANT_S = 1e-6
"""Times that are so close are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The product's modules that a candidate runs; a test may hand over copies with a bug in them."""

    election: ModuleType = election
    candidacy: ModuleType = candidacy


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request of the Lease: what it asks, when (own clock) it was sent, when it arrives and is answered."""

    kind: str
    lease: Lease | None
    sent: float
    arrives: float
    back: float
    answer: Lease | None = None
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raise:
    """An attempt to raise the epoch above `floor`, which arrives then. `epoch`: what came of it; 0: it failed."""

    attempt: int
    floor: int
    arrives: float
    epoch: int | None = None
    slow: bool = False


@dataclass(slots=True, kw_only=True)
class Candidate:
    """One replica. `term` and `deadline` are its Leadership's; `busy_until`: when its last mutation may still run."""

    name: str
    rate: float
    view: View
    turn_at: float
    frozen_until: float = -inf
    hung_until: float = -inf
    call: Call | None = None
    raising: Raise | None = None
    fence_due: float = NEVER_S
    heard: tuple[tuple[float, Lease | None], ...] = ()
    term: int = 0
    deadline: float = -inf
    fenced_at: float | None = None
    busy_until: float = -inf
    renewals: int = 0

    def now(self, at: float) -> float:
        """Its own clock at that real time."""
        return at * self.rate

    def may_act(self, at: float) -> bool:
        """Whether the product's Guard would let a mutation start now."""
        guard = Leadership(lambda: self.now(at), self.view.timings.call_timeout)
        if self.term:
            guard.open(Term(identity=self.name, epoch=Epoch(self.term), since=""), self.deadline)
        try:
            guard.check()
        except NotLeading:
            return False
        return True


@dataclass(slots=True, kw_only=True)
class ElectionWorld:
    """One state. Only `copy` and the moves of `election_model` touch it."""

    candidates: dict[str, Candidate]
    now: float = 0.0
    calm: float = 0.0
    lease: Lease | None = None
    version: int = 0
    epoch: int = 0
    noted: int = 0
    late: tuple[tuple[float, Lease], ...] = ()
    crime: str = ""

    def copy(self) -> "ElectionWorld":
        """The same, to be changed by itself."""
        return replace(self, candidates={name: replace(c) for name, c in self.candidates.items()})

    # ── the API server ──

    def answer(self, call: Call) -> Call:
        """The request arrives."""
        if call.kind == "GET":
            return replace(call, answer=self.lease, said="ok")
        assert call.lease is not None
        said = self.write(call.lease)
        return replace(call, answer=self.lease if said == "ok" else None, said=said)

    def write(self, lease: Lease) -> str:
        """PUT with a version, or POST without."""
        standing = self.lease.version if self.lease else ""
        if standing != lease.version:
            return "conflict"
        self.version += 1
        self.lease = replace(lease, version=str(self.version))
        if lease.epoch < self.noted:
            self.crime = f"the epoch on the Lease fell from {self.noted} to {lease.epoch}"
        self.noted = max(self.noted, lease.epoch)
        self.tell(self.lease)
        return "ok"

    def tell(self, lease: Lease | None) -> None:
        """The watches of all hear of it."""
        for candidate in self.candidates.values():
            candidate.heard = (*candidate.heard, (self.now + WAY_S, lease))

    # ── the table ──

    def raise_epoch(self, floor: int) -> int:
        """The epoch is raised; whoever has an older one is told by the next write."""
        self.epoch = max(self.epoch, floor) + 1
        for candidate in self.candidates.values():
            if candidate.term:
                candidate.fence_due = min(candidate.fence_due, self.now + FENCE_S)
        return self.epoch

    def fence(self, who: Candidate) -> None:
        """A write of this candidate is refused: its deadline is now."""
        who.fence_due = NEVER_S
        if who.term:
            who.term, who.deadline, who.fenced_at = 0, min(who.deadline, who.now(self.now)), who.now(self.now)
            who.turn_at = self.now if who.call is None else who.turn_at

    # ── the guarantee ──

    def watch_mutations(self) -> None:
        """Note until when mutations may run, and whether two candidates may have one under way at once."""
        acting = []
        for who in self.candidates.values():
            limit = who.view.timings.call_timeout / who.rate
            latest = min(self.now, who.deadline / who.rate - limit) if who.term else -inf
            if latest > -inf and who.may_act(latest):
                who.busy_until = max(who.busy_until, latest + limit)
            if who.may_act(self.now):
                acting.append(who)
        for who in acting:
            others = [c.name for c in self.candidates.values() if c is not who and c.busy_until > self.now]
            if others:
                self.crime = f"{who.name} may change the world while a call of {others[0]} may be under way"


def fresh(rates: dict[str, float], timings: Timings) -> ElectionWorld:
    """Candidates that have just started, one after the other."""
    candidates = {
        name: Candidate(name=name, rate=rate, view=View(identity=name, timings=timings), turn_at=0.3 * number)
        for number, (name, rate) in enumerate(rates.items())
    }
    return ElectionWorld(candidates=candidates)


class Moves:
    """What a candidate does in one turn, and what comes back to it: the product's Elector, cut into single moves."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._step: Callable[[View, float, str], Decision] = rules.election.step

    def turn(self, world: ElectionWorld, who: Candidate, pause: float = 0.0) -> None:
        """Take in, decide, do. With `pause` it stands still after the decision, before anything is sent."""
        know, now = self._rules.candidacy, who.now(world.now)
        self._take_in(world, who, now)
        decision = self._step(who.view, now, f"{who.name}@{world.now:.3f}")
        who.turn_at = NEVER_S
        match decision:
            case Look():
                self._send(world, who, "GET", None, pause)
            case Acquire(lease=lease) | Renew(lease=lease):
                who.view = know.sending(who.view, lease)
                self._send(world, who, "PUT", lease, pause)
            case ReleaseLease(lease=lease):
                self._send(world, who, "RELEASE", lease, pause)
            case Begin(epoch=epoch):
                who.view = know.beginning(who.view, now)
                who.raising = Raise(attempt=who.view.attempt, floor=epoch, arrives=world.now + RAISE_S)
                who.turn_at = world.now
            case Resign(why=why):
                who.term, who.deadline, who.fence_due = 0, min(who.deadline, now), NEVER_S
                who.view = know.resigned(who.view, why, now, 0.0)
                who.turn_at = world.now
            case Follow(until=until) | Hold(until=until):
                who.turn_at = max(world.now + 0.001, min(until / who.rate, world.now + 60.0))

    def returned(self, world: ElectionWorld, who: Candidate) -> None:
        """The answer of its call is here, or its time is up."""
        know, now, call = self._rules.candidacy, who.now(world.now), who.call
        assert call is not None
        who.call, who.turn_at = None, world.now
        match call.kind, call.said:
            case "GET", "ok":
                who.view = know.observe(who.view, call.answer, now)
            case "GET", _:
                who.view = know.unseen(who.view, now)
            case "RELEASE", _:
                who.view = know.release_tried(who.view, call.answer, now)
            case _, "ok":
                who.view = know.acknowledged(who.view, call.answer, call.sent, 0.0)
                who.deadline = max(who.deadline, who.view.deadline) if who.term else who.deadline
                who.renewals += 1
            case _, "conflict":
                who.view = know.refused(who.view, now)
            case _:
                who.view = know.unanswered(who.view, call.sent)

    def raised(self, world: ElectionWorld, who: Candidate) -> None:
        """The table has answered to the raising of the epoch."""
        know, now, outcome = self._rules.candidacy, who.now(world.now), who.raising
        assert outcome is not None
        who.raising, who.turn_at = None, world.now
        if outcome.attempt != who.view.attempt or who.view.renewed_at is None:
            return
        if not outcome.epoch:
            who.view = know.begin_failed(who.view)
            return
        who.view = know.began(who.view, outcome.epoch, now)
        who.term, who.deadline, who.renewals = outcome.epoch, who.view.deadline, 0
        who.fence_due = NEVER_S if who.term == world.epoch else world.now + FENCE_S

    def _take_in(self, world: ElectionWorld, who: Candidate, now: float) -> None:
        know = self._rules.candidacy
        if world.now >= who.hung_until:
            who.view = replace(who.view, progress=now)
        if who.fenced_at is not None and who.view.stage is Stage.OPEN and not who.term:
            who.view = know.fenced(who.view, who.fenced_at)
        who.fenced_at = None
        ready = [lease for at, lease in who.heard if at <= world.now + INSTANT_S]
        who.heard = tuple((at, lease) for at, lease in who.heard if at > world.now + INSTANT_S)
        for lease in ready:
            who.view = know.hear(who.view, lease, now)

    def _send(self, world: ElectionWorld, who: Candidate, kind: str, lease: Lease | None, pause: float) -> None:
        leaves, now = world.now + pause, who.now(world.now)
        call = Call(kind=kind, lease=lease, sent=now, arrives=leaves + WAY_S, back=leaves + 2 * WAY_S)
        who.call, who.frozen_until = call, max(who.frozen_until, leaves)
