"""The queue before a bucket, with real threads: in order, bounded, and left at once by a replica that stops leading."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from controller.aws.gate import Throttle
from controller.aws.throttle import RateLimit
from controller.core.ports import Clock
from state.errors import AlreadyAssociated, NotLeading, Throttled, Unavailable

ACTION = "AssociateAddress"
LIMIT_S = 30.0


def throttle(burst: float, rate: float, patience_s: float = 10.0, clock: Clock = time.monotonic) -> Throttle:
    """One action with this limit."""
    return Throttle({ACTION: RateLimit(burst=burst, rate=rate)}, clock=clock, patience_s=patience_s)


class Hand:
    """A clock that only the test moves."""

    now = 0.0

    def __call__(self) -> float:
        """Now."""
        return self.now


def nothing() -> None:
    """A guard that has no objections."""


def refuse_probes(subject: Throttle, tokens: int) -> None:
    """Use up the tokens and have the probe refused, so that the next calls must wait."""
    for _ in range(tokens):
        with subject.turn(ACTION, nothing):
            pass
    with pytest.raises(Throttled), subject.turn(ACTION, nothing):
        raise Throttled("Request limit exceeded.")


def test_an_action_without_a_limit_goes_at_once() -> None:
    with throttle(1, 1).turn("DescribeVpcs", nothing):
        pass


def test_calls_wait_for_their_tokens() -> None:
    subject = throttle(burst=2, rate=20)
    started = time.monotonic()  # before the last token went: a pause from then on earns tokens, too
    refuse_probes(subject, 2)
    for _ in range(4):
        with subject.turn(ACTION, nothing):
            pass
    assert time.monotonic() - started >= 3 / 20


def test_who_waits_too_long_is_told_so() -> None:
    subject = throttle(burst=1, rate=0.01, patience_s=0.1)
    refuse_probes(subject, 1)
    with pytest.raises(Throttled) as caught, subject.turn(ACTION, nothing):
        raise AssertionError("there is no token for a minute")
    assert caught.value.code == "NoToken"


def test_who_stops_leading_leaves_the_queue() -> None:
    subject = throttle(burst=1, rate=0.01)
    refuse_probes(subject, 1)
    leading = threading.Event()
    leading.set()
    waiting = threading.Event()

    def check() -> None:
        waiting.set()
        if not leading.is_set():
            raise NotLeading("over")

    def wait() -> None:
        with subject.turn(ACTION, check):
            raise AssertionError("there is no token for a minute")

    with ThreadPoolExecutor(3) as pool:
        waiters = [pool.submit(wait) for _ in range(3)]
        assert waiting.wait(LIMIT_S)
        leading.clear()
        for waiter in waiters:
            with pytest.raises(NotLeading):
                waiter.result(timeout=LIMIT_S)


def test_first_come_first_served() -> None:
    clock = Hand()
    subject = throttle(burst=1, rate=20, clock=clock)
    refuse_probes(subject, 1)
    order: list[int] = []

    def wait(number: int) -> None:
        with subject.turn(ACTION, nothing):
            order.append(number)

    for number in range(6):
        threading.Thread(target=wait, args=(number,), daemon=True).start()
        until_more_than(number, lambda: subject.waiting(ACTION))
    for number in range(6):
        clock.now += 1.0  # no more than one token comes of it
        until_more_than(number, lambda: len(order))
    assert order == list(range(6))


def until_more_than(count: int, counted: Callable[[], int]) -> None:
    """Poll for some time at most."""
    limit = time.monotonic() + LIMIT_S
    while counted() <= count:
        assert time.monotonic() < limit
        time.sleep(0.001)


@pytest.mark.parametrize("error", [AlreadyAssociated("no"), Unavailable("perhaps"), NotLeading("not us"), OSError()])
def test_a_call_that_fails_gives_its_place_back(error: Exception) -> None:
    subject = throttle(burst=1000, rate=1000)
    for _ in range(50):
        with pytest.raises(type(error)), subject.turn(ACTION, nothing):
            raise error


def test_forty_threads_get_through_an_account_without_limits() -> None:
    subject = throttle(burst=10, rate=1)

    def call(_: int) -> None:
        with subject.turn(ACTION, nothing):
            pass

    started = time.monotonic()
    with ThreadPoolExecutor(40) as pool:
        list(pool.map(call, range(500)))
    assert time.monotonic() - started < 10  # 490 s at the modelled rate
