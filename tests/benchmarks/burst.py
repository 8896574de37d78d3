"""Many Pods at once: `python -m tests.benchmarks.burst [PODS] [--throttle] [--deletions] [--modes MODE ...]`.

Prints how long it takes until the last Pod wears its label, against the least that EC2's buckets allow
((PODS - 50) / 5 seconds where they count), how many calls a Pod costs, and the share of throttled answers. With
`--deletions` as many served Pods of mode `auto` are deleted at the same moment; when the last of their addresses was
cut, and the last released, is printed, too.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from sandbox.ec2.log import CallRecord
from sandbox.world import IPS_OF_A_NODE, ClusterSettings, SandboxCluster, World, WorldSettings, wait_until
from tests.e2e.scene import PUBLIC_IP, Scene, auto, fixed, running
from tests.faults.neighbours import past

FILL_S = 12.0
"""EC2's buckets, and what the controller knows of them, are full again after so long without a call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line asks for."""

    pods: int
    throttle: bool
    deletions: bool
    modes: Sequence[str]

    @property
    def least_s(self) -> float:
        """What so many calls of one API take, from full buckets."""
        return max((self.pods - 50) / 5, 0.0) if self.throttle else 0.0


def main() -> None:
    """Run one burst in each mode."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pods", type=int, nargs="?", default=200)
    parser.add_argument("--throttle", action="store_true", help="with AWS's default buckets")
    parser.add_argument("--deletions", action="store_true", help="as many served Pods are deleted at the same moment")
    parser.add_argument("--modes", nargs="*", default=["fixed-tag", "auto"])
    asked = Asked(**vars(parser.parse_args()))
    nodes = 2 * (1 + asked.deletions) * asked.pods // (IPS_OF_A_NODE - 1) + 2
    ec2 = {"latency_s": 0.08, "throttle": asked.throttle}
    clusters = (ClusterSettings(name="a", nodes=nodes, replicas=2),)
    settings = WorldSettings(clusters=clusters, ec2=ec2, kubelet_seconds=0.2)
    with tempfile.TemporaryDirectory() as folder, World(settings, Path(folder)) as world, running(world):
        for mode in asked.modes:
            _burst(world, world.clusters["a"], mode, asked)


def _burst(world: World, cluster: SandboxCluster, mode: str, asked: Asked) -> None:
    scene, leaving = Scene(world, cluster, mode), Scene(world, cluster, f"leaving-{mode}")
    if mode == "fixed-tag":
        for _ in range(asked.pods):
            world.ec2.add_address(tags={"pool": ""})
    if asked.deletions:
        _run(leaving, auto(), asked.pods)
        _await_all(leaving, asked.pods)
    wait_until(past(FILL_S), FILL_S + 5, "the buckets are full")
    scene.mark()
    began = time.monotonic()
    with ThreadPoolExecutor(2) as both:
        both.submit(_run, scene, auto() if mode == "auto" else fixed("pool"), asked.pods)
        both.submit(_delete, leaving)
    made = time.monotonic() - began
    _await_all(scene, asked.pods)
    took = time.monotonic() - began
    print(
        f"{mode}: {asked.pods} Pods (made in {made:.1f} s) served in {took:.1f} s, "
        f"{_since_first_call(scene, began, took):.1f} s of it from the first call on, "
        f"the buckets' least is {asked.least_s:.1f} s; {_costs(scene.calls(), asked.pods)}",
        flush=True,
    )
    if asked.deletions:
        cut, released = (_all_made(scene, action, asked.pods, began) for action in ("Disassociate", "Release"))
        print(f"  beside it {asked.pods} deleted: the last was cut after {cut:.1f} s, released after {released:.1f} s")


def _run(scene: Scene, annotations: dict[str, str], pods: int) -> None:
    with ThreadPoolExecutor(16) as hands:
        list(hands.map(lambda number: scene.run(f"p{number}", annotations), range(pods)))


def _delete(scene: Scene) -> None:
    with ThreadPoolExecutor(16) as hands:
        list(hands.map(scene.delete, list(scene.ips)))


def _await_all(scene: Scene, pods: int) -> None:
    def labelled() -> int:
        there = scene.cluster.kube.pods(scene.namespace)
        return sum(PUBLIC_IP in pod["metadata"].get("labels", {}) for pod in there)

    wait_until(lambda: labelled() == pods, 2 * pods + 30, "all are served", 0.5)


def _costs(calls: Sequence[CallRecord], pods: int) -> str:
    refused = sum(call.throttled for call in calls)
    return f"{len(calls) / pods:.2f} calls a Pod, throttled {100 * refused / len(calls):.2f} %"


def _since_first_call(scene: Scene, began: float, took: float) -> float:
    """Without what this machine needs until EC2 has answered the first association."""
    return took - (min(call.ended_mono for call in scene.calls("AssociateAddress")) - began)


def _all_made(scene: Scene, action: str, pods: int, began: float) -> float:
    """Seconds until EC2 has answered so many calls of this kind."""

    def made() -> list[float]:
        return [call.ended_mono for call in scene.calls(f"{action}Address") if not call.code]

    wait_until(lambda: len(made()) >= pods, 2 * pods + 30, f"all are done: {action}", 0.5)
    return max(made()) - began


if __name__ == "__main__":
    main()
