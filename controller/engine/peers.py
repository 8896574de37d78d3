"""The installs that share the table, and how long their counters have stood still; kept longer than one term.

How long an install has been silent is counted on our own monotonic clock, from when we first saw the counter's present
value. A counter only grows, so two looks that show the same value prove that it has not moved in between. So a standby
that looks now and then knows as much as a leader.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.core.ports import Clock
from state.model import ClusterUid, InstallKey, InstallRecord, PoolQueue

QUIET_S = 90.0
"""Seconds: three heartbeats. No address is left to the Pods of an install that has missed them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """An install, when we saw its counter move last (monotonic), whether we ever did, and when its queues changed."""

    record: InstallRecord
    moved_at: float
    queued_at: float
    beats: bool = False


class Peers:
    """Every install of the directory, our own too. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._lock = threading.Lock()
        self._peers: Mapping[InstallKey, Peer] = {}

    def copy(self) -> "Peers":
        """The same, to be changed by itself."""
        twin = Peers(self.clock)
        twin._peers = self._peers  # replaced as a whole, never changed
        return twin

    def saw(self, installs: Iterable[InstallRecord]) -> None:
        """All installs as they were read just now; an install that is not among them is forgotten."""
        now = self.clock()
        with self._lock:
            self._peers = {record.key: self._next(record, now) for record in installs}

    def _next(self, record: InstallRecord, now: float) -> Peer:
        known = self._peers.get(record.key)
        if known is None:
            return Peer(record=record, moved_at=now, queued_at=now)
        queued_at = known.queued_at if known.record.word == record.word else now
        if known.record.heartbeat != record.heartbeat:
            return Peer(record=record, moved_at=now, queued_at=queued_at, beats=True)
        return replace(known, record=record, queued_at=queued_at)

    def all(self) -> list[Peer]:
        """All installs."""
        return list(self._peers.values())

    def silent_s(self, peer: Peer) -> float:
        """How long its counter has stood still, as far as we have watched."""
        return self.clock() - peer.moved_at

    def still_s(self, record: InstallRecord) -> float:
        """How long this counter has had the value in `record`; 0 if the value is new to us."""
        peer = self._peers.get(record.key)
        same = peer is not None and peer.record.heartbeat == record.heartbeat
        return self.silent_s(peer) if peer is not None and same else 0.0

    def live(self, silence_s: float) -> frozenset[InstallKey]:
        """The installs whose counter has moved within this time; a fenced one is not among them."""
        return frozenset(key for key, p in self._peers.items() if self.silent_s(p) < silence_s and not p.record.fenced)

    def silent(self, silence_s: float) -> Mapping[InstallKey, InstallRecord]:
        """The installs that count as gone: silent for longer than our setting and than their own."""
        return {
            key: peer.record
            for key, peer in self._peers.items()
            if self.silent_s(peer) > max(silence_s, peer.record.silence_s)
        }

    def names(self) -> Mapping[ClusterUid, str]:
        """What the clusters are called, by their UIDs."""
        return {peer.record.key.cluster_uid: peer.record.cluster_name for peer in self.all()}

    def queues(self, *, except_of: InstallKey) -> Mapping[InstallKey, Sequence[PoolQueue]]:
        """The Pods that wait in the other live installs. Their waits include the time since we first read of them."""
        now = self.clock()
        beating = [peer for peer in self.all() if peer.beats and not peer.record.fenced]
        return {
            peer.record.key: [replace(q, waited_s=int(q.waited_s + now - peer.queued_at)) for q in queues]
            for peer in beating
            if (queues := peer.record.queues) and self.silent_s(peer) < QUIET_S and peer.record.key != except_of
        }

    def beating(self) -> list[InstallRecord]:
        """The installs whose counter we have seen move, and that have not been silent since by their own setting."""
        alive = [p for p in self.all() if p.beats and not p.record.fenced]
        return [p.record for p in alive if self.silent_s(p) < p.record.silence_s]
