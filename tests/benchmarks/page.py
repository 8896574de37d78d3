"""What a view of the status page costs: `python -m tests.benchmarks.page [PODS]`.

The page is made in the process of the loop, so what counts is the time of a thread's processor (in which the loop may
have to wait for Python's lock), and the bytes on the wire. Printed in milliseconds, the median and the worst of many.
"""

import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from controller.surface.views.site import Site
from state.model import PodUid
from tests.unit.engine_harness import Replica, World, auto
from tests.unit.shown import snapshot_of
from tests.web.night import explanation, night

TIMES = 40
VIEWS = (
    "/",
    "/?sort=-since",
    "/?sort=ip",
    "/?q=server-29",
    "/?page=60",
    "/pods/lobby/lobby-42",
    "/pools",
    "/pools?key=game-ips",
    "/clusters",
    "/controller",
)


def measured(act: Callable[[], object]) -> tuple[float, float]:
    """The median and the worst time of the processor, in milliseconds."""
    found = []
    for _ in range(TIMES):
        begun = time.thread_time()
        act()
        found.append((time.thread_time() - begun) * 1000)
    return statistics.median(found), max(found)


def fresh(status: dict[str, Any], *, changed: bool) -> dict[str, Any]:
    """Another snapshot of the same, with the rows of the one before, as a leader keeps them, or with none of them."""
    return {**status, "pods": [dict(pod) if changed else pod for pod in status["pods"]]}


def leader(count: int) -> tuple[World, Replica]:
    """A leader with so many Pods that have their address."""
    world = World()
    replica = Replica(world).lead()
    first = world.pod("pod-0", auto(), name="server-0")
    replica.settle()
    record, view = replica.ledger.pods()[first], world.pods.pods[first]
    for number in range(1, count):
        uid, name = PodUid(f"pod-{number}"), f"server-{number}"
        world.pods.put(replace(view, uid=uid, name=name))
        world.table.pods[replica.install.cluster_uid, uid] = (replace(record, uid=uid, name=name), replica.install)
    replica.ledger.begin_term("me")  # it reads the claims
    return world, replica


def of_document(count: int) -> str:
    """What the status document costs, which a view is made from: kept rows, and all of them made anew."""
    world, replica = leader(count)
    kept = snapshot_of(world, replica)
    assert len(kept.build().pods) == count
    return figures(lambda: kept.build().to_json(), lambda: snapshot_of(world, replica).build().to_json())


def of_view(status: dict[str, Any], environ: dict[str, Any]) -> str:
    """What a view costs beside the document, and its bytes."""
    acts = []
    for changed in (False, True):
        again = [fresh(status, changed=changed) for _ in range(TIMES)]
        site = Site(iter(again).__next__, "https://jaeger.example/trace/{trace_id}", explanation)
        acts.append(partial(site.get, environ))
    made = Site(lambda: status).get(environ)
    assert made is not None
    return f"{figures(*acts)}{len(made.document.body):>9,}{len(made.document.packed):>9,}"


def figures(*acts: Callable[[], object]) -> str:
    """The columns of what is measured."""
    return "".join(f"{median:>9.2f}{worst:>9.2f}" for median, worst in map(measured, acts))


def main(count: int) -> None:
    """Print a line for the document and one for each view: where no Pod has changed since the last, where all have."""
    status = night(count)
    heads = "".join(f"{head:>9}" for head in ("same", "worst", "changed", "worst", "bytes", "packed"))
    print(f"{count} Pods\n{'ms':<24}{heads}\n{'the document':<24}{of_document(count)}")
    for path in VIEWS:
        route, _, query = path.partition("?")
        print(f"{path:<24}{of_view(status, {'PATH_INFO': route, 'QUERY_STRING': query})}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
