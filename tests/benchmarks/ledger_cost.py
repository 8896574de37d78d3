"""What DynamoDB is asked for: `python -m tests.benchmarks.ledger_cost [--idle SECONDS]`.

Twelve Pods of each mode come and go one after the other, then nothing happens for a while, then one Pod waits for an
empty pool. Requests are those that passed the replicas' doors; request units follow from them by the rules of the
documentation ("Read/write request units"): 2 for each item of a transaction and 1 KB, 1 for each item of a strongly
consistent read and 4 KB (a Query counts as one). Prices are on demand, us-east-1: 0.625 $ and 0.125 $ a million.
"""

import argparse
import json
import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sandbox.world import ClusterSettings, WorldSettings
from tests.e2e.scene import Scene, auto, fixed, fixed_value
from tests.faults.world import FaultWorld
from tests.history import Call

PODS = 12
WRITE_PRICE, READ_PRICE = 0.625e-6, 0.125e-6
HOUR_S = 3600.0


def main() -> None:
    """Print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.ledger_cost", description=__doc__)
    parser.add_argument("--idle", type=float, default=120.0, help="seconds to watch (%(default)s)")
    idle_s = parser.parse_args().idle
    settings = WorldSettings(clusters=(ClusterSettings(name="a", nodes=3, replicas=2),), kubelet_seconds=0.2)
    with tempfile.TemporaryDirectory() as folder, FaultWorld(settings, Path(folder)) as world:
        world.start()
        world.leader()
        for mode in ("auto", "fixed-tag", "fixed-tag-value"):
            _life(world, mode)
        _while_nothing_happens(world, "an idle hour, two replicas", idle_s)
        scene = Scene(world, world.clusters["a"], "empty")
        scene.run("p", fixed("empty"))
        scene.hears("p", "EIPWaiting")
        time.sleep(30.0)
        _while_nothing_happens(world, "an hour in which a Pod waits", idle_s)


def _life(world: FaultWorld, mode: str) -> None:
    scene = Scene(world, world.clusters["a"], mode)
    annotations = {"auto": auto(), "fixed-tag": fixed("pool"), "fixed-tag-value": fixed_value("own")}[mode]
    if mode != "auto":
        for number in range(PODS):
            world.ec2.add_address(tags={"pool": ""} if mode == "fixed-tag" else {"own": f"{mode}/p{number}"})
    scene.mark()
    since = len(world.recorder.calls)
    for number in range(PODS):
        name = f"p{number}"
        scene.run(name, annotations, grace_seconds=0)
        allocation_id = scene.served(name).allocation_id
        scene.delete(name)
        scene.eventually(lambda a=allocation_id: scene.free(a), "it has gone")  # type: ignore[misc]
    last = "ReleaseAddress" if mode == "auto" else "DisassociateAddress"
    scene.eventually(lambda: len(scene.calls(last)) == PODS, "all have gone", 60)
    time.sleep(2.0)
    _say(f"a Pod's life, {mode}", world.recorder.calls[since:], 1 / PODS, per="Pod")


def _while_nothing_happens(world: FaultWorld, title: str, idle_s: float) -> None:
    time.sleep(5.0)
    since = len(world.recorder.calls)
    time.sleep(idle_s)
    _say(title, world.recorder.calls[since:], HOUR_S / idle_s, per="hour")


def _say(title: str, calls: Iterable[Call], share: float, *, per: str) -> None:
    ledger = [call for call in calls if call.service == "dynamodb"]
    requests = Counter(call.what for call in ledger)
    writes = sum(_write_units(call.body) for call in ledger) * share
    reads = sum(_read_units(call) for call in ledger) * share
    cost = writes * WRITE_PRICE + reads * READ_PRICE
    told = ", ".join(f"{count * share:.1f} {what}" for what, count in sorted(requests.items()))
    print(f"{title}: {told}; {writes:.1f} write and {reads:.1f} read units; {cost * 1e6:.1f} $ a million {per}s")


def _write_units(body: Mapping[str, Any]) -> int:
    items = [next(iter(entry.values())) for entry in body.get("TransactItems", ())]
    return sum(2 * math.ceil(len(json.dumps(item.get("Item", {}))) / 1024 or 1) for item in items)


def _read_units(call: Call) -> int:
    asked = call.body.get("RequestItems", {})
    return sum(len(table["Keys"]) for table in asked.values()) or int(call.what == "Query")


if __name__ == "__main__":
    main()
