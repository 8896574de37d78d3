"""The errors of the last time, for who asks what is wrong: a few different ones, each with how often it came.

A log has each of them once a minute at most, and nobody reads a log from its start. Two errors are the same if they
have the same place and code, whatever else their texts say: thousands of Pods that fail alike are one row.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from controller.core.contract import for_tenants
from controller.core.status import RecentError
from controller.engine.wall import moment
from state.errors import PodEipError

MOST = 20


class RecentErrors:
    """Bounded, and thread-safe: the loop, the election and the chores write, who shows them reads. Never raises."""

    def __init__(self, wall: Callable[[], float] = time.time, most: int = MOST) -> None:
        self._wall, self._most, self._lock = wall, most, threading.Lock()
        self._rows: OrderedDict[tuple[str, str], RecentError] = OrderedDict()

    def note(self, where: str, error: PodEipError) -> None:
        """This failed there just now. `where`: a step or a call, in a few words and without names of Pods."""
        key = (where, error.code)
        text = for_tenants(error.explain())
        new = RecentError(at=moment(self._wall()), where=where, code=error.code, text=text, count=1)
        with self._lock:
            known = self._rows.pop(key, None)
            self._rows[key] = replace(new, count=known.count + 1) if known else new
            while len(self._rows) > self._most:
                self._rows.popitem(last=False)

    def all(self) -> tuple[RecentError, ...]:
        """The newest first."""
        with self._lock:
            return tuple(reversed(self._rows.values()))
