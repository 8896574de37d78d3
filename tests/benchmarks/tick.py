"""What those who look on cost the loop: `python -m tests.benchmarks.tick [PODS]`.

A leader, as a process, has PODS Pods; others come one after the other. Printed for each line: how many ticks the loop
made, their mean, the bound below which 99 of 100 were (both from the replica's own histogram), and how long the Pods
that came waited from their IP to their label. First nobody asks, then the page, metrics, `explain`, the status and the
probes are asked for, each about once a second and from a dozen sides; the same again where all spans go to a receiver.
"""

import argparse
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from prometheus_client.parser import text_string_to_metric_families

from sandbox.replica import Replica
from sandbox.world import IPS_OF_A_NODE, ClusterSettings, World, WorldSettings, wait_until
from tests.benchmarks.neighbours import waits
from tests.e2e.scene import auto, running
from tests.fakes.otlp import Receiver
from tests.faults.neighbours import UNHURRIED, run_many, scene, standing

TICKS = "pod_eip_tick_duration_seconds"
COMING = 60
EVERY_S = 1.0
ASKED = (
    *("/", "/?sort=-since", "/?q=p1", "/?page=2", "/pods/first/p1", "/pools", "/clusters", "/controller"),
    *("/metrics", "/api/v1/status", "/api/v1/pods/first/p1", "/healthz", "/readyz"),
)


def main() -> None:
    """Two worlds, each with and without readers."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.tick", description=__doc__)
    parser.add_argument("pods", type=int, nargs="?", default=300)
    given = parser.parse_args()
    for traced in (False, True):
        measure(given.pods, traced=traced)


def measure(pods: int, *, traced: bool) -> None:
    """One world."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver())
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url} if traced else {}
        more = {"trace-all-calls": "true"} if traced else {}
        nodes = (pods + 2 * COMING) // (IPS_OF_A_NODE - 1) + 1
        cluster = ClusterSettings(name="a", nodes=nodes, replicas=1)
        settings = WorldSettings(
            clusters=(cluster,), flags=UNHURRIED | more, env=env, dynamodb="moto", kubelet_seconds=0.2
        )
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        world = stack.enter_context(World(settings, Path(folder)))
        stack.enter_context(running(world))
        first = scene(world, "first")
        run_many(first, pods, auto())
        wait_until(lambda: len(standing(world, first.ips)) == pods, 300, "all have their address", 0.3)
        leader = world.clusters["a"].leader()
        assert leader is not None
        title = "traced" if traced else "no traces"
        show(world, leader, f"{title}, nobody asks", "alone")
        with readers(leader) as answers:
            show(world, leader, f"{title}, all is asked for", "asked")
        size, none = sum(answers) / len(answers), answers.count(0)
        print(f"{'':>26}  {len(answers)} answers of {size:,.0f} bytes, {none} failed; {len(receiver.spans)} spans")


def show(world: World, leader: Replica, title: str, namespace: str) -> None:
    """Let Pods come, and print what the loop's ticks took meanwhile."""
    before = ticks(leader)
    waited = waits(scene(world, namespace), auto(), COMING)
    taken = {key: value - before.get(key, 0.0) for key, value in ticks(leader).items()}
    count = taken["count"]
    most = min(float(bound) for bound, many in taken.items() if bound[0].isdigit() and many >= 0.99 * count)
    print(
        f"{title:>26}: {count:.0f} ticks, mean {1000 * taken['sum'] / count:.2f} ms, 99 of 100 below "
        f"{1000 * most:g} ms; Pods waited {median(waited):.3f} s (median of {len(waited)})",
        flush=True,
    )


def ticks(leader: Replica) -> dict[str, float]:
    """The histogram of ticks: `count`, `sum`, and how many were below each bound, by the bound in seconds."""
    text = (leader.get("/metrics") or b"").decode()
    family = next(one for one in text_string_to_metric_families(text) if one.name == TICKS)
    named = {sample.name.rpartition("_")[2]: sample.value for sample in family.samples if "le" not in sample.labels}
    return named | {one.labels["le"]: one.value for one in family.samples if one.labels.get("le", "+Inf") != "+Inf"}


@contextmanager
def readers(leader: Replica) -> Iterator[list[int]]:
    """One who asks for each of the paths, again and again: each answer's bytes."""
    over, found = threading.Event(), list[int]()

    def ask(path: str) -> None:
        while not over.wait(EVERY_S):
            found.append(len(leader.get(path) or b""))

    with ThreadPoolExecutor(len(ASKED)) as hands:
        asking = [hands.submit(ask, path) for path in ASKED]
        try:
            yield found
        finally:
            over.set()
    for one in asking:
        one.result()


if __name__ == "__main__":
    main()
