"""What a view of the status page costs: `python -m tests.benchmarks.page [PODS]`.

The page is made in the process of the loop, so what counts is the time of a thread's processor (in which the loop may
have to wait for Python's lock), and the bytes on the wire. Printed in milliseconds, the median and the worst of many.
"""

import gzip
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from controller.surface.gunicorn_api import WsgiApp
from controller.surface.metrics import Metrics
from controller.surface.web import application
from tests.web.asked import Scripted
from tests.web.night import night

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


class Night(Scripted):
    """A new snapshot at each look, as a second brings one."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._night = night(count)

    def status(self) -> dict[str, Any]:
        """The night."""
        return dict(self._night)


def measured(act: Callable[[], object]) -> tuple[float, float]:
    """The median and the worst time of the processor, in milliseconds."""
    found = []
    for _ in range(TIMES):
        begun = time.thread_time()
        act()
        found.append((time.thread_time() - begun) * 1000)
    return statistics.median(found), max(found)


def asked(app: WsgiApp, path: str) -> bytes:
    """The body of the answer to a path with its query."""
    route, _, query = path.partition("?")
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": route, "QUERY_STRING": query}
    return b"".join(app(environ, lambda *_: None))


def main(count: int) -> None:
    """Print a line for each view."""
    source = Night(count)
    app = application(source, Metrics())
    print(f"{count} Pods\n{'view':<24}{'ms':>8}{'worst':>8}{'bytes':>9}{'packed':>8}")
    for path in VIEWS:
        body = asked(app, path)
        # Each time a query that has not been asked before, so that the view is made anew.
        fresh = (f"{path}{'&' if '?' in path else '?'}again={number}" for number in range(10**6))
        median, worst = measured(partial(lambda fresh: asked(app, next(fresh)), fresh))
        print(f"{path:<24}{median:>8.2f}{worst:>8.2f}{len(body):>9,}{len(gzip.compress(body, 1)):>8,}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)
