"""What a Pod's life costs and how long its user waits: `python -m tests.benchmarks.pod_life`.

Twelve Pods of one mode come and go one after the other on one interface, EC2 takes 80 ms a call. Calls are those of
EC2's own log; the wait runs from the answer to the status patch that gives the Pod its IP to the arrival of the
label's patch at the API server. Then the leader goes, once by SIGTERM and once by SIGKILL: from the signal to
the next leader's first EC2 call. Last, the resident memory of a replica, gunicorn's master and worker together.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sandbox.world import ClusterSettings, SandboxCluster, World, WorldSettings, wait_until
from tests.benchmarks.memory import memory_mb
from tests.e2e.scene import PUBLIC_IP, Scene, auto, fixed, fixed_value, running

PODS = 12
LATENCY_S = 0.08


def main() -> None:
    """Run it all and print the table."""
    settings = WorldSettings(
        clusters=(ClusterSettings(name="a", nodes=3, replicas=3),), ec2={"latency_s": LATENCY_S}, kubelet_seconds=0.2
    )
    with tempfile.TemporaryDirectory() as folder, World(settings, Path(folder)) as world, running(world):
        cluster = world.clusters["a"]
        wait_until(lambda: all(r.ready() for r in cluster.replicas), 60, "all replicas are ready")
        print(f"DynamoDB: {world.dynamodb_kind}; EC2: {LATENCY_S * 1000:.0f} ms a call; {PODS} Pods a mode")
        for node, mode in enumerate(("auto", "fixed-tag", "fixed-tag-value")):
            _mode(world, cluster, mode, node)
        for kind in ("SIGTERM", "SIGKILL"):
            _failover(world, cluster, kind)
        for replica in cluster.replicas:
            if replica.alive:
                print(f"memory of {replica.name}: {memory_mb(replica.pid):.0f} MB")


def _mode(world: World, cluster: SandboxCluster, mode: str, node: int) -> None:
    namespace = mode
    scene = Scene(world, cluster, namespace)
    annotations = {"auto": auto(), "fixed-tag": fixed("pool"), "fixed-tag-value": fixed_value("own")}[mode]
    if mode != "auto":
        for number in range(PODS):
            tags = {"pool": ""} if mode == "fixed-tag" else {"own": f"{namespace}/p{number}"}
            world.ec2.add_address(tags=tags)
    scene.mark()
    waits = [life(scene, f"p{number}", annotations, node) for number in range(PODS)]
    last = "ReleaseAddress" if mode == "auto" else "DisassociateAddress"
    scene.eventually(lambda: len(scene.calls(last)) == PODS, "all have gone", 60)
    counts: dict[str, int] = {}
    for call in scene.calls():
        counts[call.action] = counts.get(call.action, 0) + 1
    p90 = sorted(waits)[int(0.9 * len(waits))]
    print(
        f"{mode}: {sum(counts.values()) / PODS:.2f} EC2 calls a Pod {counts}; "
        f"IP to label: median {statistics.median(waits) * 1000:.0f} ms, p90 {p90 * 1000:.0f} ms"
    )


def life(scene: Scene, name: str, annotations: dict[str, str], node: int) -> float:
    """One Pod, served and deleted; how long it waited, in seconds."""
    scene.run(name, annotations, node=node, grace_seconds=0)
    given = time.time()
    scene.served(name)
    waited = _labelled(scene.cluster, scene.namespace, name) - given
    scene.delete(name)
    scene.eventually(_cut(scene, name), "cut")
    return waited


def _labelled(cluster: SandboxCluster, namespace: str, name: str) -> float:
    """When the label's patch arrived at the API server, by its log (Unix seconds)."""
    patches = cluster.kube.log(verb="patch", resource="pods")
    return next(e.time for e in patches if (e.namespace, e.name) == (namespace, name) and PUBLIC_IP in str(e.body))


def _cut(scene: Scene, name: str) -> Callable[[], bool]:
    return lambda: scene.at(name) is None


def _failover(world: World, cluster: SandboxCluster, kind: str) -> None:
    leader = cluster.leader()
    assert leader is not None
    seen = world.ec2.log()[-1].seq
    leader.terminate() if kind == "SIGTERM" else leader.kill()
    others = {r.name for r in cluster.replicas} - {leader.name}
    wait_until(lambda: [c for c in world.ec2.log(seen) if c.caller.access_key in others], 40, "a new leader's call")
    first = next(c for c in world.ec2.log(seen) if c.caller.access_key in others)
    print(f"fail-over on {kind}: {first.started_mono - leader.signalled_at:.2f} s")
    wait_until(cluster.leader, 30, "a leader")


if __name__ == "__main__":
    started = time.monotonic()
    main()
    print(f"took {time.monotonic() - started:.0f} s")
