"""The Guard: what may start, and when nothing may any more."""

import pytest

from controller.core.ports import Guard
from controller.core.views import Term
from controller.engine.leadership import Leadership
from state.errors import NotLeading
from state.model import Epoch


class Now:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def led(now: Now, *, epoch: int = 7, deadline: float = 110.0) -> Leadership:
    leadership = Leadership(now, call_timeout=4.0)
    leadership.open(Term(identity="me", epoch=Epoch(epoch), since="s"), deadline)
    return leadership


def may_start(guard: Guard) -> bool:
    try:
        guard.check()
    except NotLeading:
        return False
    return True


def test_nothing_starts_before_a_term() -> None:
    leadership = Leadership(Now(), call_timeout=4.0)
    assert not may_start(leadership)
    assert leadership.term is None


def test_a_call_starts_only_if_its_limit_ends_before_the_deadline() -> None:
    now = Now()
    leadership = led(now)
    now.at = 106.0
    assert may_start(leadership)
    now.at = 106.001
    assert not may_start(leadership)


def test_a_renewal_moves_the_deadline_and_never_backwards() -> None:
    leadership = led(Now())
    leadership.extend(112.0)
    leadership.extend(111.0)
    assert leadership.deadline == 112.0


def test_a_renewal_does_not_revive_a_term_that_ended() -> None:
    leadership = led(Now())
    leadership.end()
    leadership.extend(120.0)
    assert leadership.deadline == 100.0
    assert not may_start(leadership)


def test_a_fence_makes_now_the_deadline_and_wakes_the_election() -> None:
    now, woken = Now(), list[float]()
    leadership = led(now)
    leadership.on_fence(lambda: woken.append(now.at))
    now.at = 101.0
    leadership.fence(Epoch(7))
    assert (leadership.deadline, leadership.fenced_at, woken) == (101.0, 101.0, [101.0])
    assert not may_start(leadership)
    assert leadership.term is None


@pytest.mark.parametrize("epoch", [6, 8])
def test_a_fence_of_another_epoch_than_the_terms_is_old_news(epoch: int) -> None:
    leadership = led(Now())
    leadership.fence(Epoch(epoch))
    assert may_start(leadership)


def test_after_close_nothing_starts_not_even_in_a_new_term() -> None:
    now = Now()
    leadership = led(now)
    leadership.close()
    leadership.open(Term(identity="me", epoch=Epoch(8), since="s"), 120.0)
    with pytest.raises(NotLeading, match="shutting down"):
        leadership.check()
