"""A flood of HTTP clients beside Pods that come: `python -m tests.benchmarks.flood [CLIENTS] [PODS]`.

Pods come one after the other, in turns in peace, while so many clients ask the standby for its status without a pause,
and while they ask the leader. Prints the median and the 90th percentile of the waits from a Pod's IP to its label. The
flood runs on this machine too: what it takes of the processors, the turn with the standby shows.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from statistics import median

from sandbox.world import ClusterSettings, SandboxCluster, World, WorldSettings, wait_until
from tests.benchmarks.pod_life import LATENCY_S, life
from tests.e2e.scene import Scene, auto, running

ROUNDS = 3
LONG_S = 600.0


def main() -> None:
    """Run both in turns, and compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clients", type=int, nargs="?", default=500)
    parser.add_argument("pods", type=int, nargs="?", default=10)
    given = parser.parse_args()
    clusters = (ClusterSettings(name="a", nodes=3 * ROUNDS, replicas=2),)
    settings = WorldSettings(clusters=clusters, ec2={"latency_s": LATENCY_S}, kubelet_seconds=0.2)
    waits: dict[str, list[float]] = {"peace": [], "standby": [], "leader": []}
    with tempfile.TemporaryDirectory() as folder, World(settings, Path(folder)) as world, running(world):
        cluster = world.clusters["a"]
        wait_until(lambda: all(r.ready() for r in cluster.replicas), 60, "all replicas are ready")
        for number in range(ROUNDS):
            for turn, (kind, found) in enumerate(waits.items()):
                scene = Scene(world, cluster, f"{kind}-{number}")
                with flood(cluster, kind, given.clients) if kind != "peace" else nullcontext():
                    found += [life(scene, f"p{pod}", auto(), 3 * number + turn) for pod in range(given.pods)]
    for kind, found in waits.items():
        p90 = sorted(found)[int(0.9 * len(found))]
        ratio = median(found) / median(waits["peace"])
        print(f"{kind}: median {median(found) * 1000:.0f} ms ({ratio:.2f} of peace), p90 {p90 * 1000:.0f} ms")


@contextmanager
def flood(cluster: SandboxCluster, whom: str, clients: int) -> Iterator[None]:
    """So many clients at the leader, or at another, until the end of this."""
    leader = cluster.leader()
    asked = next(r for r in cluster.replicas if (r is leader) == (whom == "leader"))
    port = asked.url.rpartition(":")[2]
    command = [sys.executable, "-m", "tests.web.flood", port, str(clients), str(LONG_S)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


if __name__ == "__main__":
    main()
