"""What metrics cost the loop: `python -m tests.benchmarks.measures`.

A leader on fakes serves a thousand Pods, looks at all of them again five times, and lets them go. The loop's own time
is that of its thread alone: `thread_time` around each tick. What metrics add is told by how often the loop's thread
calls them, and by what such a call takes: two runs differ by more than that on a machine that does anything else.
"""

import threading
import time
import timeit
from collections import Counter
from collections.abc import Callable

from controller.core.measures import Duration, Event, NoMeasures, Result
from controller.core.views import Interface
from controller.surface.metrics import Metrics
from state.model import InterfaceId
from tests.unit.engine_harness import Replica, World, auto

PODS = 1000
LOOKS = 5
CALLS, TRIES = 20_000, 5


class Counted(NoMeasures):
    """Counts the calls of this thread."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._mine = threading.get_ident()

    def count(self, event: Event, label: str = "", by: int = 1) -> None:
        """One more."""
        self.calls["count"] += threading.get_ident() == self._mine

    def time(self, what: Duration, seconds: float) -> None:
        """One more."""
        self.calls["time"] += threading.get_ident() == self._mine


def main() -> None:
    """Run it all and print the ratio."""
    counted, metrics = Counted(), Metrics()
    spent = _life(counted)
    cost = {
        "count": _best(lambda: metrics.count(Event.RECONCILED, Result.SUCCESS)),
        "time": _best(lambda: metrics.time(Duration.QUEUED, 0.02)),
    }
    added = sum(cost[kind] * calls for kind, calls in counted.calls.items())
    calls = ", ".join(f"{counted.calls[kind]} of {kind} at {cost[kind] * 1e6:.2f} µs" for kind in cost)
    print(f"the loop's own time for {PODS} Pods: {spent:.3f} s; calls to metrics in it: {calls}")
    print(f"metrics add {added * 1000:.1f} ms: ratio {1 + added / spent:.4f}")


def _best(call: Callable[[], None]) -> float:
    """Seconds of one call."""
    return min(timeit.repeat(call, number=CALLS, repeat=TRIES, timer=time.thread_time)) / CALLS


def _life(measures: Counted) -> float:
    """Seconds of the loop's thread."""
    world = World()
    ips = [f"10.1.{number // 250}.{number % 250}" for number in range(PODS)]
    world.ec2.add_interface(Interface(interface_id=InterfaceId("eni-2"), private_ips=frozenset(ips), instance_id="i-1"))
    replica = Replica(world, measures=measures).lead()
    uids = [world.pod(f"p{number}", auto(), ip=ip) for number, ip in enumerate(ips)]
    spent = _ticks(replica, world, lambda: all(world.label(uid) for uid in uids))
    for _ in range(LOOKS):
        replica.loop.wake(uids)
        spent += _tick(replica)
    for uid in uids:
        world.pods.delete(uid)
    return spent + _ticks(replica, world, lambda: not world.ec2.addresses())


def _ticks(replica: Replica, world: World, done: Callable[[], bool]) -> float:
    """Tick until it is done: the seconds that the ticks took."""
    spent = 0.0
    while not done():
        spent += _tick(replica)
        world.clock.now += 0.0 if replica.loop.has_news else 0.5
    return spent


def _tick(replica: Replica) -> float:
    """One tick, and let everything else end: the seconds of the tick."""
    began = time.thread_time()
    replica.loop.tick()
    spent = time.thread_time() - began
    replica.loop.in_flight_idle(20.0)
    replica.loop.background_idle(20.0)
    return spent


if __name__ == "__main__":
    main()
