"""When this replica first saw each Pod that asks for something, and since when each is due: for the Pods' traces.

It is noted on every replica, so a new leader's traces begin when it saw the Pods, not when it began to lead.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.core.views import PodView
from controller.engine.plain import Plain
from state.model import PodUid


@dataclass(slots=True, kw_only=True)
class Sightings(Plain):
    """Monotonic seconds. `seen`: the Pod, and its IP (None: not yet). The informer's thread and the loop's write."""

    seen: dict[PodUid, tuple[float, float | None]] = field(default_factory=dict)
    due: dict[PodUid, float] = field(default_factory=dict)

    def note(self, uid: PodUid, pod: PodView | None, now: float) -> None:
        """The informer has this of the Pod now (None: it is gone)."""
        if pod is None or not pod.annotations:
            self.seen.pop(uid, None)
            return
        at, with_ip = self.seen.get(uid, (now, None))
        self.seen[uid] = (at, now if with_ip is None and pod.ip else with_ip)

    def is_due(self, uids: Iterable[PodUid], now: float) -> None:
        """These Pods are to be looked at, now or since earlier."""
        for uid in uids:
            self.due.setdefault(uid, now)
