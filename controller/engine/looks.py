"""Looks at EC2, at Nodes and at the table run here, beside the loop, so that a slow API does not stop the loop.

There is one look of a kind at a time; needs that come in while it runs are met by the next one. A need that the running
look will meet freshly enough waits for that one. Each kind runs by itself, so that a slow look at interfaces delays
only Pods that need one. Nodes are read one by one, in several lines, so that a Pod does not wait for the Nodes of many
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
from controller.engine.needs import Kind, Looker, Need
from state.errors import PodEipError
from state.model import Epoch, PodUid

log = logging.getLogger(__name__)

NODE_LINES = 16
THREADS = 2 * (len(get_args(Kind)) + 2 * NODE_LINES)
"""So many that no line waits for another, even while looks of the term before still hang."""
BATCH = 1000
"""The most needs that one look meets; the next one meets the rest, so that the first Pods do not wait for the last."""
_ONE_BY_ONE: frozenset[Kind] = frozenset({"nodes", "fresh nodes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The result of a look: these Pods may be observed anew; with `error`, it has failed for them."""

    epoch: Epoch
    kind: Kind
    uids: frozenset[PodUid]
    error: PodEipError | None = None


@dataclass(slots=True)
class _Turn:
    """The looks of one kind: what runs, since when, and what waits for the next look."""

    since: float = float("-inf")
    running: dict[Need, set[PodUid]] = field(default_factory=dict)
    waiting: dict[Need, set[PodUid]] = field(default_factory=dict)


class Looks:
    """The looks of one term. `done` is called with each result, from the look's thread."""

    def __init__(
        self, *, looker: Looker, epoch: Epoch, pool: Executor, clock: Clock, done: Callable[[Looked], None]
    ) -> None:
        self._looker, self._epoch, self._pool, self._clock, self._done = looker, epoch, pool, clock, done
        self._state = threading.Condition()
        self._turns: dict[tuple[Kind, int], _Turn] = {}
        self._over = False

    def close(self) -> None:
        """The term is over: what runs ends by itself, and nothing more begins."""
        with self._state:
            self._over = True
            for turn in self._turns.values():
                turn.waiting.clear()

    def ask(self, parked: Mapping[PodUid, Need]) -> None:
        """Look up these needs, in other threads. Returns at once."""
        with self._state:
            for uid, need in parked.items():
                self._enter(uid, need)
            for (kind, _), turn in self._turns.items():
                self._start(kind, turn)

    def wait_idle(self, limit_s: float) -> bool:
        """Wait until nothing is being looked up, at most so long; whether nothing is."""
        with self._state:
            return self._state.wait_for(lambda: not any(t.running or t.waiting for t in self._turns.values()), limit_s)

    def _enter(self, uid: PodUid, need: Need) -> None:
        turn = self._turns.setdefault((need.kind, line_of(need)), _Turn())
        joins = need in turn.running and turn.since >= need.since
        (turn.running if joins else turn.waiting).setdefault(need, set()).add(uid)

    def _start(self, kind: Kind, turn: _Turn) -> None:
        if turn.running or not turn.waiting or self._over:
            return
        batch = dict(list(turn.waiting.items())[: 1 if kind in _ONE_BY_ONE else BATCH])
        turn.running, turn.since = batch, self._clock()
        turn.waiting = {need: uids for need, uids in turn.waiting.items() if need not in batch}
        self._pool.submit(self._look, kind, turn)

    def _look(self, kind: Kind, turn: _Turn) -> None:
        error = self._try(kind, list(turn.running))
        with self._state:
            asked, turn.running = turn.running, {}
            uids = frozenset(uid for asking in asked.values() for uid in asking)
            self._done(Looked(epoch=self._epoch, kind=kind, uids=uids, error=error))
            self._start(kind, turn)
            self._state.notify_all()

    def _try(self, kind: Kind, needs: Sequence[Need]) -> PodEipError | None:
        try:
            self._looker.look(kind, needs)
        except PodEipError as error:
            return error
        except Exception as error:  # the thread's top: a fault of ours is a failure like any other for those who asked
            log.exception("a look failed unexpectedly", extra={"kind": kind})
            return PodEipError(f"{type(error).__name__}: {error}", code="InternalError")
        return None


def line_of(need: Need) -> int:
    """The line of a need. A name has one line, so that it is not looked up twice at once."""
    return crc32(need.name.encode()) % NODE_LINES if need.kind in _ONE_BY_ONE else 0
