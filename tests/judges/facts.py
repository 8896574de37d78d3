"""What a history says between its lines: who owned which address when, where Pods were, whose doing an effect was.

Every rule reads these instead of the raw records, so that what "owned" or "live" means is said once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from sandbox.ec2.log import Entry, Holding, holdings
from tests.history import History, Item, Key, PodSight, Write
from tests.intervals import Stretch, until


class Guarantee(StrEnum):
    """What can be broken, in the design's numbers."""

    ONE_OWNER = "S1 an address has one owner and a Pod one address"
    PLACEMENT = "S1 an association points at its owner's target"
    LABEL = "S1 a label says what is associated"
    FENCE = "S2 no write below the highest epoch"
    DEADLINE = "S2 no mutation after the leader's deadline"
    FOREIGN = "S3 what is not ours is not touched"
    POOL_KEPT = "S3 a pool's address is not released"
    FOREIGN_CUT = "S3 an association that is not ours is not cut"
    RIGHT_CUT = "S3 an association is cut on evidence only"
    NO_LEAK = "S4 an address of ours has a claim"
    OWN_MACHINE = "S5 an address is only at the Pod's own machine"
    CONVERGED = "L1 everything converges"
    FAILOVER = "L2 a leader is replaced in time"
    SILENCE = "L3 converged means silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A guarantee that did not hold, and the evidence in words."""

    broken: Guarantee
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """An address was (or, not `sure`, may have been) this Pod's, for a target at this IP."""

    allocation_id: str
    uid: str
    ip: str
    time: Stretch


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A Pod as it was for a stretch of time."""

    pod: PodSight
    time: Stretch

    @property
    def asks(self) -> bool:
        """Whether it is there, has an IP, and asks for an address."""
        return bool(self.pod.mode and self.pod.ip and not self.pod.gone)


class Facts:
    """A history, read once."""

    def __init__(self, history: History) -> None:
        self.history = history

    @cached_property
    def names(self) -> frozenset[str]:
        """The replicas' names, which are their access keys too."""
        return frozenset(call.who.name for call in self.history.calls) | {s.who.name for s in self.history.signals}

    @cached_property
    def holdings(self) -> tuple[Holding, ...]:
        """Every association."""
        return holdings(self.history.journal)

    @cached_property
    def born(self) -> dict[str, float]:
        """The addresses that replicas allocated, and when."""
        made = (e for e in self.history.journal if e.effect.kind == "allocated" and self.ours(e))
        return {entry.effect.allocation_id: entry.effect.mono for entry in made}

    @cached_property
    def tags(self) -> dict[str, dict[str, str]]:
        """All tags that an address ever had."""
        found: dict[str, dict[str, str]] = {}
        for entry in self.history.journal:
            found.setdefault(entry.effect.allocation_id, {}).update(entry.effect.tags)
        return found

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Each Pod from each sight to the next; the last one lasts until the end."""
        by_uid: dict[str, list[PodSight]] = {}
        for sight in self.history.pods:
            by_uid.setdefault(sight.uid, []).append(sight)
        return tuple(seen for sights in by_uid.values() for seen in self._stretches(sights))

    def _stretches(self, sights: list[PodSight]) -> Iterator[Seen]:
        ends = [sight.at for sight in sights[1:]] + [self.history.ended]
        for sight, end in zip(sights, ends, strict=True):
            yield Seen(pod=sight, time=(sight.at, end))

    @cached_property
    def last_seen(self) -> dict[str, PodSight]:
        """Each Pod as it was in the end."""
        return {sight.uid: sight for sight in self.history.pods}

    @cached_property
    def ownerships(self) -> tuple[Ownership, ...]:
        """Who owned what when, as the accepted writes tell."""
        found: list[Ownership] = []
        open_ones: dict[str, tuple[float, Item]] = {}
        for write in self.history.writes:
            for key in _addresses_in(write, open_ones):
                allocation_id = key[0].removeprefix("eip#")
                begun = open_ones.pop(allocation_id, None)
                if begun:
                    found.append(_ownership(allocation_id, begun, write.at if write.sure else self.history.ended))
                item = write.puts.get(key)
                if item and item.get("owner_pod"):
                    open_ones[allocation_id] = (write.at, item)
        left = (_ownership(key, begun, self.history.ended) for key, begun in open_ones.items())
        return (*found, *left)

    def ours(self, entry: Entry) -> bool:
        """Whether a replica's call had this effect."""
        return entry.caller.access_key in self.names

    def time_of(self, holding: Holding) -> Stretch:
        """From its begin to its end, or to the end of the history."""
        return holding.since, min(until(holding.until), self.history.ended)


def _addresses_in(write: Write, standing: dict[str, tuple[float, Item]]) -> list[Key]:
    everything = [(f"eip#{key}", "claim") for key in standing] if write.resets else []
    named = [key for key in (*write.puts, *write.deletes) if key[1] == "claim"]
    return list(dict.fromkeys([*everything, *named]))


def _ownership(allocation_id: str, begun: tuple[float, Item], end: float) -> Ownership:
    since, item = begun
    ip = str(item.get("target") or "").partition("/")[2]
    return Ownership(allocation_id=allocation_id, uid=str(item["owner_pod"]), ip=ip, time=(since, end))
