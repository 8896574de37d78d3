"""One running replica: its threads started in the right order, asked for its state, and stopped in the right order.

The API server may be unreachable when the process starts, and the cluster's UID is needed before anything else can be
built. So a thread builds the replica and tries until it works; probes and status say so meanwhile.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from controller.core.handing_on import Lead
from controller.core.ports import Clock
from controller.core.status import LeaderStatus, Status, starting
from controller.core.views import Term
from controller.engine.hang_detector import HangDetector
from controller.engine.leader import Elector
from controller.engine.leader_answers import LeaderAnswers
from controller.engine.leader_explains import LeaderExplains
from controller.engine.reconcile import Reconciler
from controller.engine.snapshot import Snapshot
from state.errors import PodEipError

log = logging.getLogger(__name__)

RETRY_S = 2.0


class Stoppable(Protocol):
    """A part with a thread, which the replica stops at its end."""

    def stop(self) -> None:
        """End its thread."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a replica consists of once it is built and started; `close` ends what has no thread of its own to stop.

    `answers`: what is answered to who asks for the status; `snapshot`: what this replica knows itself.
    `trouble`: why this install must not lead, in words; empty: it may. `unable`: what it is not allowed to do.
    """

    loop: Reconciler
    elector: Elector
    snapshot: Snapshot
    explainer: LeaderExplains
    answers: LeaderAnswers
    synced: Callable[[], bool]
    trouble: Callable[[], str]
    unable: Callable[[], str]
    hang_detector: HangDetector
    stoppables: tuple[Stoppable, ...]
    close: Callable[[], None]


class Replica:
    """Implements the surface's `Runtime`. `build` returns started parts, or raises until it can; `ended` comes last."""

    def __init__(
        self,
        *,
        build: Callable[[], Parts],
        cluster: str,
        version: str,
        hang_s: float,
        ended: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._build, self._cluster, self._version = build, cluster, version
        self._hang_s, self._ended, self._clock = hang_s, ended, clock
        self._parts: Parts | None = None
        self._trouble = "starting"
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._builder = threading.Thread(target=self._build_until_it_works, name="start", daemon=True)
        self._builder.start()

    def status(self) -> dict[str, Any]:
        """The leader's status where it can be had, else our own: on a standby this takes up to a second."""
        parts = self._parts
        return (parts.answers.status() if parts else self._nothing()).to_json()

    def own_status(self) -> dict[str, Any]:
        """The snapshot; an empty document while the replica is being built."""
        parts = self._parts
        return (parts.snapshot.build() if parts else self._nothing()).to_json()

    def _nothing(self) -> Status:
        return starting(self._cluster, self._version)

    def explain(self, namespace: str, name: str, *, own: bool = False) -> dict[str, Any] | None:
        """One Pod's explanation, the leader's unless our `own` is asked for; None while the replica is being built."""
        parts = self._parts
        if parts is None:
            return None
        return (parts.explainer.own if own else parts.explainer.explain)(namespace, name).to_json()

    def healthy(self) -> tuple[bool, str]:
        """Whether the loop and the election live: each turns at least about every second, whatever else fails."""
        parts = self._parts
        if parts is None:
            return self._builder.is_alive() or self._stopping.is_set(), self._trouble
        if not parts.loop.alive or not parts.elector.alive:
            return self._stopping.is_set(), "a thread of the controller has ended"
        if parts.elector.stuck or self._clock() - parts.loop.progress() > self._hang_s:
            return False, "the loop hangs"
        if self._clock() - parts.elector.turned_at > self._hang_s:
            return False, "the election hangs"
        return True, "the loop turns"

    def ready(self) -> tuple[bool, str]:
        """Whether the caches are warm, the rights are there, and nothing hangs or forbids this install to lead: a
        standby is ready too."""
        parts = self._parts
        if parts is None:
            return False, self._trouble
        unable = parts.unable()
        if not parts.synced():
            return False, f"listing Pods; {unable}" if unable else "listing Pods"
        if unable:
            return False, f"not able to serve: {unable}"
        if trouble := parts.trouble():
            return False, f"cannot lead: {trouble}"
        overdue = parts.hang_detector.overdue()
        return (False, overdue) if overdue else (True, "caches are synced")

    def begin_shutdown(self) -> None:
        """Start nothing new, let what is in flight end, release the Lease."""
        self._stopping.set()
        with self._lock:
            parts = self._parts
        if parts is not None:
            freed = parts.elector.release(parts.loop.in_flight_idle)
            log.info("stopping", extra={"lease_released": freed})

    def stop(self) -> None:
        """End all threads."""
        self._stopping.set()
        parts = self._parts
        if parts is not None:
            parts.loop.stop()
            for source in parts.stoppables:
                source.stop()
            parts.close()
        self._ended()

    def _build_until_it_works(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._lock:
                    self._parts = self._build()
                return
            except PodEipError as error:
                self._trouble = error.explain()
                log.warning("cannot start yet: %s", self._trouble)
                self._stopping.wait(RETRY_S)
            except Exception:  # the thread's top: shown by /healthz, which then turns red
                self._trouble = "the controller could not be built"
                log.exception(self._trouble)
                return


def leader_status(elector: Elector, term: Callable[[], Term | None], identity: str) -> LeaderStatus:
    """Who leads, as this replica knows it."""
    mine = term()
    if mine is not None:
        return LeaderStatus(identity=identity, is_me=True, epoch=mine.epoch, since=mine.since)
    lease = elector.lease
    since = lease.acquired if lease and lease.holder else ""
    return LeaderStatus(identity=elector.holder(), epoch=elector.epoch() or None, since=since or None)


def lead_of(elector: Elector) -> Lead:
    """Who leads, as the Lease was last seen here."""
    lease = elector.lease
    return Lead(identity=lease.holder, epoch=lease.epoch, address=lease.address) if lease else Lead()
