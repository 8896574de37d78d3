"""What the model of EC2's buckets is worth: simulated bursts on a virtual clock, against several kinds of account.

Some workers take calls from one queue, as the controller's threads do. A call needs leave of the model, arrives at
the account's real bucket after a jittered time, and is answered as long after. A throttled call goes to the end of
the queue. `pytest -o log_cli=true --log-cli-level=info` shows a line for each account: how near to the bucket's rate,
and the share of throttled answers.
"""

import heapq
import logging
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from controller.aws.throttle import DEFAULT_LIMITS, Bucket, Grant, RateLimit
from controller.engine.calls import SPARE

log = logging.getLogger(__name__)

WORKERS = 40
LIMIT = DEFAULT_LIMITS["AssociateAddress"]


class Account:
    """The true bucket, which refills evenly; None for an account without limits."""

    def __init__(self, limit: RateLimit | None, *, filled: float = 1.0) -> None:
        self.limit = limit
        self.tokens = limit.burst * filled if limit else 0.0
        self.at = 0.0

    def serve(self, now: float) -> bool:
        if self.limit is None:
            return True
        self.tokens = min(self.limit.burst, self.tokens + (now - self.at) * self.limit.rate)
        self.at = now
        served = self.tokens >= 1
        self.tokens -= served
        return served


@dataclass
class Client:
    """One replica: its model of the bucket, what it still has to do, and how many tokens it leaves to others."""

    todo: int
    spare: int = 0
    start: float = 0.0
    bucket: Bucket = field(init=False)
    free: int = WORKERS
    served: int = 0
    throttled: int = 0
    finished: float = 0.0
    wake_at: float = float("inf")

    def __post_init__(self) -> None:
        self.bucket = Bucket(LIMIT, self.start)

    @property
    def throttled_share(self) -> float:
        return self.throttled / (self.served + self.throttled)


class Simulation:
    """A heap of events in virtual time; `one_way` gives the seconds from sender to receiver.

    `lag`: how long a plan takes, on the average, from its leave to its call; some take much longer than others.
    """

    def __init__(
        self, account: Account, clients: list[Client], seed: int, latency: float = 0.08, lag: float = 0.0
    ) -> None:
        self.account, self.clients, self.latency, self.lag = account, clients, latency, lag
        self.random = random.Random(seed)
        self.events: list[tuple[float, int, Callable[[float], None]]] = []
        self.number = 0

    def at(self, when: float, action: Callable[[float], None]) -> None:
        self.number += 1
        heapq.heappush(self.events, (when, self.number, action))

    def one_way(self) -> float:
        return self.latency / 2 * self.random.uniform(0.7, 1.0) + self.random.expovariate(1 / (self.latency * 0.1))

    def run(self, until: float = 2000.0) -> None:
        for client in self.clients:
            self.look_again(client, client.start)
        while self.events:
            now, _, action = heapq.heappop(self.events)
            if now > until:
                return
            action(now)

    def pump(self, client: Client, now: float) -> None:
        while client.todo and client.free:
            turn = client.bucket.take(now, client.spare)
            if not isinstance(turn, Grant):
                self.look_again(client, now + min(turn, 1.0))
                return
            client.todo -= 1
            client.free -= 1
            self.send(client, turn, now)

    def look_again(self, client: Client, when: float) -> None:
        if when >= client.wake_at:
            return

        def wake(now: float) -> None:
            if client.wake_at == when:
                client.wake_at = float("inf")
                self.pump(client, now)

        client.wake_at = when
        self.at(when, wake)

    def send(self, client: Client, grant: Grant, now: float) -> None:
        def leave(then: float) -> None:
            client.bucket.sends(grant)
            self.at(then + self.one_way(), arrive)

        def arrive(then: float) -> None:
            served = self.account.serve(then)
            self.at(then + self.one_way(), lambda later: self.answer(client, grant, later, served))

        lag = self.random.expovariate(1 / self.lag) if self.lag else 0.0
        self.at(now + lag, leave)

    def answer(self, client: Client, grant: Grant, now: float, served: bool) -> None:
        client.bucket.settle(grant, now, throttled=not served)
        client.free += 1
        client.served += served
        client.throttled += not served
        client.todo += not served
        client.finished = now
        self.pump(client, now)


SEEDS = range(4)
CLOSE, FAR = 0.005, 0.4


@dataclass(frozen=True)
class Outcome:
    """Worst of all seeds: how near to the account's rate, and the share of throttled answers."""

    speed: float
    throttled_share: float


def burst(
    name: str,
    limit: RateLimit | None,
    *,
    latency: float = 0.08,
    filled: float = 1.0,
    todo: int = 1000,
    lag: float = 0.0,
    spare: int = 0,
    seeds: Iterable[int] = SEEDS,
) -> Outcome:
    """One client's burst on an account with these limits."""
    outcomes = [one_burst(limit, latency, filled, todo, seed, lag, spare) for seed in seeds]
    worst = Outcome(min(o.speed for o in outcomes), max(o.throttled_share for o in outcomes))
    log.info("%s: %.1f %% of the rate, %.2f %% throttled", name, 100 * worst.speed, 100 * worst.throttled_share)
    return worst


def one_burst(
    limit: RateLimit | None, latency: float, filled: float, todo: int, seed: int, lag: float = 0.0, spare: int = 0
) -> Outcome:
    """The same with one seed."""
    account, client = Account(limit, filled=filled), Client(todo=todo, spare=spare)
    ideal = (todo - account.tokens) / limit.rate if limit else todo / WORKERS * latency
    Simulation(account, [client], seed, latency, lag).run()
    assert client.served == todo
    return Outcome(ideal / client.finished, client.throttled_share)


@pytest.mark.parametrize("spare", [0, SPARE])
@pytest.mark.parametrize("latency", [CLOSE, 0.08, FAR])
def test_a_thousand_associations_under_the_default_bucket(latency: float, spare: int) -> None:
    name = f"default bucket, {latency * 1000:.0f} ms a call, {spare} tokens left to others"
    outcome = burst(name, LIMIT, latency=latency, spare=spare)
    assert outcome.speed >= 0.98
    assert outcome.throttled_share < (0.01 if latency < FAR else 0.02)


class BusyStart(Simulation):
    """A machine that has much to do when a burst begins: for six seconds calls are made long after their grants."""

    def __init__(self, account: Account, client: Client, seed: int, lag: float) -> None:
        super().__init__(account, [client], seed)
        self.first = lag

    def send(self, client: Client, grant: Grant, now: float) -> None:
        self.lag = self.first if now < 6 else 0.03
        super().send(client, grant, now)


@pytest.mark.parametrize("lag", [0.6, 1.0])
def test_calls_that_come_in_another_order_than_their_grants(lag: float) -> None:
    """What EC2 had served before it refused another call is owed nothing after that, whoever was granted first."""
    lost = list[float]()
    for seed in range(20):
        client = Client(todo=1000)
        BusyStart(Account(LIMIT), client, seed, lag).run()
        lost.append(client.finished - 190)
    log.info("a start with calls %.1f s late: %.1f s lost at most", lag, max(lost))
    assert max(lost) < 3.8


@pytest.mark.parametrize("latency", [CLOSE, 0.08, FAR])
def test_calls_that_are_made_late_after_their_leave(latency: float) -> None:
    """Two refusals within seconds are no reason to go slower, if as much was served between them as came in."""
    name = f"default bucket, {latency * 1000:.0f} ms a call, 0.3 s late"
    outcome = burst(name, LIMIT, latency=latency, lag=0.3, seeds=range(12))
    assert outcome.speed >= 0.98
    assert outcome.throttled_share < 0.04


def test_a_bucket_that_a_predecessor_left_empty() -> None:
    outcome = burst("default bucket, empty", LIMIT, filled=0.0)
    assert outcome.speed >= 0.98
    assert outcome.throttled_share < 0.01


def test_an_account_without_limits_is_met_at_full_speed() -> None:
    account, client = Account(None), Client(todo=500)
    Simulation(account, [client], seed=1).run()
    ideal = 500 / WORKERS * 0.08
    log.info("no limits, 500 calls: %.2f s, %.2f s without a model", client.finished, ideal)
    assert client.throttled == 0
    assert client.finished < ideal + 1.0


@pytest.mark.parametrize(("factor", "speed"), [(2, 0.95), (4, 0.95), (10, 0.75)])
def test_a_raised_limit_is_found_and_kept(factor: int, speed: float) -> None:
    limit = RateLimit(burst=50 * factor, rate=5 * factor)
    outcome = burst(f"{factor} times the default", limit, todo=500 * factor)
    assert outcome.speed >= speed
    assert outcome.throttled_share < 0.1


def test_a_lowered_limit_is_found() -> None:
    outcome = burst("half the default", RateLimit(burst=25, rate=2.5))
    assert outcome.speed >= 0.95
    assert outcome.throttled_share < 0.1


def test_clusters_that_share_a_bucket_both_get_on() -> None:
    account, clients = Account(LIMIT), [Client(todo=500), Client(todo=500, start=30)]
    Simulation(account, clients, seed=1).run()
    ideal = (1000 - 50) / LIMIT.rate
    finished = max(client.finished for client in clients)
    shares = [client.throttled_share for client in clients]
    log.info("two clusters: %.1f %% of the rate, %.2f %% throttled", 100 * ideal / finished, 100 * max(shares))
    assert ideal / finished >= 0.85
    assert max(shares) < 0.1


def test_a_new_leader_in_the_middle_of_a_burst() -> None:
    account, clients = Account(LIMIT), [Client(todo=200), Client(todo=800, start=32)]
    Simulation(account, clients, seed=1).run()
    share = sum(client.throttled for client in clients) / 1000
    log.info("fail-over in a burst: %.2f %% throttled", 100 * share)
    assert share < 0.03
