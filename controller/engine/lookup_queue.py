"""Looks at EC2, at Nodes and at the table run here, beside the loop, so that a slow API does not stop the loop.

There is one look of a kind at a time; needs that come in while it runs are met by the next one. A need that the running
look will meet freshly enough waits for that one. Each kind runs by itself, so that a slow look at interfaces delays
only Pods that need one. Nodes are read one by one, in several lanes, so that a Pod does not wait for the Nodes of many
others.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import get_args
from zlib import crc32

from controller.core.ports import Clock
from controller.engine.lookups import Kind, Lookup, LookupRunner
from state.errors import PodEipError
from state.model import Epoch, PodUid

log = logging.getLogger(__name__)

NODE_LANES = 16
THREADS = 2 * (len(get_args(Kind)) + 2 * NODE_LANES)
"""So many that no lane waits for another, even while looks of the term before still hang."""
BATCH = 1000
"""The most needs that one look meets; the next one meets the rest, so that the first Pods do not wait for the last."""
_ONE_BY_ONE: frozenset[Kind] = frozenset({"nodes", "fresh nodes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupDone:
    """The result of a look: these Pods may be observed anew; with `error`, it has failed for them."""

    epoch: Epoch
    kind: Kind
    uids: frozenset[PodUid]
    error: PodEipError | None = None


@dataclass(slots=True)
class _Lane:
    """The looks of one kind: what runs, since when, and what waits for the next look."""

    since: float = float("-inf")
    running: dict[Lookup, set[PodUid]] = field(default_factory=dict)
    waiting: dict[Lookup, set[PodUid]] = field(default_factory=dict)


class LookupQueue:
    """The looks of one term. `done` is called with each result, from the look's thread."""

    def __init__(
        self,
        *,
        lookup_runner: LookupRunner,
        epoch: Epoch,
        pool: Executor,
        clock: Clock,
        done: Callable[[LookupDone], None],
    ) -> None:
        self._lookup_runner, self._epoch, self._pool, self._clock, self._done = lookup_runner, epoch, pool, clock, done
        self._state = threading.Condition()
        self._lanes: dict[tuple[Kind, int], _Lane] = {}
        self._over = False

    def close(self) -> None:
        """The term is over: what runs ends by itself, and nothing more begins."""
        with self._state:
            self._over = True
            for lane in self._lanes.values():
                lane.waiting.clear()

    def ask(self, parked: Mapping[PodUid, Lookup]) -> None:
        """Look up these needs, in other threads. Returns at once."""
        with self._state:
            for uid, lookup in parked.items():
                self._enter(uid, lookup)
            for (kind, _), lane in self._lanes.items():
                self._start(kind, lane)

    def wait_idle(self, limit_s: float) -> bool:
        """Wait until nothing is being looked up, at most so long; whether nothing is."""
        with self._state:
            return self._state.wait_for(lambda: not any(t.running or t.waiting for t in self._lanes.values()), limit_s)

    def _enter(self, uid: PodUid, lookup: Lookup) -> None:
        lane = self._lanes.setdefault((lookup.kind, lane_of(lookup)), _Lane())
        joins = lookup in lane.running and lane.since >= lookup.since
        (lane.running if joins else lane.waiting).setdefault(lookup, set()).add(uid)

    def _start(self, kind: Kind, lane: _Lane) -> None:
        if lane.running or not lane.waiting or self._over:
            return
        batch = dict(list(lane.waiting.items())[: 1 if kind in _ONE_BY_ONE else BATCH])
        lane.running, lane.since = batch, self._clock()
        lane.waiting = {lookup: uids for lookup, uids in lane.waiting.items() if lookup not in batch}
        self._pool.submit(self._look, kind, lane)

    def _look(self, kind: Kind, lane: _Lane) -> None:
        error = self._try(kind, list(lane.running))
        with self._state:
            asked, lane.running = lane.running, {}
            uids = frozenset(uid for asking in asked.values() for uid in asking)
            self._done(LookupDone(epoch=self._epoch, kind=kind, uids=uids, error=error))
            self._start(kind, lane)
            self._state.notify_all()

    def _try(self, kind: Kind, lookups: Sequence[Lookup]) -> PodEipError | None:
        try:
            self._lookup_runner.look(kind, lookups)
        except PodEipError as error:
            return error
        except Exception as error:  # the thread's top: a fault of ours is a failure like any other for those who asked
            log.exception("a look failed unexpectedly", extra={"kind": kind})
            return PodEipError(f"{type(error).__name__}: {error}", code="InternalError")
        return None


def lane_of(lookup: Lookup) -> int:
    """The line of a need. A name has one line, so that it is not looked up twice at once."""
    return crc32(lookup.name.encode()) % NODE_LANES if lookup.kind in _ONE_BY_ONE else 0
