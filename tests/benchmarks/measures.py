"""What metrics cost the loop: `python -m tests.benchmarks.measures`.

A leader on fakes serves a thousand Pods, looks at all of them again five times, and lets them go, once with metrics and
once without. Plans are carried out in threads, and the loop's own time is that of its thread alone: `thread_time`
around each tick. Rounds alternate, and of each kind the best counts, because whatever else runs can only add.
"""

import statistics
import time
from collections.abc import Callable

from controller.core.measures import NO_MEASURES, Measures
from controller.core.views import Interface
from controller.surface.metrics import Metrics
from state.model import InterfaceId
from tests.unit.engine_harness import Replica, World, auto

PODS = 1000
ROUNDS = 5
LOOKS = 5


def main() -> None:
    """Run it all and print the ratio."""
    without, with_metrics = [], []
    for _ in range(ROUNDS):
        without.append(_life(NO_MEASURES))
        with_metrics.append(_life(Metrics()))
    best = min(with_metrics) / min(without)
    median = statistics.median(with_metrics) / statistics.median(without)
    print(f"the loop's own time for {PODS} Pods: {min(without):.3f} s without metrics, {min(with_metrics):.3f} s with")
    print(f"ratio: best {best:.3f}, median {median:.3f}")


def _life(measures: Measures) -> float:
    """Seconds of the loop's thread."""
    world = World()
    ips = [f"10.1.{number // 250}.{number % 250}" for number in range(PODS)]
    world.ec2.add_interface(Interface(interface_id=InterfaceId("eni-2"), private_ips=frozenset(ips), instance_id="i-1"))
    replica = Replica(world, measures=measures).lead()
    uids = [world.pod(f"p{number}", auto(), ip=ip) for number, ip in enumerate(ips)]
    spent = _ticks(replica, world, lambda: all(world.label(uid) for uid in uids))
    for _ in range(LOOKS):
        replica.loop.wake(uids)
        turns = iter((False, True))
        spent += _ticks(replica, world, lambda turns=turns: next(turns))  # type: ignore[misc]
    for uid in uids:
        world.pods.delete(uid)
    return spent + _ticks(replica, world, lambda: not world.ec2.addresses())


def _ticks(replica: Replica, world: World, done: Callable[[], bool]) -> float:
    """Tick until it is done, and let everything else end in between: the seconds that the ticks took."""
    spent = 0.0
    while not done():
        began = time.thread_time()
        replica.loop.tick()
        spent += time.thread_time() - began
        replica.loop.in_flight_idle(20.0)
        replica.loop.background_idle(20.0)
        world.clock.now += 0.0 if replica.loop.has_news else 0.5
    return spent


if __name__ == "__main__":
    main()
