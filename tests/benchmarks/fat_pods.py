"""What fat Pods that ask for nothing cost a replica: `python -m tests.benchmarks.fat_pods [--pods N] [--bytes N]`.

One replica starts in a cluster of such Pods, then has to list them anew (its version has expired). Prints its resident
memory, gunicorn's master and worker together: the peak of each and what stays, beside the chart's limit; and with how
many requests of which sizes the Pods were listed. `--as` puts the bytes elsewhere than in a container's variable.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sandbox.kube.client import ApiClient
from sandbox.kube.control import KubeControl
from sandbox.kube.log import LogEntry
from sandbox.replica import Replica
from sandbox.world import ClusterSettings, World, WorldSettings, wait_until
from tests.benchmarks.memory import Peak, memory_mb

LIMIT_MB = 256
OURS = "aws-samples.github.com/aws-pod-eip-controller-public-ipv4-pool"
LONGEST_ANNOTATION = 256_000
AT_REST_S = 3.0

Json = dict[str, Any]


def variable(size: int) -> Json:
    """A Pod with so many bytes in a variable of its container."""
    container = {"name": "main", "image": "sandbox", "env": [{"name": "FAT", "value": "x" * size}]}
    return {"metadata": {}, "spec": {"containers": [container]}}


def annotated(key: str) -> Callable[[int], Json]:
    """Pods with so many bytes, or as many as Kubernetes allows, in this annotation."""

    def made(size: int) -> Json:
        annotations = {key: "x" * min(size, LONGEST_ANNOTATION)}
        return {"metadata": {"annotations": annotations}, "spec": {"containers": [{"name": "main", "image": "x"}]}}

    return made


KINDS: Mapping[str, Callable[[int], Json]] = {
    "variable": variable,
    "annotation": annotated("example.com/notes"),
    "own-annotation": annotated(OURS),
}


def main() -> None:
    """Make the Pods, then the replica; print the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fat_pods", description=__doc__)
    parser.add_argument("--pods", type=int, default=10_000, help="how many (%(default)s)")
    parser.add_argument("--bytes", type=int, default=20_000, help="of each (%(default)s)")
    parser.add_argument("--as", dest="kind", choices=KINDS, default="variable", help="where they are (%(default)s)")
    given = parser.parse_args()
    settings = WorldSettings(clusters=(ClusterSettings(name="a", replicas=1),), dynamodb="moto")
    with tempfile.TemporaryDirectory() as folder, World(settings, Path(folder)) as world:
        cluster = world.clusters["a"]
        fill(cluster.kube, KINDS[given.kind](given.bytes), given.pods)
        print(f"{given.pods} Pods of {given.bytes} bytes ({given.kind}); the chart's limit is {LIMIT_MB} MiB")
        measure(cluster.kube, cluster.replicas[0], given.pods)


def fill(kube: KubeControl, pod: Json, pods: int) -> None:
    """Make them, each with an IP of its own."""
    kube.namespace("fat")
    client = ApiClient(f"{kube.url}/_sandbox/api")

    def make(number: int) -> None:
        body = pod | {"metadata": pod["metadata"] | {"name": f"p{number}"}}
        client.call("POST", "/api/v1/namespaces/fat/pods", body)
        kube.set_ip("fat", f"p{number}", f"10.9.{number >> 8 & 255}.{number & 255}")

    with ThreadPoolExecutor(4) as together:
        for _ in together.map(make, range(pods)):
            pass
    client.close()


def measure(kube: KubeControl, replica: Replica, pods: int) -> None:
    """Its start, a list anew, and what stays."""
    replica.start()
    with Peak(replica.pid) as peak:
        wait_until(replica.leads, 300, lambda: f"it leads: {replica.tail()}")
        told(kube, "it starts", pods, 0)
        rest = rest_mb(replica)
    print(f"  peak {peak.mb:.0f} MiB, at rest {rest:.0f} MiB")
    wait_until(lambda: _calls(kube)[-1].verb == "watch", 300, "the leader's own list is over")
    before = _calls(kube)[-1].sequence
    with Peak(replica.pid) as peak:
        kube.compact()
        kube.drop_watches()
        told(kube, "it lists anew", pods, before)
        rest = rest_mb(replica)
    print(f"  peak {peak.mb:.0f} MiB, at rest {rest:.0f} MiB", flush=True)


def told(kube: KubeControl, what: str, pods: int, after: int) -> None:
    """Wait for the watch that follows a list, and print how that was asked for."""
    wait_until(lambda: _listed(kube, after), 300, what)
    *asked, watch = _listed(kube, after)
    sizes = [int((entry.query or {}).get("limit", "0")) for entry in asked]
    took = watch.time - asked[0].time
    print(f"{what}: {pods} Pods with {len(sizes)} requests for {min(sizes)} to {max(sizes)} in {took:.1f} s")


def _calls(kube: KubeControl, after: int = 0) -> list[LogEntry]:
    return [e for e in kube.log(after=after, resource="pods") if e.verb in ("list", "watch")]


def _listed(kube: KubeControl, after: int) -> list[LogEntry]:
    """The requests of the first list, and the watch that came after it; nothing while there is none."""
    calls = _calls(kube, after)
    begun = next((i for i, e in enumerate(calls) if e.verb == "list"), len(calls))
    ended = next((i for i, e in enumerate(calls) if e.verb == "watch" and i > begun), None)
    return [] if ended is None else calls[begun : ended + 1]


def rest_mb(replica: Replica) -> float:
    """Its memory, a while later."""
    time.sleep(AT_REST_S)
    return memory_mb(replica.pid)


if __name__ == "__main__":
    main()
