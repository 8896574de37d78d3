"""Clusters that share a pool, all at once: `python -m tests.benchmarks.sharing [CLUSTERS ...] [--pods N]`.

For each number of clusters, and a pool with room, one with exactly enough and one that is too small: how long until
all that can be served are, against the least that EC2's shared bucket allows ((claims - 50) / 5 seconds); which part
of all claims lost its conditional write; what was displaced. With the pool that is too small the served Pods then go
one a second, and the waiting times of the others are told by cluster.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from sandbox.replica import Replica
from sandbox.world import IPS_OF_A_NODE, ClusterSettings, SandboxCluster, WorldSettings, wait_until
from tests.e2e.scene import PUBLIC_IP, fixed
from tests.faults.recorder import decoded
from tests.faults.world import FaultWorld
from tests.history import TRANSACTION, Call, Key

LETTERS = "abcdefghijklmnop"
SIZES = {"room": 2.0, "exact": 1.0, "scarce": 0.5}
PATIENCE_S = 300.0
EACH_S = 1.0
Place = tuple[SandboxCluster, str]


def main() -> None:
    """Run each combination."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.sharing", description=__doc__)
    parser.add_argument("clusters", type=int, nargs="*", default=[2, 5, 10])
    parser.add_argument("--pods", type=int, default=20, help="in each cluster (%(default)s)")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    given = parser.parse_args()
    for clusters in given.clusters:
        for size in given.sizes:
            share(clusters, given.pods, size)


def share(clusters: int, pods: int, size: str) -> None:
    """One world."""
    nodes = pods // (IPS_OF_A_NODE - 1) + 1
    made = tuple(ClusterSettings(name=name, nodes=nodes, replicas=1) for name in LETTERS[:clusters])
    ec2 = {"latency_s": 0.08, "throttle": True}
    with (
        tempfile.TemporaryDirectory() as folder,
        FaultWorld(WorldSettings(clusters=made, ec2=ec2, kubelet_seconds=0.2), Path(folder)) as world,
    ):
        addresses = round(clusters * pods * SIZES[size])
        for _ in range(addresses):
            world.ec2.add_address(tags={"pool": ""})
        world.start()
        leaders = [world.leader(name, PATIENCE_S) for name in world.clusters]
        wait_until(lambda: all(_known(one) == clusters for one in leaders), PATIENCE_S, "they know each other", 1.0)
        _run(world, pods, addresses, f"{clusters} clusters, {size}")


def _run(world: FaultWorld, pods: int, addresses: int, title: str) -> None:
    world.ec2.refill_buckets()
    wanted = pods * len(world.clusters)
    began = time.monotonic()
    for number in range(pods):
        for cluster in world.clusters.values():
            cluster.run_pod("ns", f"p{number}", fixed("pool"))
    wait_until(lambda: len(_held(world)) >= min(wanted, addresses), PATIENCE_S, "all that can be served are", 0.1)
    took, claims = time.monotonic() - began, min(wanted, addresses)
    tried, lost = _claims(world.recorder.calls)
    least = max(0.0, (claims - 50) / 5)
    displaced = sum(h.contended for h in world.ec2.holdings())
    _say(
        f"{title}: {claims} of {wanted} Pods served in {took:.1f} s, the bucket's least is {least:.1f} s; "
        f"{lost} of {tried} claims lost ({100 * lost / tried:.1f} %), {displaced} displaced"
    )
    if wanted > addresses:
        _serve_the_rest(world, wanted)


def _serve_the_rest(world: FaultWorld, wanted: int) -> None:
    """Let one served Pod go each second, the oldest first; how long each waiting Pod had to wait from then on."""
    waits: dict[str, list[float]] = {name: [] for name in world.clusters}
    begin, gone, seen = time.monotonic(), set[tuple[str, str]](), set(_labelled(world))
    while len(seen) < wanted:
        for cluster, pod in sorted(seen - gone)[:1]:
            world.clusters[cluster].kube.delete_pod("ns", pod)
            gone.add((cluster, pod))
        end = time.monotonic() + EACH_S
        while time.monotonic() < end:
            for cluster, pod in set(_labelled(world)) - seen:
                waits[cluster].append(time.monotonic() - begin)
                seen.add((cluster, pod))
            time.sleep(0.1)
        if time.monotonic() > begin + PATIENCE_S:
            break
    for name, found in waits.items():
        said = f"median {median(found):.1f} s, longest {max(found):.1f} s" if found else "nobody had to wait"
        _say(f"    {name}: {len(found)} waited, {said}")
    _say(f"    {wanted - len(seen)} were never served; {time.monotonic() - begin:.1f} s for {len(gone)} that went")


def _known(replica: Replica) -> int:
    status = replica.status()
    return len(status["clusters"]) if status else 0


def _held(world: FaultWorld) -> list[str]:
    return [a.allocation_id for a in world.ec2.world().addresses.values() if a.association]


def _labelled(world: FaultWorld) -> Iterator[tuple[str, str]]:
    for name, cluster in world.clusters.items():
        for pod in cluster.kube.pods("ns"):
            if PUBLIC_IP in pod["metadata"].get("labels", {}):
                yield name, pod["metadata"]["name"]


def _claims(calls: list[Call]) -> tuple[int, int]:
    """How many claims were tried, and how many of them no transaction wrote."""
    tried: set[tuple[Key, str]] = set()
    written: set[tuple[Key, str]] = set()
    for call in (call for call in calls if call.what == TRANSACTION):
        found = {_claim(entry["Put"]["Item"]) for entry in call.body["TransactItems"] if "Put" in entry}
        found.discard(None)
        new = {claim for claim in found if claim}
        tried |= new
        written |= new if call.status == 200 else set()
    return len(tried), len(tried - written)


def _claim(raw: Mapping[str, Any]) -> tuple[Key, str] | None:
    item = decoded(raw)
    owner = item.get("owner_pod")
    return ((str(item["pk"]), str(item["sk"])), str(owner)) if item["sk"] == "claim" and owner else None


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
