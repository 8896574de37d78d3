"""Which claims are for a private IP: the question that a reused IP asks, answered without walking all claims."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.engine.plain import Plain
from state.model import Phase, PodRecord, PodUid, Target


@dataclass(slots=True)
class ClaimIndex(Plain):
    """The install's claims by the private IP of their target. Thread-safe."""

    ip_of: dict[PodUid, str] = field(default_factory=dict)
    targets: dict[str, dict[PodUid, Target]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def note(self, uid: PodUid, record: PodRecord | None) -> None:
        """This is the Pod's claim now (None: it has none)."""
        with self._lock:
            ip = self.ip_of.pop(uid, None)
            if ip is not None:
                self.targets[ip].pop(uid, None)
                if not self.targets[ip]:
                    del self.targets[ip]
            if record is not None and record.target is not None and record.phase is not Phase.RELEASING:
                self.ip_of[uid] = record.target.private_ip
                self.targets.setdefault(record.target.private_ip, {})[uid] = record.target

    def rivals(self, uid: PodUid, target: Target) -> list[PodUid]:
        """The other Pods whose claims are for this very target."""
        with self._lock:
            held = self.targets.get(target.private_ip, {})
            return [other for other, theirs in held.items() if other != uid and theirs == target]

    def at_ip(self, ip: str) -> list[PodUid]:
        """The Pods whose claims are for this private IP."""
        with self._lock:
            return list(self.targets.get(ip, ()))


def index_of(records: Iterable[PodRecord]) -> ClaimIndex:
    """The index of these claims."""
    index = ClaimIndex()
    for record in records:
        index.note(record.uid, record)
    return index
