"""What one term of leadership remembers beside the ledger: nothing that a restart would lose with harm.

Every fact here errs to the safe side when it is missing: an intent that is not known to be ours of this term counts
as doubtful since the term began, a cut as not yet looked at, an association as too young to be declared gone.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.core.desire import Desire, Nothing, Pending, Serve, Unproven, departs
from controller.core.ports import Address, Clock, PodView
from controller.engine.queues import PoolQueues
from state.model import AllocationId, AssociationId, Change, InstallKey, InstallRecord, PodRecord, PodUid

BAR_S = 300.0
CUT_KEPT_S = 3600.0
BACKOFF_BASE_S = 0.5
BACKOFF_CAP_S = 30.0


@dataclass(slots=True)
class PodMemory:
    """One Pod's part. Times are monotonic; None says "not in doubt", absence of the whole says "since the term".

    claimed: this term made the claim, so the cache is no older than what the claim was made for.
    proven: what the API server itself said that the Pod asks for.
    """

    allocating_since: float | None
    associating_since: float | None
    cut_at: float
    look_after: float = 0.0
    failures: int = 0
    losses: int = 0
    told: tuple[str, str] = ("", "")
    error: str = ""
    waiting: str = ""
    poll_s: float = 0.0
    gone: bool = False
    claimed: bool = False
    proven: Desire | None = None
    raw: PodView | None = None
    patched: PodView | None = None
    bars: dict[AllocationId, float] = field(default_factory=dict)

    def believed(self, wanted: Desire, record: PodRecord | None) -> Desire:
        """What the Pod asks for, or Unproven: a new leader's cache may be older than the claim that it finds."""
        if record is None or self.claimed or self.proven == wanted or not departs(wanted, record):
            return wanted
        return Unproven(shown=wanted) if isinstance(wanted, Nothing | Pending | Serve) else wanted

    def as_patched(self, raw: PodView | None) -> PodView | None:
        """The Pod as our last patch left it, until the watch shows another version of it."""
        return self.patched if raw is not None and raw is self.raw else raw


@dataclass(slots=True)
class Memory:
    """The memory of a term. It is used from the loop and from the executor's threads; each Pod by one at a time."""

    clock: Clock
    consistency_s: float
    started: float = 0.0
    pods: dict[PodUid, PodMemory] = field(default_factory=dict)
    born: dict[str, float] = field(default_factory=dict)
    cut_ids: dict[AssociationId, float] = field(default_factory=dict)
    doubted: set[AllocationId] = field(default_factory=set)
    alive: set[tuple[InstallKey, int]] = field(default_factory=set)
    perhaps: dict[PodUid, PodRecord] = field(default_factory=dict)
    leftovers: frozenset[AssociationId] = frozenset()
    quota_short_until: float = 0.0
    queues: PoolQueues = field(init=False)

    def __post_init__(self) -> None:
        self.queues = PoolQueues(self.clock)

    def of(self, uid: PodUid) -> PodMemory:
        """This Pod's memory, made with the safe assumptions if it is new."""
        found = self.pods.get(uid)
        if found is None:
            found = PodMemory(allocating_since=self.started, associating_since=self.started, cut_at=self.started)
            found = self.pods.setdefault(uid, found)
        return found

    def forget(self, uid: PodUid) -> None:
        """The Pod is done with."""
        self.pods.pop(uid, None)
        self.queues.leave(uid)

    def in_doubt(self, uid: PodUid, looked_at: float) -> bool:
        """Whether an allocation may exist that a look at this time could not see."""
        since = self.of(uid).allocating_since
        return since is not None and looked_at < since + self.consistency_s

    def settled(self, uid: PodUid, looked_at: float) -> bool:
        """Whether a look at this time must have seen any association that was tried."""
        since = self.of(uid).associating_since
        return since is None or looked_at >= since + self.consistency_s

    def young(self, name: AllocationId | AssociationId) -> bool:
        """Whether "not found" may only mean that EC2 does not show it yet."""
        return self.clock() < self.born.get(name, self.started) + self.consistency_s

    def bear(self, name: AllocationId | AssociationId) -> None:
        """It was made just now."""
        self.born[name] = self.clock()

    def bar(self, uid: PodUid, allocation_id: AllocationId) -> None:
        """EC2 refused this pair: do not try it again for a while."""
        self.of(uid).bars[allocation_id] = self.clock() + BAR_S

    def barred(self, uid: PodUid) -> frozenset[AllocationId]:
        """The addresses that this Pod is not to be offered now."""
        now = self.clock()
        return frozenset(a for a, until in self.of(uid).bars.items() if until > now)

    def cut(self, association_id: AssociationId) -> None:
        """It was cut just now."""
        self.cut_ids[association_id] = self.clock()

    def doubt(self, change: Change) -> None:
        """Nobody knows whether this was written: its address, or an intent that has none, is to be seen to again."""
        if change.address_after is not None:
            self.doubted.add(change.address_after.allocation_id)
        elif change.pod_before is None and change.pod_after is not None:
            self.perhaps[change.pod_after.uid] = change.pod_after

    def left_over(self, address: Address) -> bool:
        """Whether the last comparison with EC2 found its association to be what the Go controller forgot."""
        return address.association is not None and address.association.association_id in self.leftovers

    def lives(self, install: InstallRecord) -> None:
        """Its counter has moved on from this: it is not silent, whatever the last look at it said."""
        self.alive.add((install.key, install.heartbeat))

    def backoff(self, uid: PodUid) -> float:
        """Seconds until this Pod's next try: doubling, with jitter, for ever."""
        mine = self.of(uid)
        delay = min(BACKOFF_CAP_S, BACKOFF_BASE_S * float(2 ** min(mine.failures, 10)))
        mine.failures += 1
        return delay * random.uniform(0.5, 1.0)

    def tidy(self, alive: Iterable[PodUid]) -> None:
        """Drop what is about Pods that are no more, and what has become too old to matter.

        In place, and over copies: the executor's threads write to all of these meanwhile.
        """
        kept, now = set(alive), self.clock()
        for uid in [u for u in list(self.pods) if u not in kept]:
            self.forget(uid)
        for name in [n for n, at in list(self.born.items()) if at + self.consistency_s < now]:
            self.born.pop(name, None)
        for association_id in [a for a, at in list(self.cut_ids.items()) if at + CUT_KEPT_S < now]:
            self.cut_ids.pop(association_id, None)
