"""Kubernetes events about Pods, where their authors look first: `kubectl describe pod`.

Events are told, not relied on: whoever emits one never waits and never hears of a failure. What is said again is
counted, not repeated: the event's name follows from what it says, so that a new leader counts on where the last one
stopped. The same event is sent at most once in ten seconds, with the count that has gathered.
"""

import heapq
import itertools
import logging
import queue
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from controller.core.ports import Clock, PodEvent, PodView
from controller.kube.codes import wait_of
from controller.kube.connection import Connection
from controller.kube.eventapi import EventApi, Said
from controller.kube.patches import now
from state.errors import ObjectInvalid, PodEipError, Refused

INTERVAL_S = 10.0
CAPACITY = 2_000
REMEMBERED = 4_000
MESSAGE_BYTES = 1_024

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Series:
    """One event as far as we know it: `told` is the count at the server (0: unknown), `untold` what has gathered."""

    first: str
    last: str = ""
    told: int = 0
    untold: int = 0
    next_send: float = 0.0


class EventRecorder:
    """Implements `controller.core.ports.Events` with a thread and a bounded queue of its own."""

    def __init__(self, connection: Connection, *, instance: str, clock: Clock = time.monotonic) -> None:
        self.dropped = 0
        self._api = EventApi(connection, instance)
        self._clock = clock
        self._queue: queue.Queue[Said | None] = queue.Queue(CAPACITY)
        self._series: OrderedDict[Said, Series] = OrderedDict()
        self._due: list[tuple[float, int, Said]] = []
        self._order = itertools.count()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="event-recorder", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Send what has gathered, for at most `timeout_s`, and end."""
        self._stopping = True
        self._put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def emit(self, pod: PodView, event: PodEvent) -> None:
        """Queue an event for this Pod; dropped, and counted in `dropped`, where the queue is full."""
        self._put(
            Said(
                uid=pod.uid,
                namespace=pod.namespace,
                name=pod.name,
                type=event.type,
                reason=event.reason,
                message=event.message.encode()[:MESSAGE_BYTES].decode(errors="ignore"),
            )
        )

    def _put(self, said: Said | None) -> None:
        try:
            self._queue.put_nowait(said)
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        while not self._stopping or not self._queue.empty():
            try:
                self._turn()
            except Exception:
                log.exception("The event recorder stumbled; what it was about to say is lost")
        self._flush(everything=True)

    def _turn(self) -> None:
        wait = max(self._due[0][0] - self._clock(), 0.0) if self._due else None
        try:
            said = self._queue.get(timeout=wait)
        except queue.Empty:
            said = None
        if said is not None:
            self._gather(said)
        self._flush()

    def _gather(self, said: Said) -> None:
        series = self._series.setdefault(said, Series(first=now()))
        self._series.move_to_end(said)
        series.last = now()
        series.untold += 1
        if series.untold == 1:
            self._schedule(said, series.next_send)
        if len(self._series) > REMEMBERED:
            self._series.popitem(last=False)

    def _schedule(self, said: Said, due: float) -> None:
        heapq.heappush(self._due, (due, next(self._order), said))

    def _flush(self, *, everything: bool = False) -> None:
        while self._due and (everything or self._due[0][0] <= self._clock()):
            said = heapq.heappop(self._due)[2]
            series = self._series.get(said)
            if series is not None and series.untold:
                self._send(said, series, retry=not everything)

    def _send(self, said: Said, series: Series, *, retry: bool) -> None:
        sent_at, wait = self._clock(), INTERVAL_S
        try:
            series.told = self._api.tell(said, series.told, series.untold, first=series.first, last=series.last)
            series.untold = 0
        except Refused as error:  # most often the namespace is going, and the Pod with it
            level = logging.WARNING if isinstance(error, ObjectInvalid) else logging.DEBUG
            log.log(level, "Event %s of %s/%s is dropped: %s", said.reason, said.namespace, said.name, error.message)
            series.told = series.untold = 0
        except PodEipError as error:
            log.debug("Event %s of %s/%s waits: %s", said.reason, said.namespace, said.name, error.message)
            wait = max(wait, wait_of(error))
        series.next_send = sent_at + wait
        if series.untold and retry:
            self._schedule(said, series.next_send)
