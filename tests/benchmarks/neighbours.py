"""A quiet namespace beside each kind of hostile one: `python -m tests.benchmarks.neighbours [KIND ...] [--pods N]`.

For each kind, in two worlds that begin alike: Pods of the quiet namespace come one after the other, beside a namespace
whose Pods come and go alike but ask for nothing, and beside the hostile one. Prints the median and the 99th percentile
of their waits, from the answer that gives a Pod its IP to its label, and the ratios: what the API server and this
machine need for so many Pods is in both. A wait that is not over after a while counts as that long. A kind takes two to
three minutes.
"""

import argparse
import math
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from sandbox.ec2.settings import AWS_BUCKETS
from sandbox.world import ClusterSettings, World, WorldSettings, wait_until
from tests.e2e.scene import PUBLIC_IP, Scene, auto, fixed, running
from tests.faults.neighbours import (
    NO_POOL,
    UNHURRIED,
    delete_many,
    fill_vpc,
    flapping,
    past,
    run_many,
    scene,
    slow,
    standing,
)

PATIENCE_S = 15.0
PHASE_S = 60.0
BETWEEN_S = 0.5
"""Two Pods a second: less than the slowest bucket here refills in a second. Faster Pods would wait for each other."""
FIRST = 10
"""So many Pods come before, for what a new leader does at first is not measured here."""
ROUNDS = 3
DEFAULTS = UNHURRIED | {"poll-interval": "15", "resync-period": "300"}
"""The worlds of tests are in a hurry; here the product's own times count."""


Neighbour = Callable[[World, str, Mapping[str, str]], None]
"""Does its part in this world, in namespaces of this name, with Pods of these annotations."""
Goes = Callable[[World, Mapping[str, str]], AbstractContextManager[None]]
"""Goes on with it meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A hostile neighbour: EC2 as it meets it, what it asks for, prepares, does and goes on doing.

    pool: whether there is one. asks: what the quiet Pods ask for.
    """

    ec2: Mapping[str, Any]
    does: Neighbour
    hostile: Mapping[str, str] = field(default_factory=auto)
    prepares: Neighbour = lambda _world, _name, _annotations: None
    goes_on: Goes = lambda _world, _annotations: nullcontext()
    pool: bool = False
    asks: dict[str, str] = field(default_factory=auto)


def crowd(world: World, name: str, annotations: Mapping[str, str]) -> None:
    """A hundred Pods, served where they ask."""
    where = scene(world, name)
    run_many(where, 100, dict(annotations))
    if annotations:
        wait_until(lambda: len(standing(world, where.ips)) == 100, 120, "the crowd is served", 0.3)


def leave(world: World, name: str, _annotations: Mapping[str, str]) -> None:
    """All of them go at once."""
    world.clusters["a"].kube.delete_namespace(name)


def come_and_go(world: World, name: str, annotations: Mapping[str, str]) -> None:
    """Pods ask, and all are deleted while they wait for a token: those that live would have a right to theirs."""
    for number in range(ROUNDS):
        where = scene(world, f"{name}-{number}")
        delete_many(where, run_many(where, 20, dict(annotations)))


def come(pods: int) -> Neighbour:
    """So many Pods ask for what they do not get."""

    def does(world: World, name: str, annotations: Mapping[str, str]) -> None:
        run_many(scene(world, name), pods, dict(annotations))

    return does


def nothing(_world: World, _name: str, _annotations: Mapping[str, str]) -> None:
    """No more than what goes on."""


@contextmanager
def flap(world: World, annotations: Mapping[str, str]) -> Iterator[None]:
    """Pods that are served ask no more, and again; or they change an annotation that is nobody's."""
    where = scene(world, "flapping")
    names = run_many(where, 24, dict(annotations))
    if annotations:
        wait_until(lambda: len(standing(world, where.ips)) == 24, 60, "they are served", 0.3)
    world.ec2.refill_buckets()
    with flapping(where, names, annotations or {"nobody.example/flaps": "yes"}):
        yield


@contextmanager
def moving(world: World, annotations: Mapping[str, str]) -> Iterator[None]:
    """A hundred Pods wait for a pool that people hold, and who give up an address every two seconds."""
    held = []
    for number in range(40):
        where = world.ec2.add_interface(f"10.200.0.{number + 1}", vpc_id="vpc-people")
        made = world.ec2.add_address(tags={"held": ""}).allocation_id
        held.append(world.ec2.associate(made, where.interface_id, f"10.200.0.{number + 1}"))
    run_many(scene(world, "moving"), 100, dict(annotations))
    stop = threading.Event()

    def give_up() -> None:
        while held and not stop.wait(2):
            world.ec2.disassociate(held.pop())

    with ThreadPoolExecutor(1) as hand:
        hand.submit(give_up)
        try:
            yield
        finally:
            stop.set()


def lost(world: World, _name: str, annotations: Mapping[str, str]) -> None:
    """Pods on a Node without an instance id, with IPs that are nowhere."""
    kube = world.clusters["a"].kube
    kube.node("bare", ip="10.99.0.1")
    for number in range(20):
        kube.pod("lost", f"p{number}", annotations=annotations, ip=f"10.99.0.{number + 2}", node="bare")


def large_vpc(world: World, _name: str, _annotations: Mapping[str, str]) -> None:
    """A VPC with thousands of interfaces of others."""
    fill_vpc(world, 3000)


def make_pool(world: World, pods: int) -> None:
    """Addresses for all quiet Pods."""
    for _ in range(pods + FIRST + 20):
        world.ec2.add_address(tags={"pool": ""})


PLAIN = {"throttle": True, "latency_s": 0.05}
HALVED = {n: {"capacity": b.capacity / 2, "refill_per_s": b.refill_per_s / 2} for n, b in AWS_BUCKETS.items()}
NO_ROOM = PLAIN | {"quota": 0}
KINDS: Mapping[str, Kind] = {
    "releases": Kind(ec2=slow(ReleaseAddress=(5, 0.5)), prepares=crowd, does=leave),
    "deleted while they wait": Kind(ec2=slow(AssociateAddress=(5, 2)), does=come_and_go),
    "over quota": Kind(ec2=NO_ROOM, does=come(60), asks=fixed("pool"), pool=True),
    "no such pool": Kind(ec2=PLAIN | {"buckets": HALVED}, does=come(100), hostile=auto(NO_POOL)),
    "flapping": Kind(ec2=PLAIN, does=nothing, goes_on=flap),
    "a pool that moves": Kind(
        ec2=PLAIN, does=nothing, goes_on=moving, hostile=fixed("held"), asks=fixed("pool"), pool=True
    ),
    "lost in a large VPC": Kind(ec2=PLAIN, prepares=large_vpc, does=lost),
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
    """Two worlds that begin alike: the quiet Pods beside a quiet crowd, and beside the hostile one."""
    calm, beside = _beside(kind, {}, pods), _beside(kind, kind.hostile, pods)
    print(f"{name}: beside a quiet crowd {_told(calm)}; beside it {_told(beside)}; ratios {_ratios(calm, beside)}")


def _beside(kind: Kind, annotations: Mapping[str, str], pods: int) -> list[float]:
    cluster = ClusterSettings(name="a", nodes=24, replicas=2)
    settings = WorldSettings(clusters=(cluster,), ec2=kind.ec2, flags=DEFAULTS, dynamodb="moto", kubelet_seconds=0.2)
    with tempfile.TemporaryDirectory() as folder, World(settings, Path(folder)) as world, running(world):
        if kind.pool:
            make_pool(world, pods)
        waits(scene(world, "before"), kind.asks, FIRST)
        kind.prepares(world, "beside", annotations)
        world.ec2.refill_buckets()
        with kind.goes_on(world, annotations):
            kind.does(world, "beside", annotations)
            return waits(scene(world, "quiet"), kind.asks, pods)


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
    """By nearest rank: as many as 99 of 100 waited no longer."""
    return sorted(found)[math.ceil(0.99 * len(found)) - 1]


def _told(found: list[float]) -> str:
    slowest = sorted(range(len(found)), key=found.__getitem__, reverse=True)[:3]
    which = ", ".join(f"{found[number]:.2f} s of number {number + 1}" for number in slowest)
    return f"median {median(found):.2f} s, p99 {_p99(found):.2f} s of {len(found)} (slowest {which})"


def _ratios(calm: list[float], beside: list[float]) -> str:
    return f"{median(beside) / median(calm):.2f} and {_p99(beside) / _p99(calm):.2f}"


if __name__ == "__main__":
    main()
