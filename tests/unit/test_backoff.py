"""The backoff: one formula, for all who try again."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.engine.circuit_breakers import PAUSE as BREAKER
from controller.engine.memory import COOLDOWN, FLAP, REPAIR
from controller.engine.workqueue import BACKOFF
from controller.kube.informer import PAUSE as INFORMER
from state.backoff import Backoff
from state.connection import BATCH_PAUSE
from state.epochs import PAUSE as EPOCHS

ROOT = Path(__file__).parents[2]
HALF, NONE = 0.5, 0.0


@pytest.mark.parametrize(
    ("backoff", "pauses"),
    [
        (BACKOFF, [0.5, 1, 2, 4, 8, 16, 30, 30]),
        (INFORMER, [0.2, 0.4, 0.8, 1.6, 3.2, 5, 5]),
        (BREAKER, [2, 4, 8, 16, 32, 60, 60]),
        (COOLDOWN, [5, 10, 20, 40, 80, 160, 300, 300]),
        (FLAP, [5, 10, 20, 40, 80, 160, 300, 300]),
        (REPAIR, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]),
        (BATCH_PAUSE, [0.02, 0.04, 0.08]),
        (EPOCHS, [0.02, 0.04, 0.08]),
    ],
)
def test_the_longest_pauses_double_up_to_the_cap(backoff: Backoff, pauses: list[float]) -> None:
    assert [backoff.after(failures) for failures in range(len(pauses))] == pytest.approx(pauses)


@pytest.mark.parametrize(
    ("backoff", "least"), [(BACKOFF, HALF), (INFORMER, HALF), (BREAKER, 1.0), (BATCH_PAUSE, NONE), (EPOCHS, NONE)]
)
def test_chance_takes_off_what_is_not_sure(backoff: Backoff, least: float) -> None:
    assert backoff.after(3, chance=0.0) == pytest.approx(least * backoff.after(3))


@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1))
def test_no_pause_leaves_its_bounds(failures: int, chance: float, sure: float) -> None:
    backoff = Backoff(base_s=0.5, cap_s=30.0, sure=sure)
    assert sure * 0.5 - 1e-9 <= backoff.after(failures, chance) <= 30.0 + 1e-9
    assert backoff.after(failures) <= backoff.after(failures + 1)


REPEATED = re.compile(r"\b2(?:\.0)? ?\*\* ?[a-z(]|\buniform\(|1 << min")


def test_nobody_else_doubles() -> None:
    sources = [path for folder in ("controller", "state") for path in (ROOT / folder).rglob("*.py")]
    found = {path.relative_to(ROOT).as_posix() for path in sources if REPEATED.search(path.read_text())}
    assert found == {"state/backoff.py"}
