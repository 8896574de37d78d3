"""A Lease on an API server that keeps its promises, and a client of it that can fail in every way a network can.

The server is linear: versions grow, an update needs the version that stands. All faults are the client's: cut off,
lost requests, lost replies, slow calls, stale reads, watches that fail or hear nothing.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from controller.core.lease import Lease
from state.errors import ObjectConflict, ObjectNotFound, PodEipError, Unavailable

T = TypeVar("T")


class LeaseServer:
    """The object; `history` holds each state that ever stood, None for deleted. Without `check_versions` it is a
    server that has no optimistic concurrency: a control."""

    def __init__(self) -> None:
        self.history: list[Lease | None] = [None]
        self.check_versions = True
        self._version = 100
        self.changed = threading.Condition()

    @property
    def lease(self) -> Lease | None:
        """What stands now."""
        return self.history[-1]

    def create(self, lease: Lease) -> Lease:
        """POST."""
        with self.changed:
            if self.lease is not None:
                raise ObjectConflict("it exists")
            return self._put(lease)

    def update(self, lease: Lease) -> Lease:
        """PUT with a resourceVersion."""
        with self.changed:
            if self.lease is None:
                raise ObjectNotFound("it does not exist")
            if self.check_versions and self.lease.version != lease.version:
                raise ObjectConflict(f"version {lease.version} is not {self.lease.version}")
            return self._put(lease)

    def edit(self, change: Callable[[Lease], Lease]) -> Lease:
        """Somebody's kubectl edit."""
        with self.changed:
            assert self.lease is not None
            return self._put(change(self.lease))

    def delete(self) -> None:
        """Somebody's kubectl delete."""
        with self.changed:
            self.history.append(None)
            self.changed.notify_all()

    def _put(self, lease: Lease) -> Lease:
        self._version += 1
        stored = replace(lease, version=str(self._version))
        self.history.append(stored)
        self.changed.notify_all()
        return stored


@dataclass(slots=True, kw_only=True)
class Fault:
    """What happens to one call, or to the next of the kind `only`: `before` runs first, then it is sent or not, then
    answered or not."""

    only: str = ""
    sent: bool = True
    error: PodEipError | None = None
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None


def lost_request() -> Fault:
    """Time-out; nothing happened."""
    return Fault(sent=False, error=Unavailable("timed out"))


def lost_reply(only: str = "") -> Fault:
    """Time-out; it happened."""
    return Fault(only=only, error=Unavailable("timed out"))


@dataclass(slots=True, kw_only=True)
class LeaseClient:
    """One replica's LeaseStore. `faults` are used up in order, one for each call; `cut` fails all calls."""

    server: LeaseServer
    cut: bool = False
    deaf: bool = False
    watch_broken: bool = False
    stale_reads: int = 0
    faults: deque[Fault] = field(default_factory=deque)
    calls: list[str] = field(default_factory=list)
    closed: bool = False

    def get(self) -> Lease | None:
        """GET; `stale_reads` of them show what stood two writes ago."""
        return self._call("get", self._read)

    def create(self, lease: Lease) -> Lease:
        """POST."""
        return self._call("create", lambda: self.server.create(lease))

    def update(self, lease: Lease) -> Lease:
        """PUT."""
        return self._call("update", lambda: self.server.update(lease))

    def watch(self, timeout_s: float) -> Iterator[Lease | None]:
        """The state now, then each change; ends after `timeout_s` of silence."""
        if self.watch_broken or self.cut:
            raise Unavailable("no watch")
        seen = len(self.server.history) - (self.server.lease is not None)
        while news := self._await_news(seen, timeout_s):
            seen += len(news)
            yield from news

    def close(self) -> None:
        """End the watch: the test is over."""
        with self.server.changed:
            self.closed = True
            self.server.changed.notify_all()

    def _await_news(self, seen: int, timeout_s: float) -> list[Lease | None]:
        with self.server.changed:
            self.server.changed.wait_for(lambda: self.closed or len(self._audible()) > seen, timeout_s)
            return [] if self.closed else self._audible()[seen:]

    def _audible(self) -> list[Lease | None]:
        return [] if self.deaf else self.server.history

    def _read(self) -> Lease | None:
        if self.stale_reads:
            self.stale_reads -= 1
            return self.server.history[max(0, len(self.server.history) - 3)]
        return self.server.lease

    def _call(self, name: str, act: Callable[[], T]) -> T:
        self.calls.append(name)
        fault = self.faults.popleft() if self.faults and self.faults[0].only in ("", name) else Fault()
        fault.before()
        if self.cut:
            raise Unavailable("cut off")
        if fault.sent:
            answer = act()
        fault.after()
        if fault.error:
            raise fault.error
        return answer
