"""Searches the runs of a model: all of them up to a bound on how much goes wrong, and random ones beyond it.

A model has one natural move in each state (what a fair scheduler would do next if nothing went wrong) and others:
faults, delays, somebody else going first. A run is natural but for some of those. Searched breadth-first by how many
they are, so the first counterexample has the fewest; states that are equal but for names and dates are one state.
From every state that is reached, the natural run must come to rest within `MOST_STEPS`, and in order.
"""

from collections import deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Generic, Protocol, TypeVar

Move = tuple[str, ...]
MOST_STEPS = 400

S = TypeVar("S")
S_contra = TypeVar("S_contra", contravariant=True)


class Model(Protocol[S]):
    """What is searched. `after` gives a new state and leaves the old one as it is; `go_on` may use it up."""

    def start(self) -> S:
        """The first state."""
        ...

    def key(self, state: S) -> Hashable:
        """Equal for states that differ in names and dates only."""
        ...

    def natural(self, state: S) -> Move | None:
        """The move that a fair scheduler makes; None: at rest."""
        ...

    def others(self, state: S) -> Sequence[Move]:
        """What may happen instead."""
        ...

    def after(self, state: S, move: Move) -> S:
        """The state that follows."""
        ...

    def go_on(self, state: S, move: Move) -> S:
        """The same, where nobody needs the old state any more: it need not be copied."""
        ...

    def broken(self, state: S) -> str:
        """Which guarantee the way here has broken; empty: none."""
        ...

    def unsettled(self, state: S) -> str:
        """At rest: what is not as it should be; empty: nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A run that breaks a guarantee: its moves, and which of them were not natural."""

    why: str
    moves: tuple[Move, ...]
    unnatural: frozenset[int]

    def __str__(self) -> str:
        lines = [f"{self.why}, after {len(self.moves)} steps ({len(self.unnatural)} marked ones out of the ordinary):"]
        for number, move in enumerate(self.moves):
            lines.append(f"{number + 1:4} {'*' if number in self.unnatural else ' '} {' '.join(move)}")
        return "\n".join(lines)


@dataclass(slots=True, kw_only=True)
class Report:
    """What a search has seen. `complete`: nothing within the bound was left out."""

    depth: int = 0
    states: int = 0
    steps: int = 0
    rests: int = 0
    longest: int = 0
    walks: int = 0
    complete: bool = True
    found: list[Counterexample] = field(default_factory=list)


@dataclass(slots=True)
class _Origin(Generic[S]):
    state: S
    key: Hashable


class Search(Generic[S]):
    """One search. `enough` is asked now and then, and ends it early."""

    def __init__(self, model: Model[S], *, enough: Callable[[], bool] = lambda: False, most: int = 1) -> None:
        self._model, self._enough, self._most = model, enough, most
        self._parents: dict[Hashable, tuple[Hashable, Move, bool]] = {}
        self.report = Report()

    # ── all runs up to a bound ──

    def exhaust(self, depth: int) -> Report:
        """Every run with at most `depth` moves out of the ordinary, or the first counterexamples."""
        start = self._model.start()
        self.report.depth = depth
        level = list(self._follow(start, None, (), keep=depth > 0))
        for reached in range(1, depth + 1):
            level = list(self._next_level(level, keep=reached < depth))
        return self.report

    def _next_level(self, level: list[_Origin[S]], *, keep: bool) -> Iterator[_Origin[S]]:
        queue = deque(level)
        level.clear()
        while queue:
            origin = queue.popleft()
            for move in self._model.others(origin.state):
                if self._done():
                    return
                self.report.steps += 1
                yield from self._follow(self._model.after(origin.state, move), origin.key, move, keep=keep)

    def _follow(self, state: S, parent: Hashable, move: Move, *, keep: bool) -> Iterator[_Origin[S]]:
        """The natural run from here up to what is known already; yields its states if they are to be kept."""
        own: set[Hashable] = set()
        unnatural = bool(move)
        for _ in range(MOST_STEPS):
            key = self._model.key(state)
            if self._fault(state, key, parent, move, unnatural=unnatural):
                return
            if key in own:
                self._report("it goes round in circles", parent, move, unnatural=unnatural)
            if key in self._parents:
                return
            own.add(key)
            self._parents[key] = (parent, move, unnatural)
            self.report.states += 1
            if keep:
                yield _Origin(state, key)
            natural = self._model.natural(state)
            if natural is None:
                self.report.rests += 1
                return
            parent, move, unnatural = key, natural, False
            state = self._model.after(state, natural) if keep else self._model.go_on(state, natural)
            self.report.steps += 1
            self.report.longest = max(self.report.longest, len(own))
        self._report(f"no rest within {MOST_STEPS} steps", parent, move, unnatural=unnatural)

    def _fault(self, state: S, key: Hashable, parent: Hashable, move: Move, *, unnatural: bool) -> bool:
        why = self._model.broken(state)
        if not why and key not in self._parents and self._model.natural(state) is None:
            why = self._model.unsettled(state)
        if why:
            self._report(why, parent, move, unnatural=unnatural)
        return bool(why)

    def _report(self, why: str, parent: Hashable, move: Move, *, unnatural: bool) -> None:
        moves, marks = [move] if move else [], [unnatural] if move else []
        while parent is not None:
            parent, earlier, mark = self._parents[parent]
            if earlier:
                moves.append(earlier)
                marks.append(mark)
        marks.reverse()
        chosen = frozenset(number for number, mark in enumerate(marks) if mark)
        self.report.found.append(Counterexample(why=why, moves=tuple(reversed(moves)), unnatural=chosen))

    def _done(self) -> bool:
        if len(self.report.found) >= self._most:
            return True
        if self.report.steps % 64 == 0 and self._enough():
            self.report.complete = False
        return not self.report.complete

    # ── random runs ──

    def walk(self, seed: int, walks: int, *, length: int = 120, rate: float = 0.12) -> Report:
        """Random runs: for `length` steps each may be out of the ordinary, then nature takes its course."""
        self.report.depth = max(self.report.depth, 0)
        for number in range(walks):
            if self._done():
                break
            self._stroll(Random(f"{seed}/{number}"), length, rate)
            self.report.walks += 1
        return self.report

    def _stroll(self, random: Random, length: int, rate: float) -> None:
        run: list[tuple[Move, bool]] = []
        state, move = self._model.start(), None
        for step in range(length + MOST_STEPS):
            move, odd = self._choose(state, random, rate if step < length else 0.0)
            why = self._model.broken(state) or ("" if move else self._model.unsettled(state))
            if why:
                self.report.found.append(self._shortened(why, run))
            if move is None or why:
                self.report.rests += 1
                self.report.longest = max(self.report.longest, step)
                return
            state = self._model.go_on(state, move)
            run.append((move, odd))
            self._count(state)
        self.report.found.append(self._shortened(f"no rest within {MOST_STEPS} steps", run))

    def _count(self, state: S) -> None:
        self.report.steps += 1
        key = self._model.key(state)
        if key not in self._parents:
            self._parents[key] = (None, (), False)
            self.report.states += 1

    def _choose(self, state: S, random: Random, rate: float) -> tuple[Move | None, bool]:
        others = self._model.others(state) if random.random() < rate else ()
        return (random.choice(others), True) if others else (self._model.natural(state), False)

    def _shortened(self, why: str, run: list[tuple[Move, bool]]) -> Counterexample:
        """Leave out, one by one, what is out of the ordinary and not needed for some guarantee to break."""
        best = _example(why, run)
        odd = [(number, move) for number, (move, mark) in enumerate(run) if mark]
        position = 0
        while position < len(odd):
            fewer = odd[:position] + odd[position + 1 :]
            shorter = self._replay(fewer)
            if shorter is None:
                position += 1
            else:
                best, odd = shorter, fewer
        return best

    def _replay(self, odd: list[tuple[int, Move]]) -> Counterexample | None:
        """The run with these moves, each as soon as it is possible after its step; None: it breaks nothing."""
        run: list[tuple[Move, bool]] = []
        state, left = self._model.start(), deque(odd)
        for step in range(len(odd) + 2 * MOST_STEPS):
            move = self._model.natural(state)
            why = self._model.broken(state) or ("" if move else self._model.unsettled(state))
            if why:
                return _example(why, run)
            due = bool(left) and left[0][0] <= step and left[0][1] in self._model.others(state)
            if due:
                move = left.popleft()[1]
            if move is None:
                return None
            state = self._model.go_on(state, move)
            run.append((move, due))
        return None


def _example(why: str, run: list[tuple[Move, bool]]) -> Counterexample:
    odd = frozenset(number for number, (_, mark) in enumerate(run) if mark)
    return Counterexample(why=why, moves=tuple(move for move, _ in run), unnatural=odd)
