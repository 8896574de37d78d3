"""What one term of leadership remembers beside the ledger: nothing that a restart would lose with harm.

Every fact here errs to the safe side when it is missing: an intent that is not known to be ours of this term counts
as doubtful since the term began, a cut as not yet looked at, an association as too young to be declared gone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from controller.core.desire import Desire, Nothing, Pending, Serve, Unproven, departs
from controller.core.ports import Clock
from controller.core.remembered import CALL_LIFE_S, is_remembered
from controller.core.situation import Foreign, Placed, Unplaced
from controller.core.views import Address
from controller.engine.line_budget import LineBudget
from controller.engine.plain import Plain
from controller.engine.queues import PoolQueues
from controller.engine.story import Story
from state.backoff import Backoff
from state.model import AllocationId, AssociationId, Change, InstallKey, InstallRecord, PodRecord, PodUid

TOLD_FOR_S = 2700.0
COOLDOWN_LONGEST_S = 300.0
COOLDOWN = Backoff(base_s=5.0, cap_s=COOLDOWN_LONGEST_S)
FLAP_FREE, FLAP_STREAK_S = 4, 60.0
FLAP = Backoff(base_s=5.0, cap_s=300.0)
"""How often a Pod may begin to get an address before there are pauses, which double; a calm minute ends the streak."""
REPAIRS_FREE = 4
REPAIR_STREAK_S = 60.0
REPAIR = Backoff(base_s=1.0, cap_s=300.0)
CUT_KEPT_S = 3600.0
UNKNOWN_KEPT_S = 3600.0

_K = TypeVar("_K")


@dataclass(slots=True)
class PodProgress(Plain):
    """One Pod's part. Times are monotonic; None says "not in doubt", absence of the whole says "since the term".

    claimed: this term made the claim, so the cache is no older than what the claim was made for.
    proven: what the API server itself said that the Pod asks for.
    asked: what is being looked up for it, and how fresh that must be.
    seen: this term has looked at it. unserved_since: it is to be served, and is not yet.
    served_at: the log said that it is served.
    withheld_at: when there last was no address for it, or its policy refused it one.
    logged: what repeats, as the log said it last, and when. story: what its trace needs; None: nothing is traced.
    """

    allocating_since: float | None
    associating_since: float | None
    cut_at: float
    look_after: float = 0.0
    losses: int = 0
    told: tuple[str, str] = ("", "")
    told_at: float = 0.0
    error: str = ""
    waiting: str = ""
    poll_s: float = 0.0
    gone: bool = False
    claimed: bool = False
    proven: Desire | None = None
    cooldowns: dict[AllocationId, tuple[int, float]] = field(default_factory=dict)
    asked: dict[tuple[str, str], float] = field(default_factory=dict)
    unplaced_since: float | None = None
    foreign_since: float | None = None
    waiting_since: float = 0.0
    begun: int = 0
    begun_at: float = float("-inf")
    repairs: int = 0
    repaired_at: float = float("-inf")
    ip: str = ""
    ip_at: float = 0.0
    seen: bool = False
    unserved_since: float | None = None
    served_at: float = float("-inf")
    withheld_at: float = float("-inf")
    logged: tuple[str, float] = ("", float("-inf"))
    story: Story | None = None

    def traceparent(self, record: PodRecord | None) -> str:
        """The root of the trace of its serving: the ledger's, or before the first write this leader's; or empty."""
        return (record.traceparent if record else "") or (self.story.serving if self.story else "")

    def has_had(self, ip: str, now: float) -> float:
        """Since when the Pod is known to have this IP; what was seen of the IP before was not about this Pod."""
        if self.ip != ip:
            self.ip, self.ip_at = ip, now
        return self.ip_at

    def since(self, kind: str, name: str, at_least: float) -> float:
        """How fresh an answer must be: as when it was first asked for, however long the asking took."""
        return min(at_least, self.asked.get((kind, name), at_least))

    def has_told(self, reason: str, message: str, now: float) -> bool:
        """Whether the Pod's author was told this last, and can still read it: Kubernetes keeps an event for an hour."""
        return self.told == (reason, message) and now - self.told_at < TOLD_FOR_S

    def tell(self, reason: str, message: str, now: float) -> None:
        """It was said just now."""
        self.told, self.told_at = (reason, message), now

    def begins(self, now: float) -> None:
        """The Pod begins to get an address; one that has just lost one by a change of its own counts."""
        self.begun = self.begun + 1 if now - self.begun_at < self.flap_s() + FLAP_STREAK_S else 1
        self.begun_at = now

    def flap_s(self) -> float:
        """Seconds between two beginnings: none at first, then doubling."""
        return 0.0 if self.begun < FLAP_FREE else FLAP.after(self.begun - FLAP_FREE)

    def again(self, now: float, *, begun: bool) -> bool:
        """Whether it began shortly before. `begun`: this beginning is among those that were counted."""
        return self.begun > begun and now - self.begun_at < self.flap_s() + FLAP_STREAK_S

    def flapping(self, now: float) -> str:
        """Why the Pod begins nothing new now; empty: it may."""
        if now >= self.begun_at + self.flap_s():
            return ""
        return (
            f"its annotations changed {self.begun} times in a row: the next address comes after {self.flap_s():.0f} s"
        )

    def placed(self, found: Placed | Foreign | Unplaced, now: float) -> None:
        """Where the Pod's IP was found just now; "nobody has looked" says nothing."""
        if isinstance(found, Placed):
            self.unplaced_since = None
        elif (isinstance(found, Foreign) or found.looked) and self.unplaced_since is None:
            self.unplaced_since = now

    def unplaced_for(self, now: float) -> float:
        """Seconds for which the IP has been on no interface of the Pod's own, at every look."""
        return 0.0 if self.unplaced_since is None else now - self.unplaced_since

    def drop_old_cooldowns(self, now: float) -> None:
        """Forget the refusals that have been over for as long as the longest of them holds."""
        for allocation_id, (_, until) in list(self.cooldowns.items()):
            if until + COOLDOWN_LONGEST_S < now:
                self.cooldowns.pop(allocation_id, None)

    def note_repair(self, now: float) -> int:
        """The Pod's labels are put right once more; how often in a row, where each time undid the one before."""
        self.repairs = self.repairs + 1 if now - self.repaired_at < self.repair_pause_s() + REPAIR_STREAK_S else 1
        self.repaired_at = now
        return self.repairs

    def repair_pause_s(self) -> float:
        """Seconds between two repairs of the labels: none at first, then doubling."""
        return 0.0 if self.repairs < REPAIRS_FREE else REPAIR.after(self.repairs - REPAIRS_FREE)

    def contested(self, now: float) -> bool:
        """Whether something undoes the repairs of the Pod's labels these days."""
        return self.repairs >= REPAIRS_FREE and now - self.repaired_at < self.repair_pause_s() + REPAIR_STREAK_S

    def labels_paused(self, now: float) -> bool:
        """Whether somebody takes the labels off again and again, and it is too early for the next repair."""
        return now < self.repaired_at + self.repair_pause_s()

    def believed(self, wanted: Desire, record: PodRecord | None) -> Desire:
        """What the Pod asks for, or Unproven: a new leader's cache may be older than the claim that it finds."""
        if record is None or self.claimed or self.proven == wanted or not departs(wanted, record):
            return wanted
        return Unproven(shown=wanted) if isinstance(wanted, Nothing | Pending | Serve) else wanted


@dataclass(slots=True)
class TermMemory(Plain):
    """The memory of a term. It is used from the loop and from the executor's threads; each Pod by one at a time."""

    clock: Clock
    consistency_s: float
    started: float = 0.0
    pods: dict[PodUid, PodProgress] = field(default_factory=dict)
    made_at: dict[str, float] = field(default_factory=dict)
    cut_ids: dict[AssociationId, float] = field(default_factory=dict)
    unknown_writes: set[AllocationId] = field(default_factory=set)
    alive: set[tuple[InstallKey, int]] = field(default_factory=set)
    unknown_intents: dict[PodUid, PodRecord] = field(default_factory=dict)
    unknown_since: dict[AllocationId, float] = field(default_factory=dict)
    leftovers: frozenset[AssociationId] = frozenset()
    quota_short_until: float = 0.0
    lines: LineBudget = field(default_factory=LineBudget)
    queues: PoolQueues = field(init=False)

    def __post_init__(self) -> None:
        self.queues = PoolQueues(self.clock)

    def of(self, uid: PodUid) -> PodProgress:
        """This Pod's memory, made with the safe assumptions if it is new."""
        found = self.pods.get(uid)
        if found is None:
            found = PodProgress(allocating_since=self.started, associating_since=self.started, cut_at=self.started)
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

    def expects(self, uid: PodUid, looked_at: float) -> bool:
        """Whether a look at this time may show, for the first time, what an unanswered allocation brought."""
        since = self.of(uid).allocating_since
        return since is not None and looked_at < since + CALL_LIFE_S + self.consistency_s

    def settled(self, uid: PodUid, looked_at: float) -> bool:
        """Whether a look at this time must have seen any association that was tried."""
        since = self.of(uid).associating_since
        return since is None or looked_at >= since + self.consistency_s

    def young(self, name: AllocationId | AssociationId) -> bool:
        """Whether "not found" may only mean that EC2 does not show it yet."""
        return self.clock() < self.made_at.get(name, self.started) + self.consistency_s

    def note_made(self, name: AllocationId | AssociationId) -> None:
        """It was made just now."""
        self.made_at[name] = self.clock()

    def cool_down(self, uid: PodUid, allocation_id: AllocationId) -> None:
        """EC2 refused this pair: others come first for a while, which grows with each refusal."""
        times = self.of(uid).cooldowns.get(allocation_id, (0, 0.0))[0] + 1
        self.of(uid).cooldowns[allocation_id] = (times, self.clock() + COOLDOWN.after(times - 1))

    def cooling_down(self, uid: PodUid) -> frozenset[AllocationId]:
        """The addresses that this Pod is offered last now."""
        now = self.clock()
        return frozenset(a for a, (_, until) in self.of(uid).cooldowns.items() if until > now)

    def cut(self, association_id: AssociationId) -> None:
        """It was cut just now."""
        self.cut_ids[association_id] = self.clock()

    def note_unknown(self, change: Change) -> None:
        """Nobody knows whether this was written: its address, or an intent that has none, is to be seen to again."""
        if change.address_after is not None:
            self.unknown_writes.add(change.address_after.allocation_id)
            self.unknown_since[change.address_after.allocation_id] = self.clock()
        elif change.pod_before is None and change.pod_after is not None and not is_remembered(change.pod_after.uid):
            self.unknown_intents[change.pod_after.uid] = change.pod_after

    def left_over(self, address: Address) -> bool:
        """Whether the last comparison with EC2 found its association to be what the Go controller forgot."""
        return address.association is not None and address.association.association_id in self.leftovers

    def note_alive(self, install: InstallRecord) -> None:
        """Its counter has moved on from this: it is not silent, whatever the last look at it said.

        A counter only grows, so the newest that was seen to move on says all.
        """
        for known in [entry for entry in list(self.alive) if entry[0] == install.key and entry[1] < install.heartbeat]:
            self.alive.discard(known)
        self.alive.add((install.key, install.heartbeat))

    def prune(self, alive: Iterable[PodUid]) -> None:
        """Drop what is about Pods that are no more, and what has become too old to matter.

        In place, and over copies: the executor's threads write to all of these meanwhile.
        """
        kept, now = set(alive), self.clock()
        for uid, mine in list(self.pods.items()):
            if uid not in kept and not mine.again(now, begun=False):  # one that flaps may just not be asking
                self.forget(uid)
        for mine in list(self.pods.values()):
            mine.drop_old_cooldowns(now)
        _drop_before(now - self.consistency_s, self.made_at)
        _drop_before(now - CUT_KEPT_S, self.cut_ids)
        # What EC2 showed since was looked at, and is in doubt no more; what it has not shown for so long is no more.
        gone = _drop_before(now - UNKNOWN_KEPT_S, self.unknown_since)
        self.unknown_writes.difference_update(gone)


def _drop_before(time: float, dated: dict[_K, float]) -> list[_K]:
    """Drop what is older; what was dropped."""
    old = [key for key, at in list(dated.items()) if at < time]
    for key in old:
        dated.pop(key, None)
    return old
