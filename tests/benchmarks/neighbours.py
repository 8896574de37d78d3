"""A quiet namespace beside each kind of hostile one: `python -m tests.benchmarks.neighbours [KIND ...] [--pods N]`.

For each kind, in a world of its own: Pods of the quiet namespace come one after the other, first alone and then
beside the hostile one. Prints the median and the 99th percentile of their waits, from the answer that gives a Pod its
IP to its label, and the ratios. A wait that is not over after a while counts as that long. All take about 8 minutes.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sandbox.ec2.settings import AWS_BUCKETS
from sandbox.world import ClusterSettings, World, WorldSettings, wait_until
from tests.e2e.scene import PUBLIC_IP, Scene, auto, fixed, running
from tests.faults.neighbours import NO_POOL, UNHURRIED, delete_many, past, run_many, scene, slow, standing

PATIENCE_S = 15.0
PHASE_S = 60.0
BETWEEN_S = 0.3
ROUNDS = 3
DEFAULTS = UNHURRIED | {"poll-interval": "15", "resync-period": "300"}
"""The worlds of tests are in a hurry; here the product's own times count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A hostile neighbour: EC2 as it meets it, what it prepares, what it does, and what the quiet Pods ask for."""

    ec2: Mapping[str, Any]
    does: Callable[[World], None]
    prepares: Callable[[World], None] = lambda _world: None
    asks: dict[str, str] = field(default_factory=auto)


def crowd(world: World) -> None:
    """A hundred served Pods."""
    where = scene(world, "hostile")
    run_many(where, 100, auto())
    wait_until(lambda: len(standing(world, where.ips)) == 100, 120, "the crowd is served", 0.3)


def leave(world: World) -> None:
    """All of them go at once."""
    world.clusters["a"].kube.delete_namespace("hostile")


def come_and_go(world: World) -> None:
    """Pods ask, and all are deleted while they wait for a token: those that live would have a right to theirs."""
    for number in range(ROUNDS):
        where = scene(world, f"hostile-{number}")
        delete_many(where, run_many(where, 20, auto()))


def ask(annotations: dict[str, str], pods: int) -> Callable[[World], None]:
    """So many Pods ask for what they do not get."""

    def does(world: World) -> None:
        run_many(scene(world, "hostile"), pods, annotations)

    return does


def make_pool(world: World) -> None:
    """Addresses for all quiet Pods, alone and beside."""
    for _ in range(220):
        world.ec2.add_address(tags={"pool": ""})


PLAIN = {"throttle": True, "latency_s": 0.05}
HALVED = {n: {"capacity": b.capacity / 2, "refill_per_s": b.refill_per_s / 2} for n, b in AWS_BUCKETS.items()}
KINDS: Mapping[str, Kind] = {
    "releases": Kind(ec2=slow(ReleaseAddress=(5, 0.5)), prepares=crowd, does=leave),
    "deleted while they wait": Kind(ec2=slow(AssociateAddress=(5, 2)), does=come_and_go),
    "over quota": Kind(ec2=PLAIN | {"quota": 0}, prepares=make_pool, does=ask(auto(), 60), asks=fixed("pool")),
    "no such pool": Kind(ec2=PLAIN | {"buckets": HALVED}, does=ask(auto(NO_POOL), 100)),
}


def main() -> None:
    """Run each kind."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.neighbours", description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--pods", type=int, default=100, help="of the quiet namespace, each time (%(default)s)")
    given = parser.parse_args()
    for name in given.kinds:
        measure(name, KINDS[name], given.pods)


def measure(name: str, kind: Kind, pods: int) -> None:
    """One world: the quiet Pods alone, then beside."""
    cluster = ClusterSettings(name="a", nodes=12, replicas=2)
    settings = WorldSettings(clusters=(cluster,), ec2=kind.ec2, flags=DEFAULTS, dynamodb="moto", kubelet_seconds=0.2)
    with tempfile.TemporaryDirectory() as folder, World(settings, Path(folder)) as world, running(world):
        kind.prepares(world)
        alone = waits(scene(world, "alone"), kind.asks, pods)
        world.ec2.refill_buckets()
        kind.does(world)
        beside = waits(scene(world, "beside"), kind.asks, pods)
        print(f"{name}: alone {_told(alone)}; beside {_told(beside)}; ratios {_ratios(alone, beside)}", flush=True)


def waits(where: Scene, annotations: dict[str, str], pods: int) -> list[float]:
    """How long each of the Pods waited, in seconds; as many as come within the phase."""
    over, found = past(PHASE_S), list[float]()
    while len(found) < pods and not over():
        name, due = f"n{len(found)}", past(BETWEEN_S)
        where.run(name, annotations)
        found.append(_waited(where, name))
        wait_until(due, BETWEEN_S + 1, "the next one comes", 0.02)
    return found


def _waited(where: Scene, name: str) -> float:
    began = time.monotonic()
    late = past(PATIENCE_S)
    wait_until(lambda: PUBLIC_IP in where.cluster.kube.labels(where.namespace, name) or late(), 60, "", 0.01)
    return time.monotonic() - began


def _p99(found: list[float]) -> float:
    return sorted(found)[int(0.99 * len(found))]


def _told(found: list[float]) -> str:
    return f"median {median(found):.2f} s, p99 {_p99(found):.2f} s of {len(found)}"


def _ratios(alone: list[float], beside: list[float]) -> str:
    return f"{median(beside) / median(alone):.2f} and {_p99(beside) / _p99(alone):.2f}"


if __name__ == "__main__":
    main()
