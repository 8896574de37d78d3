"""Kubernetes events about Pods, where their authors look first: `kubectl describe pod`.

Nothing depends on an event: emitting one never waits and never fails. An event that is emitted again is counted, not
repeated: its name follows from its content, so that a new leader goes on with the same count. The same event is sent at
most once in ten seconds, with the count that has gathered. A Pod has a budget of events, a namespace has limited room,
and namespaces take turns (`backlog`). Events that are dropped are counted by reason.
"""

import contextvars
import logging
import threading
import time
from collections.abc import Mapping

from controller.core.contract import for_tenants, legible
from controller.core.ports import Clock, Telemetry
from controller.core.views import PodEvent, PodView
from controller.kube.backlog import Backlog, Dropped, Series
from controller.kube.codes import wait_of
from controller.kube.connection import Connection, Silent
from controller.kube.eventapi import EventApi, Said
from controller.kube.patches import now
from state.errors import ObjectInvalid, PodEipError, Refused

INTERVAL_S = 10.0
MESSAGE_BYTES = 1_024

log = logging.getLogger(__name__)


class EventRecorder:
    """Implements `controller.core.ports.Events` with a thread and a bounded backlog of its own."""

    def __init__(
        self,
        connection: Connection,
        *,
        instance: str,
        telemetry: Telemetry | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._api = EventApi(connection, instance)
        self._telemetry, self._clock = telemetry or Silent(), clock
        self._backlog = Backlog(clock)
        self._thread = threading.Thread(target=self._run, name="event-recorder", daemon=True)
        for why in Dropped:
            self._telemetry.event_dropped(why, 0)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Send what has gathered, for at most `timeout_s`, and end."""
        self._backlog.close()
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    @property
    def dropped(self) -> Mapping[str, int]:
        """How many events were dropped, by the reason (`backlog.Dropped`)."""
        return self._backlog.dropped

    def emit(self, pod: PodView, event: PodEvent) -> None:
        """Queue an event for this Pod. If it or another has to be dropped, `dropped` counts that."""
        said = Said(
            uid=pod.uid,
            namespace=pod.namespace,
            name=pod.name,
            type=event.type,
            reason=event.reason,
            message=for_tenants(legible(event.message)).encode()[:MESSAGE_BYTES].decode(errors="ignore"),
        )
        why = self._backlog.add(said, now())
        if why is not None:
            self._telemetry.event_dropped(why)

    def _run(self) -> None:
        while (taken := self._backlog.take()) is not None:
            said, series = taken
            context, series.context = series.context or contextvars.Context(), None
            try:
                context.run(self._send, said, series)
            except Exception:
                log.exception("The event recorder stumbled; what it was about to say is lost")
                self._drop(said)

    def _send(self, said: Said, series: Series) -> None:
        sent_at, more, wait = self._clock(), series.untold, INTERVAL_S
        told, counted = series.told, 0
        try:
            told = self._api.tell(said, series.told, more, first=series.first, last=series.last)
            counted = more
        except Refused as error:  # most often the namespace is being deleted, and the Pod with it
            level = logging.WARNING if isinstance(error, ObjectInvalid) else logging.DEBUG
            log.log(level, "Event %s of %s/%s is dropped: %s", said.reason, said.namespace, said.name, error.message)
            self._drop(said)
            return
        except PodEipError as error:
            log.debug("Event %s of %s/%s waits: %s", said.reason, said.namespace, said.name, error.message)
            wait = max(wait, wait_of(error))
        self._backlog.done(said, told=told, counted=counted, next_send=sent_at + wait)

    def _drop(self, said: Said) -> None:
        self._backlog.refused(said, next_send=self._clock() + INTERVAL_S)
        self._telemetry.event_dropped(Dropped.REFUSED)
