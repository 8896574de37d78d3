"""The election's model: what may happen to candidates, their calls, the Lease and the epoch, and what must hold.

Out of the ordinary are: a request or an answer that is lost, slow, or arrives when its sender has long given up; a
candidate that is frozen (also between reading its clock and sending), killed, or whose loop hangs; a watch that tells
nothing; an epoch that cannot be raised, or slowly; a leader that is fenced; the Lease deleted by hand.

At rest exactly one leads and has renewed twice, and everybody knows it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf

from controller.core.candidacy import Timings
from tests.model.election_canon import canonical
from tests.model.election_world import INSTANT_S, NEVER_S, PATIENCE_S, Candidate, ElectionWorld, Moves, Rules, fresh
from tests.model.explorer import Move

PAUSES = ("3", "11", "16")
DRIFTING = {"r1": 0.8, "r2": 1.19}
"""Clocks whose rates differ by nearly as much as is allowed: lease duration / renew deadline."""

Event = tuple[float, str, str]


class ElectionModel:
    """Candidates of these clock rates, and every way in which their race may go."""

    def __init__(
        self, rates: dict[str, float] | None = None, timings: Timings | None = None, rules: Rules | None = None
    ) -> None:
        self._rates, self._timings = rates or DRIFTING, timings or Timings()
        self._moves = Moves(rules or Rules())

    def start(self) -> ElectionWorld:
        """Nobody leads, and there is no Lease."""
        return fresh(self._rates, self._timings)

    def key(self, state: ElectionWorld) -> bytes:
        """The state, its times counted from now."""
        return canonical(state)

    def natural(self, state: ElectionWorld) -> Move | None:
        """What is next in time."""
        if self._settled(state) or state.now > state.calm + PATIENCE_S:
            return None
        at, who, what = min(_events(state))
        return (what, who) if at < inf else None

    def others(self, state: ElectionWorld) -> Sequence[Move]:
        """What may become of it instead, and what people may do."""
        natural = self.natural(state)
        if natural is None:
            return []
        return list(_instead(state, *natural))

    def go_on(self, state: ElectionWorld, move: Move) -> ElectionWorld:
        """The same."""
        return self.after(state, move)

    def after(self, state: ElectionWorld, move: Move) -> ElectionWorld:
        """The world after this move."""
        world = state.copy()
        at, _, _ = min(_events(state))
        world.now = max(world.now, at)
        world.watch_mutations()
        if len(move) > 2 or move[0] in ("lease", "table"):
            world.calm = world.now
        self._do(world, move)
        world.watch_mutations()
        return world

    def broken(self, state: ElectionWorld) -> str:
        """What must never be."""
        return state.crime

    def unsettled(self, state: ElectionWorld) -> str:
        """What must not stay."""
        if self._settled(state):
            return ""
        return f"{PATIENCE_S:g} s after the last fault {len(_leaders(state))} candidates lead"

    def _settled(self, world: ElectionWorld) -> bool:
        leaders = _leaders(world)
        if len(leaders) != 1 or world.late or world.now < world.calm + 1.0:
            return False
        known = all(
            c.view.lease is not None and c.view.lease.holder == leaders[0].name for c in world.candidates.values()
        )
        idle = all(
            c.raising is None and world.now >= max(c.frozen_until, c.hung_until) for c in world.candidates.values()
        )
        return known and idle and leaders[0].renewals >= 2 and leaders[0].term == world.epoch

    def _do(self, world: ElectionWorld, move: Move) -> None:
        match move:
            case ("lease", "is deleted"):
                world.lease, world.noted = None, 0
                world.tell(None)
            case ("table", "fences"):
                world.raise_epoch(0)
            case ("late request", _):
                world.late, (_, lease) = world.late[1:], world.late[0]
                world.write(lease)
            case (what, name, *rest):
                self._do_one(world, world.candidates[name], what, rest)
            case _:
                raise AssertionError(move)

    def _do_one(self, world: ElectionWorld, who: Candidate, what: str, rest: Sequence[str]) -> None:
        match what:
            case "turn":
                self._turn(world, who, rest)
            case "arrives":
                _arrive(world, who, rest)
            case "returns":
                self._return(world, who, rest)
            case "raises":
                _raise(world, who, rest)
            case "is told":
                self._moves.raised(world, who)
            case "is fenced":
                world.fence(who)
            case "hears":
                _hear(world, who, lost=bool(rest))
            case _:
                raise AssertionError(what)

    def _turn(self, world: ElectionWorld, who: Candidate, rest: Sequence[str]) -> None:
        match rest:
            case []:
                self._moves.turn(world, who)
            case ["killed"]:
                del world.candidates[who.name]
            case ["its loop hangs"]:
                who.hung_until = world.now + 25.0
                self._moves.turn(world, who)
            case ["frozen", seconds]:
                who.frozen_until = world.now + float(seconds)
            case ["frozen before it sends", seconds]:
                self._moves.turn(world, who, float(seconds))

    def _return(self, world: ElectionWorld, who: Candidate, rest: Sequence[str]) -> None:
        assert who.call is not None
        limit = who.call.sent / who.rate + who.view.timings.call_timeout / who.rate
        match rest:
            case []:
                self._moves.returned(world, who)
            case ["lost"]:
                who.call = replace(who.call, answer=None, said="timed out", back=max(limit, world.now))
            case ["slow"]:
                who.call = replace(who.call, back=max(limit - 0.1, world.now))


def _leaders(world: ElectionWorld) -> list[Candidate]:
    return [who for who in world.candidates.values() if who.may_act(world.now)]


def _events(world: ElectionWorld) -> Iterator[Event]:
    for at, _ in world.late[:1]:
        yield (at, "server", "late request")
    for name, who in world.candidates.items():
        if who.call is None:
            yield (max(who.turn_at, who.frozen_until), name, "turn")
        elif not who.call.said:
            yield (who.call.arrives, name, "arrives")
        else:
            yield (max(who.call.back, who.frozen_until), name, "returns")
        if who.raising is not None:
            told = who.raising.epoch is not None
            yield (max(world.now, who.frozen_until), name, "is told") if told else (who.raising.arrives, name, "raises")
        if who.fence_due < NEVER_S:
            yield (max(who.fence_due, who.frozen_until), name, "is fenced")
        if who.heard and who.call is None and who.turn_at > max(world.now, who.heard[0][0]) + INSTANT_S:
            yield (max(world.now, who.heard[0][0], who.frozen_until), name, "hears")


def _instead(world: ElectionWorld, what: str, name: str) -> Iterator[Move]:
    match what:
        case "turn":
            yield from ((what, name, "killed"), (what, name, "its loop hangs")) if len(world.candidates) > 1 else ()
            for pause in PAUSES:
                yield (what, name, "frozen", pause)
                yield (what, name, "frozen before it sends", pause)
        case "arrives":
            yield from ((what, name, "lost"), (what, name, "late", "9"), (what, name, "late", "19"))
        case "returns":
            yield from ((what, name, "lost"), (what, name, "slow"))
        case "raises":
            yield from ((what, name, "fails"), *([(what, name, "slow")] if _may_slow(world, name) else []))
        case "hears":
            yield (what, name, "nothing")
    if _all_have_seen(world):
        yield ("lease", "is deleted")
    if any(who.term for who in world.candidates.values()):
        yield ("table", "fences")


def _all_have_seen(world: ElectionWorld) -> bool:
    """Whether deleting the Lease is harmless: who has not seen its holder could take a new one at once, and a creation
    that is still on its way would find room."""
    held = world.lease is not None and not world.late and world.lease.holder
    return bool(held) and all(c.view.lease and c.view.lease.holder == held for c in world.candidates.values())


def _may_slow(world: ElectionWorld, name: str) -> bool:
    raising = world.candidates[name].raising
    return raising is not None and not raising.slow


def _arrive(world: ElectionWorld, who: Candidate, rest: Sequence[str]) -> None:
    assert who.call is not None
    limit = who.call.sent / who.rate + who.view.timings.call_timeout / who.rate
    if not rest:
        who.call = world.answer(who.call)
        return
    if rest[0] == "late" and who.call.lease is not None:
        world.late = tuple(
            sorted((*world.late, (world.now + float(rest[1]), who.call.lease)), key=lambda late: late[0])
        )
    who.call = replace(who.call, said="timed out", back=max(limit, world.now))


def _hear(world: ElectionWorld, who: Candidate, *, lost: bool) -> None:
    """The watch wakes it; the news itself is taken in at its turn."""
    if lost:
        who.heard = who.heard[1:]
    else:
        who.turn_at = world.now


def _raise(world: ElectionWorld, who: Candidate, rest: Sequence[str]) -> None:
    assert who.raising is not None
    if rest == ["slow"]:
        who.raising = replace(who.raising, arrives=who.raising.arrives + 16.0, slow=True)
    else:
        who.raising = replace(who.raising, epoch=0 if rest else world.raise_epoch(who.raising.floor))
