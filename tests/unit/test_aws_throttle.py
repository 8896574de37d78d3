"""The model of one bucket, driven by hand and by hypothesis on a clock of its own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.aws.throttle import (
    DEFAULT_LIMITS,
    FIRST_WINDOW,
    MOST_PROBES,
    PROBE_PAUSE_S,
    REGROWTH_S,
    Bucket,
    Grant,
    RateLimit,
)
from sandbox.ec2.settings import AWS_BUCKETS

LIMIT = RateLimit(burst=50, rate=5)
PUBLISHED = {  # the page "Request throttling for the Amazon EC2 API": bucket size, tokens a second
    "AllocateAddress": (50, 5),
    "AssociateAddress": (50, 5),
    "DisassociateAddress": (50, 5),
    "ReleaseAddress": (50, 5),
    "DescribeAddresses": (100, 20),
    "DescribeNetworkInterfaces": (100, 20),  # filtered or paginated, as all of ours are
}


def test_the_defaults_are_those_that_aws_publishes() -> None:
    """The program's and the sandbox's, or a burst would only show that they agree with each other."""
    assert {name: (limit.burst, limit.rate) for name, limit in DEFAULT_LIMITS.items()} == PUBLISHED
    sandbox = {name: (AWS_BUCKETS[name].capacity, AWS_BUCKETS[name].refill_per_s) for name in PUBLISHED}
    assert sandbox == PUBLISHED


def grant(bucket: Bucket, now: float) -> Grant:
    """A grant that must be there."""
    turn = bucket.take(now)
    assert isinstance(turn, Grant)
    bucket.sends(turn)
    return turn


def serve(bucket: Bucket, calls: int, now: float) -> None:
    """So many calls, one after the other, all served at once."""
    for _ in range(calls):
        bucket.settle(grant(bucket, now), now, throttled=False)


def emptied() -> Bucket:
    """A bucket whose model is empty and was never refused, at time 0."""
    bucket = Bucket(LIMIT, 0.0)
    serve(bucket, 50, 0.0)
    return bucket


def calmed() -> Bucket:
    """A bucket that was refused a probe at time 0: it waits for tokens."""
    bucket = emptied()
    bucket.settle(grant(bucket, 0.0), 0.0, throttled=True)
    return bucket


def test_few_calls_go_before_the_first_answer() -> None:
    bucket = Bucket(LIMIT, 0.0)
    grants = [grant(bucket, 0.0) for _ in range(FIRST_WINDOW)]
    assert isinstance(bucket.take(0.0), float)
    bucket.settle(grants[0], 0.1, throttled=False)
    assert [isinstance(bucket.take(0.1), Grant) for _ in range(3)] == [True, True, False]


def test_one_probe_goes_beyond_the_model() -> None:
    bucket = emptied()
    assert grant(bucket, 0.0).probe
    assert isinstance(bucket.take(0.0), float)


def next_probe(bucket: Bucket, now: float) -> Grant | None:
    """Use up the tokens; the probe that may go then, if one may."""
    while isinstance(turn := bucket.take(now), Grant):
        bucket.sends(turn)
        if turn.probe:
            return turn
        bucket.settle(turn, now, throttled=False)
    return None


def test_after_each_refused_probe_there_is_none_for_longer() -> None:
    bucket, now = emptied(), 0.0
    for pause in (PROBE_PAUSE_S, 2 * PROBE_PAUSE_S, 4 * PROBE_PAUSE_S):
        probe = next_probe(bucket, now)
        assert probe is not None
        bucket.settle(probe, now, throttled=True)
        assert next_probe(bucket, now + pause - 0.001) is None
        now += pause


def test_waiting_as_long_as_told_gives_a_token() -> None:
    bucket = calmed()
    wait = bucket.take(0.0)
    assert isinstance(wait, float)
    assert wait == pytest.approx(1 / LIMIT.rate)
    assert not grant(bucket, wait).probe


def test_tokens_are_left_for_others_by_who_is_told_to() -> None:
    bucket = calmed()
    wait = bucket.take(0.0, 3)
    assert wait == pytest.approx(4 / LIMIT.rate)
    now = 3.5 / LIMIT.rate
    assert bucket.take(now, 3) == pytest.approx(0.5 / LIMIT.rate)
    assert isinstance(bucket.take(now), Grant)
    assert isinstance(bucket.take(now, 3), float)


def test_no_token_is_left_where_the_model_may_be_wrong() -> None:
    """Else an account that allows more would never be found out."""
    probe = emptied().take(0.0, 3)
    assert isinstance(probe, Grant)
    assert probe.probe


def test_who_is_not_to_find_out_leaves_them_all_the_same() -> None:
    assert isinstance(emptied().take(0.0, 3, probes=False), float)


def test_a_bucket_that_is_small_gives_what_it_has() -> None:
    bucket = Bucket(RateLimit(burst=2, rate=1), 0.0)
    serve(bucket, 2, 0.0)
    bucket.settle(grant(bucket, 0.0), 0.0, throttled=True)
    assert bucket.take(1.9, 3) == pytest.approx(0.1)
    assert isinstance(bucket.take(2.0, 3), Grant)


def test_success_far_beyond_the_model_doubles_it() -> None:
    bucket = emptied()
    for _ in range(20):
        if bucket.rate > LIMIT.rate:
            break
        bucket.settle(grant(bucket, 0.0), 0.0, throttled=False)
    assert bucket.rate == 2 * LIMIT.rate


def test_success_that_time_on_the_way_explains_proves_nothing() -> None:
    bucket, now = emptied(), 0.0
    for _ in range(50):
        probe = grant(bucket, now)
        now += 1.0  # five tokens later
        bucket.settle(probe, now, throttled=False)
        serve(bucket, 4, now)
    assert bucket.rate == LIMIT.rate


def test_one_refusal_with_a_token_is_jitter_two_are_company() -> None:
    bucket = calmed()
    bucket.settle(grant(bucket, 1.0), 1.0, throttled=True)
    assert bucket.rate == LIMIT.rate
    bucket.settle(grant(bucket, 2.0), 2.0, throttled=True)
    assert bucket.rate == LIMIT.rate / 2


def test_calls_that_were_under_way_at_a_refusal_teach_nothing_more() -> None:
    bucket = calmed()
    together = [grant(bucket, 2.0) for _ in range(4)]
    for sent in together:
        bucket.settle(sent, 2.1, throttled=True)
    bucket.settle(grant(bucket, 3.0), 3.0, throttled=True)
    assert bucket.rate == LIMIT.rate / 2


def held(bucket: Bucket, now: float) -> Grant:
    """A grant for a call that is not sent yet."""
    turn = bucket.take(now)
    assert isinstance(turn, Grant)
    return turn


@pytest.mark.parametrize(("sent_before", "wait_s"), [(0, 4.2), (1, 3.2), (3, 1.2)])
def test_a_refusal_leaves_the_next_tokens_to_calls_that_were_sent_after_it_or_not_yet(
    sent_before: int, wait_s: float
) -> None:
    """Three calls are granted beside the refused one: those that were sent before it have had their tokens."""
    bucket = Bucket(RateLimit(burst=50, rate=1), 0.0)
    serve(bucket, 46, 0.0)
    refused, *others = [held(bucket, 0.0) for _ in range(4)]
    for other in others[:sent_before]:
        bucket.sends(other)
    bucket.sends(refused)
    for other in others[sent_before:2]:
        bucket.sends(other)
    bucket.settle(refused, 0.0, throttled=True)
    assert bucket.take(wait_s - 0.3) == pytest.approx(0.1, abs=0.001)
    assert isinstance(bucket.take(wait_s), Grant)


def test_a_halved_rate_grows_back() -> None:
    bucket = calmed()
    for now in (1.0, 2.0):
        bucket.settle(grant(bucket, now), now, throttled=True)
    bucket.take(2.0 + REGROWTH_S / 4)
    assert LIMIT.rate / 2 < bucket.rate < LIMIT.rate
    bucket.take(2.0 + REGROWTH_S)
    assert bucket.rate == LIMIT.rate


def test_a_cancelled_call_teaches_nothing_and_leaves_no_trace() -> None:
    bucket = emptied()
    for _ in range(20):
        bucket.cancel(grant(bucket, 0.0))
    assert bucket.rate == LIMIT.rate
    assert isinstance(bucket.take(0.0), Grant)


STEPS = st.lists(st.tuples(st.floats(0.0, 5.0), st.booleans(), st.integers(0, 3)), max_size=100)


@given(STEPS)
@settings(deadline=None)
def test_whatever_happens_the_books_balance(steps: list[tuple[float, bool, int]]) -> None:
    """Answers in any order: calls in flight are bounded at first, and the rate stays within its bounds."""
    bucket, now, sent, served = Bucket(LIMIT, 0.0), 0.0, list[Grant](), 0
    for passed, throttled, pick in steps:
        now += passed
        turn = bucket.take(now)
        if isinstance(turn, Grant):
            bucket.sends(turn)
            sent.append(turn)
        else:
            assert turn > 0
        assert len(sent) <= FIRST_WINDOW + served
        if pick < len(sent):
            bucket.settle(sent.pop(pick), now, throttled=throttled)
            served += not throttled
        assert LIMIT.rate / 16 <= bucket.rate


@given(st.lists(st.floats(0.001, 2.0), min_size=50, max_size=120))
@settings(deadline=None, max_examples=30)
def test_an_account_that_refuses_probes_sees_hardly_more_than_it_allows(gaps: list[float]) -> None:
    """Against the true default bucket, asked at any times: nothing but a few probes is ever refused."""
    bucket, tokens, now, refused = Bucket(LIMIT, 0.0), LIMIT.burst, 0.0, 0
    for gap in gaps:
        now += gap
        tokens = min(LIMIT.burst, tokens + gap * LIMIT.rate)
        while isinstance(turn := bucket.take(now), Grant):
            bucket.sends(turn)
            served = tokens >= 1
            tokens -= served
            refused += not served
            bucket.settle(turn, now, throttled=not served)
    assert bucket.rate == LIMIT.rate
    assert refused <= 1 + now / PROBE_PAUSE_S * MOST_PROBES
