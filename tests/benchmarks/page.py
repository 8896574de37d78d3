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


def fresh(status: dict[str, Any]) -> dict[str, Any]:
    """Another snapshot of the same: nothing that was made of the one before is of use."""
    return {**status, "pods": list(status["pods"])}


def main(count: int) -> None:
    """Print a line for each view."""
    status = night(count)
    site = Site(lambda: fresh(status), "https://jaeger.example/trace/{trace_id}", explanation)
    print(f"{count} Pods\n{'view':<24}{'ms':>8}{'worst':>8}{'bytes':>9}{'packed':>8}")
    for path in VIEWS:
        route, _, query = path.partition("?")
        view = partial(site.get, {"PATH_INFO": route, "QUERY_STRING": query})
        median, worst = measured(view)
        made = view()
        assert made is not None
        sizes = len(made.document.body), len(made.document.packed)
        print(f"{path:<24}{median:>8.2f}{worst:>8.2f}{sizes[0]:>9,}{sizes[1]:>8,}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
