"""Many Pods at once: `python -m tests.benchmarks.burst [PODS] [--throttle]`.

Prints how long it takes until the last Pod wears its label, against the least that EC2's buckets allow
((PODS - 50) / 5 seconds where they count), how many calls a Pod costs, and the share of throttled answers.
"""

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox.world import IPS_OF_A_NODE, ClusterSettings, SandboxCluster, World, WorldSettings, wait_until
from tests.e2e.scene import PUBLIC_IP, Scene, auto, fixed, running


def main() -> None:
    """Run one burst in each of two modes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pods", type=int, nargs="?", default=200)
    parser.add_argument("--throttle", action="store_true", help="with AWS's default buckets")
    given = parser.parse_args()
    nodes = 2 * given.pods // (IPS_OF_A_NODE - 1) + 2
    ec2 = {"latency_s": 0.08, "throttle": given.throttle}
    clusters = (ClusterSettings(name="a", nodes=nodes, replicas=2),)
    settings = WorldSettings(clusters=clusters, ec2=ec2, kubelet_seconds=0.2)
    with tempfile.TemporaryDirectory() as folder, World(settings, Path(folder)) as world, running(world):
        for mode in ("fixed-tag", "auto"):
            _burst(world, world.clusters["a"], mode, given.pods, throttled=given.throttle)


def _burst(world: World, cluster: SandboxCluster, mode: str, pods: int, *, throttled: bool) -> None:
    scene = Scene(world, cluster, mode)
    if mode == "fixed-tag":
        for _ in range(pods):
            world.ec2.add_address(tags={"pool": ""})
    world.ec2.refill_buckets()
    scene.mark()
    annotations = auto() if mode == "auto" else fixed("pool")
    began = time.monotonic()
    with ThreadPoolExecutor(16) as hands:
        list(hands.map(lambda number: scene.run(f"p{number}", annotations), range(pods)))
    made = time.monotonic() - began
    wait_until(lambda: _labelled(cluster, mode) == pods, 2 * pods, "all are served", 0.5)
    took = time.monotonic() - began
    calls = scene.calls()
    refused = sum(call.throttled for call in calls)
    least = max((pods - 50) / 5, 0.0) if throttled else 0.0
    print(
        f"{mode}: {pods} Pods (made in {made:.1f} s) served in {took:.1f} s, the buckets' least is {least:.1f} s; "
        f"{len(calls) / pods:.2f} calls a Pod, throttled {100 * refused / len(calls):.2f} %"
    )


def _labelled(cluster: SandboxCluster, namespace: str) -> int:
    return sum(PUBLIC_IP in pod["metadata"].get("labels", {}) for pod in cluster.kube.pods(namespace))


if __name__ == "__main__":
    main()
