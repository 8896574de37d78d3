"""What a view of the status page costs: `python -m tests.benchmarks.page [PODS]`.

The page is made in the process of the loop, so what counts is the time of a thread's processor (in which the loop may
have to wait for Python's lock), and the bytes on the wire. Printed in milliseconds, the median and the worst of many.
"""

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from controller.surface.views.site import Site
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


def main(count: int) -> None:
    """Print a line for each view: where no Pod has changed since the snapshot before, and where each has."""
    status = night(count)
    print(
        f"{count} Pods\n{'ms of a view':<24}{'same':>8}{'worst':>8}{'changed':>8}{'worst':>8}{'bytes':>9}{'packed':>8}"
    )
    for path in VIEWS:
        route, _, query = path.partition("?")
        environ = {"PATH_INFO": route, "QUERY_STRING": query}
        print(f"{path:<24}", end="")
        for changed in (False, True):
            again = [fresh(status, changed=changed) for _ in range(TIMES)]
            site = Site(iter(again).__next__, "https://jaeger.example/trace/{trace_id}", explanation)
            median, worst = measured(partial(site.get, environ))
            print(f"{median:>8.2f}{worst:>8.2f}", end="")
        made = Site(lambda: status).get(environ)
        assert made is not None
        print(f"{len(made.document.body):>9,}{len(made.document.packed):>8,}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
