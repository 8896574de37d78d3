"""The port `Tokens`: what a plan may rely on before a mutation, true of the throttle and of the fake alike.

How many there are is their own affair: the throttle tries one more than it knows of.
"""

from itertools import takewhile

import pytest

from controller.aws.gate import Throttle
from controller.aws.throttle import RateLimit
from controller.core.tokens import Tokens
from tests.fakes.tokens import FreeTokens

ACTION = "AllocateAddress"
BURST = 2


@pytest.fixture(params=["fake", "throttle"])
def tokens(request: pytest.FixtureRequest) -> Tokens:
    """Tokens of one action, at an instant that does not pass."""
    if request.param == "fake":
        return FreeTokens(left={ACTION: BURST})
    return Throttle({ACTION: RateLimit(burst=BURST, rate=1.0)}, clock=lambda: 0.0)


def taken(tokens: Tokens) -> list[object]:
    """All that can be had, of 100."""
    asked = (tokens.take(ACTION) for _ in range(100))
    return list(takewhile(lambda grant: not isinstance(grant, float), asked))


def test_who_comes_too_late_is_told_how_long_to_wait(tokens: Tokens) -> None:
    assert BURST <= len(taken(tokens)) < 100
    wait = tokens.take(ACTION)
    assert isinstance(wait, float)
    assert wait > 0


def test_what_is_given_back_can_be_had_again_once(tokens: Tokens) -> None:
    tokens.give_back(ACTION, taken(tokens)[-1])
    assert len(taken(tokens)) == 1


def test_what_ec2_refused_for_want_of_a_token_cannot_be_had_again(tokens: Tokens) -> None:
    tokens.settle(ACTION, taken(tokens)[-1], throttled=True)
    assert taken(tokens) == []


def test_an_action_without_a_limit_is_never_held_back(tokens: Tokens) -> None:
    assert not any(isinstance(tokens.take("DescribeVpcs"), float) for _ in range(100))
