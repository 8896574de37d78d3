"""Many Pods at once: waves that come and go on the same IPs, and how many of them a run can afford.

`FAULTS_SCALE=full` takes the numbers that were promised, which need minutes; without it a fraction does.
"""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sandbox.world import Node, wait_until
from tests.e2e.scene import auto
from tests.faults.world import FaultWorld

FULL = os.environ.get("FAULTS_SCALE") == "full"
CHURNED = 1000 if FULL else 150
DELETED = 500 if FULL else 80
WAVE = 50
NAMESPACE = "crowd"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A private IP of a node."""

    node: Node
    ip: str


def places(world: FaultWorld, count: int) -> list[Place]:
    """So many IPs that no Pod has had yet."""
    found = (world.clusters["a"].next_place() for _ in range(count))
    return [Place(node=node, ip=ip) for node, ip in found]


def come(world: FaultWorld, name: str, place: Place, annotations: Mapping[str, str] | None = None) -> None:
    """A Pod at this place; without annotations a stranger, who asks for nothing."""
    kube = world.clusters["a"].kube
    kube.pod(NAMESPACE, name, ip=place.ip, node=place.node.name, annotations=annotations)


def wait_served(world: FaultWorld, at: Sequence[Place], limit_s: float) -> None:
    """Until EC2 has an address at each of these IPs."""
    wanted = {place.ip for place in at}

    def left() -> set[str]:
        found = world.ec2.world().addresses.values()
        return wanted - {a.association.private_ip for a in found if a.association}

    wait_until(lambda: not left(), limit_s, lambda: f"{len(left())} of {len(wanted)} wait", every_s=0.2)


def crowd(world: FaultWorld, count: int, limit_s: float) -> list[Place]:
    """So many Pods of mode `auto`, all served."""
    at = places(world, count)
    for number, place in enumerate(at):
        come(world, f"one-{number}", place, auto())
    wait_served(world, at, limit_s)
    return at


def replace_with_strangers(world: FaultWorld, wave: int, at: Sequence[Place]) -> None:
    """Each Pod of the wave goes, and its IP is a stranger's at once."""
    kube = world.clusters["a"].kube
    for number, place in enumerate(at):
        kube.delete_pod(NAMESPACE, f"wave-{wave}-{number}")
        come(world, f"stranger-{wave}-{number}", place)


def remove_strangers(world: FaultWorld, wave: int, at: Sequence[Place]) -> None:
    """The strangers go as well."""
    for number, _ in enumerate(at):
        world.clusters["a"].kube.delete_pod(NAMESPACE, f"stranger-{wave}-{number}")


def wait_all_gone(world: FaultWorld, limit_s: float) -> float:
    """Seconds until no address is associated any more."""
    began = time.monotonic()
    wait_until(
        lambda: not any(a.association for a in world.ec2.world().addresses.values()), limit_s, "all are cut", 0.2
    )
    return time.monotonic() - began
