"""What a scrape reads of a running replica, gathered from its parts without a call to anybody.

Scrapes come from threads of the server. So a dictionary that the loop writes is copied before it is looked through, and
nothing here waits for the loop.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from controller.core import waiting
from controller.core.actions import WaitReason
from controller.core.measures import BucketReading, Readings
from controller.core.ports import Clock
from controller.engine.leader import Elector
from controller.engine.memory import PodProgress
from controller.engine.opening import OpenTerm
from controller.engine.reconcile import Reconciler
from controller.engine.replicas import Replicas
from controller.engine.standby import Standby

_NEVER = float("-inf")
_NAMES = {str(reason): reason.name.lower() for reason in WaitReason}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingsSource:
    """Reads them. Thread-safe. `buckets`: EC2's, as learnt. `threads`: how many plans run at once each way."""

    loop: Reconciler
    elector: Elector
    standby: Standby
    replicas: Replicas
    buckets: Callable[[], tuple[BucketReading, ...]]
    threads: int
    clock: Clock

    def read(self) -> Readings:
        """The readings of this moment."""
        now, opened = self.clock(), self.loop.opened
        pods = list(opened.state.memory.pods.values()) if opened else []
        return Readings(
            queued=self.loop.queued,
            in_flight=self.loop.in_flight,
            workers=2 * self.threads,
            loop_silent_s=max(0.0, now - self.loop.progress()),
            election_silent_s=max(0.0, now - self.elector.turned_at),
            longest_unserved_s=longest_unserved_s(pods, now) if opened else None,
            quota_used=opened.parts.view.used if opened and opened.parts.view.asked_at > _NEVER else None,
            waiting=Counter(filter(None, (_NAMES.get(mine.waiting) for mine in pods))),
            failures={
                "reconcile": self.loop.failures,
                "standby": self.standby.failures,
                "replicas": self.replicas.failures,
            }
            | self.elector.failures_by_thread(),
            buckets=self._buckets(opened),
        )

    def _buckets(self, opened: OpenTerm | None) -> tuple[BucketReading, ...]:
        """A mutation waits in line for its token, a read where it is sent."""
        lines = opened.parts.calls.waiting if opened else {}
        return tuple(replace(b, waiting=b.waiting + lines.get(b.operation, 0)) for b in self.buckets())


def longest_unserved_s(pods: list[PodProgress], now: float) -> float:
    """The longest time for which one of these has asked and not been served; 0: none is unserved."""
    asking = ((pod.unserved_since, pod.withheld_at) for pod in pods if pod.waiting not in waiting.WITHHELD)
    return now - min((max(since, withheld) for since, withheld in asking if since is not None), default=now)
