"""Which Pods of this install wait for a pool, and since when: what the other clusters are told, so that none starves.

How long a Pod has waited is counted on this process's monotonic clock from when its leader first found the pool
empty. A new leader begins to count anew: that can cost a Pod its turn, and never an address.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.core.ports import Clock
from controller.core.turns import MARGIN_S
from controller.engine.plain import Plain
from state.model import PodUid, PoolQueue

MOST = 100
"""Queues that are told; more would not fit into an item, and nobody has as many pools."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a Pod waits for, and since when."""

    pool: str
    border_group: str
    since: float


@dataclass(slots=True)
class PoolQueues(Plain):
    """Written by the loop, read by the heartbeat and by whoever shows it. Thread-safe."""

    clock: Clock
    changed: bool = False
    places: dict[PodUid, Place] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def join(self, uid: PodUid, pool: str, border_group: str | None) -> None:
        """The Pod waits for this pool; since now, or since it began to."""
        with self._lock:
            known = self.places.get(uid)
            since = known.since if known and known.pool == pool else self.clock()
            self.places[uid] = Place(pool, border_group or "", since)
            self.changed |= self.places[uid] != known

    def leave(self, uid: PodUid) -> None:
        """The Pod has an address, or wants none any more."""
        with self._lock:
            self.changed |= self.places.pop(uid, None) is not None

    def waited_s(self, uid: PodUid) -> float:
        """How long the Pod has waited; 0 if it does not."""
        place = self.places.get(uid)
        return self.clock() - place.since if place else 0.0

    def tell(self, say: Callable[[tuple[PoolQueue, ...]], None]) -> None:
        """Say the queues as they are now; `changed` counts from here. What `say` raises is raised: nobody was told."""
        with self._lock:
            self.changed, queues = False, self._now()
        said = False
        try:
            say(queues)
            said = True
        finally:
            if not said:
                with self._lock:
                    self.changed = True

    def shown(self) -> tuple[PoolQueue, ...]:
        """The queues as they are now."""
        with self._lock:
            return self._now()

    def _now(self) -> tuple[PoolQueue, ...]:
        since: dict[tuple[str, str], list[float]] = {}
        for place in self.places.values():
            since.setdefault((place.pool, place.border_group), []).append(place.since)
        now, longest = self.clock(), sorted(since.items(), key=lambda entry: min(entry[1]))[:MOST]
        return tuple(
            PoolQueue(
                pool=pool,
                border_group=group,
                waiting=sum(at < min(begun) + MARGIN_S for at in begun),
                waited_s=int(now - min(begun)),
            )
            for (pool, group), begun in longest
        )
