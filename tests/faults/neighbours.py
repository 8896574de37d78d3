"""One namespace is hostile and another is quiet: what the tests and the benchmark of neighbours do with both.

Times are those that a quiet Pod's user sees, from the answer that gave the Pod its IP to the label on it.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

from sandbox.ec2.log import CallRecord
from sandbox.ec2.settings import Bucket
from sandbox.world import VPC, ClusterSettings, SandboxCluster, World, wait_until
from tests.e2e.scene import PREFIX, TYPE, Scene, auto
from tests.faults.world import LEASE

UNHURRIED = {"lease-duration": "15", "renew-deadline": "10", "retry-period": "2", "call-timeout": "4"}
FLAGS = {"poll-interval": "0.5", "resync-period": "4"} | UNHURRIED
NO_POOL = "ipv4pool-ec2-0123456789abcdef0"
HANDS = 8
FLAP_S = 0.5


def cluster_for(pods: int) -> ClusterSettings:
    """A cluster with room for so many Pods."""
    return ClusterSettings(name="a", nodes=pods // 29 + 1, replicas=2)


@dataclass(frozen=True, slots=True)
class Reign:
    """Who leads, and how many led before."""

    holder: str
    transitions: int


def reign(cluster: SandboxCluster) -> Reign:
    """As the Lease says now."""
    spec = cluster.kube.lease(*LEASE)["spec"]
    return Reign(spec["holderIdentity"], spec["leaseTransitions"])


def scene(world: World, namespace: str) -> Scene:
    """A namespace of the first cluster."""
    return Scene(world, world.clusters["a"], namespace)


def slow(**buckets: tuple[float, float]) -> dict[str, Any]:
    """EC2 with these buckets only, each of a capacity and a rate a second."""
    made = {name: asdict(Bucket(capacity=most, refill_per_s=rate)) for name, (most, rate) in buckets.items()}
    return {"throttle": True, "latency_s": 0.05, "buckets": made}


def run_many(where: Scene, count: int, annotations: dict[str, str], prefix: str = "p") -> list[str]:
    """So many Pods at once; their names."""
    names = [f"{prefix}{number}" for number in range(count)]
    with ThreadPoolExecutor(HANDS) as hands:
        list(hands.map(lambda name: where.run(name, annotations), names))
    return names


@contextmanager
def flapping(where: Scene, names: Collection[str], annotations: Mapping[str, str]) -> Iterator[None]:
    """Meanwhile these Pods ask for this, and not, and again, as fast as the API server takes it."""
    asks, stop = dict(annotations), threading.Event()

    def flap(name: str) -> None:
        for number in count():
            if stop.wait(FLAP_S):
                return
            now = asks if number % 2 else dict.fromkeys(asks)
            where.cluster.kube.annotate(where.namespace, name, now)

    with ThreadPoolExecutor(len(names)) as hands:
        done = [hands.submit(flap, name) for name in names]
        try:
            yield
        finally:
            stop.set()
    for one in done:
        one.result()


def delete_many(where: Scene, names: Collection[str]) -> dict[str, float]:
    """Delete these at once; when each was gone (monotonic)."""

    def delete(name: str) -> float:
        where.delete(name)
        return time.monotonic()

    with ThreadPoolExecutor(HANDS) as hands:
        return dict(zip(names, hands.map(delete, names), strict=True))


def waited(where: Scene, name: str, annotations: dict[str, str]) -> float:
    """Run a Pod; the seconds from its IP to its label."""
    where.run(name, annotations)
    given = time.monotonic()
    where.served(name)
    return time.monotonic() - given


def waits_until(where: Scene, truth: Callable[[], object], limit_s: float) -> list[float]:
    """Pods of mode `auto` come one after the other until it is true; how long each waited."""
    numbers = iter(range(1000))
    found: list[float] = []

    def another() -> object:
        found.append(waited(where, f"n{next(numbers)}", auto()))
        return truth()

    wait_until(another, limit_s, lambda: f"it is over; served in {found}", 0.3)
    return found


def past(seconds: float) -> Callable[[], bool]:
    """Whether so much time has gone from now on."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def fill_vpc(world: World, count: int) -> None:
    """So many network interfaces of others."""
    with ThreadPoolExecutor(HANDS) as hands:
        ips = (f"10.{100 + n // 10_000}.{n // 100 % 100}.{n % 100}" for n in range(count))
        list(hands.map(lambda ip: world.ec2.add_interface(ip, vpc_id=VPC), ips))


def filters_of(call: CallRecord) -> set[str]:
    """The names of a describe's filters."""
    return {value for name, value in call.params.items() if name.startswith("Filter.") and name.endswith(".Name")}


def left_by_the_go_controller(world: World) -> str:
    """An address at a Node's interface, tagged for a Pod that is gone; its allocation id."""
    where, ip = world.clusters["a"].next_place()
    tags = {TYPE: "auto", PREFIX + "cluster-name": "a", PREFIX + "pod": "ns/gone"}
    address = world.ec2.add_address(tags=tags)
    world.ec2.associate(address.allocation_id, where.interface_id, ip)
    return address.allocation_id


def standing(world: World, ips: Mapping[str, str]) -> list[str]:
    """The Pods among these that have an address at their IP."""
    found = {a.association.private_ip for a in world.ec2.world().addresses.values() if a.association}
    return [name for name, ip in ips.items() if ip in found]


def event_writes(cluster: SandboxCluster, namespace: str, words: str = "") -> Iterator[str]:
    """The names of the Pods of which an event was told, or counted up, once for each time; only if it has `words`."""
    for entry in cluster.kube.log(resource="events"):
        if entry.namespace == namespace and entry.verb in ("create", "update", "patch"):
            body = entry.body if isinstance(entry.body, dict) else {}
            if words not in str(body.get("message", "")):
                continue
            about = body.get("involvedObject") or body.get("regarding") or {}
            yield str(about.get("name") or entry.name.partition(".")[0])
