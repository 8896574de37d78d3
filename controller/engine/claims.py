"""Which claims are for a private IP: the question that a reused IP asks, answered without walking all claims."""

import threading
from collections.abc import Iterable

from state.model import Phase, PodRecord, PodUid, Target


class ClaimIndex:
    """The install's claims by the private IP of their target. Thread-safe."""

    def __init__(self, records: Iterable[PodRecord] = ()) -> None:
        self._lock = threading.Lock()
        self._ip_of: dict[PodUid, str] = {}
        self._targets: dict[str, dict[PodUid, Target]] = {}
        for record in records:
            self.note(record.uid, record)

    def note(self, uid: PodUid, record: PodRecord | None) -> None:
        """This is the Pod's claim now (None: it has none)."""
        with self._lock:
            ip = self._ip_of.pop(uid, None)
            if ip is not None:
                self._targets[ip].pop(uid, None)
                if not self._targets[ip]:
                    del self._targets[ip]
            if record is not None and record.target is not None and record.phase is not Phase.RELEASING:
                self._ip_of[uid] = record.target.private_ip
                self._targets.setdefault(record.target.private_ip, {})[uid] = record.target

    def rivals(self, uid: PodUid, target: Target) -> list[PodUid]:
        """The other Pods whose claims are for this very target."""
        with self._lock:
            held = self._targets.get(target.private_ip, {})
            return [other for other, theirs in held.items() if other != uid and theirs == target]

    def at_ip(self, ip: str) -> list[PodUid]:
        """The Pods whose claims are for this private IP."""
        with self._lock:
            return list(self._targets.get(ip, ()))
