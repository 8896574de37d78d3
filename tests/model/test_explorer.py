"""The explorer by itself, on a model that one can see through: the fewest faults first, circles, shortening."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.model.explorer import Move, Search


@dataclass(frozen=True, slots=True, kw_only=True)
class Stairs:
    """Naturally one goes up by one, and rests on `top`. One may also fall, or be pushed up by two."""

    top: int = 4
    forbidden: int = 99
    endless: bool = False

    def start(self) -> int:
        """At the bottom."""
        return 0

    def key(self, state: int) -> int:
        """The step."""
        return state

    def natural(self, state: int) -> Move | None:
        """Up."""
        return ("up",) if state != self.top or self.endless else None

    def others(self, state: int) -> Sequence[Move]:
        """Falling, or a push."""
        return [("falls",), ("push",)] if 0 < state < self.top else []

    def after(self, state: int, move: Move) -> int:
        """The next step."""
        match move:
            case ("up",):
                return 2 if self.endless and state == self.top else state + 1
            case ("falls",):
                return 0
            case _:
                return state + 2

    def go_on(self, state: int, move: Move) -> int:
        """The same."""
        return self.after(state, move)

    def broken(self, state: int) -> str:
        """One step is forbidden."""
        return "there" if state == self.forbidden else ""

    def unsettled(self, state: int) -> str:
        """Beyond the top."""
        return "" if state == self.top else "beyond the top"


def test_all_states_within_the_bound_are_seen() -> None:
    report = Search(Stairs(top=4)).exhaust(0)
    assert (report.states, report.rests, report.found, report.complete) == (5, 1, [], True)


def test_the_first_counterexample_has_the_fewest_moves_out_of_the_ordinary() -> None:
    [found] = Search(Stairs(top=4, forbidden=5)).exhaust(3).found
    assert found.moves == (("up",), ("up",), ("up",), ("push",))
    assert found.unnatural == frozenset({3})
    assert str(found).splitlines()[-1] == "   4 * push"


def test_what_goes_round_in_circles_is_found() -> None:
    [found] = Search(Stairs(top=4, endless=True)).exhaust(0).found
    assert "circles" in found.why


def test_a_random_run_is_cut_down_to_what_breaks_it() -> None:
    report = Search(Stairs(top=20, forbidden=21)).walk(seed=1, walks=200, rate=0.5)
    [found] = report.found
    assert len(found.unnatural) <= 2
    assert found.moves[-1] == ("push",)


def test_an_early_end_is_said() -> None:
    report = Search(Stairs(top=150, forbidden=999), enough=lambda: True).exhaust(2)
    assert not report.complete
