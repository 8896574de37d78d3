"""The Pods as the informer has seen them, so that the API server is not asked about a Pod that has not changed.

Every question is answered from an index, in time that depends on the answer's size and not on the cluster's. Two kinds
of threads write: the informer, and a thread that has just patched a Pod and has the server's answer (so that the next
look does not patch again). The newer resourceVersion wins; where it is not a number, only the informer's view is used.
"""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from controller.core.ports import Clock
from controller.core.views import PodView
from state.model import PodUid

REMEMBERED_DELETIONS = 20_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A Pod at a version (0: the version is not a number), and the version at which its IP was first seen."""

    view: PodView
    version: int
    ip_version: int = 0


def version_number(resource_version: str) -> int:
    """The version for comparison; 0 where the server's versions are no numbers."""
    return int(resource_version) if resource_version.isdecimal() else 0


class PodCache:
    """The Pods of the watched namespaces, with indices. Thread-safe; never blocks on I/O."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._pods: dict[PodUid, Seen] = {}
        self._carriers: dict[PodUid, PodView] = {}
        self._by_ip: dict[str, tuple[PodView, ...]] = {}
        self._deleted: dict[PodUid, None] = {}
        self._synced = False

    @property
    def synced(self) -> bool:
        """Whether a whole list has been seen."""
        return self._synced

    def get(self, uid: PodUid) -> PodView | None:
        """The Pod with this UID."""
        with self._lock:
            seen = self._pods.get(uid)
        return seen.view if seen else None

    def annotated(self) -> Sequence[PodView]:
        """The Pods that carry an annotation or a label of ours."""
        with self._lock:
            return tuple(self._carriers.values())

    def at_ip(self, ip: str) -> Sequence[PodView]:
        """The live Pods that have this IP; of those that share their node's, the ones that carry something of ours."""
        with self._lock:
            return self._by_ip.get(ip, ())

    def ip_version(self, uid: PodUid) -> int:
        """The version at which the Pod's IP was first seen; 0 where it is unknown."""
        with self._lock:
            seen = self._pods.get(uid)
        return seen.ip_version if seen else 0

    def seen_deleted(self, uid: PodUid) -> bool:
        """Whether the watch reported the deletion (the last 20,000 are remembered)."""
        with self._lock:
            return uid in self._deleted

    def replace(self, pods: Iterable[Seen]) -> set[PodUid]:
        """Replace all Pods by a whole list. Returns the UIDs of all that have changed, and those now missing.

        A Pod that looks the same may have differed between the two lists, so another version counts as a change.
        """
        with self._lock:
            before, self._pods = self._pods, {}
            self._carriers, self._by_ip = {}, {}
            for seen in pods:
                self._put(_kept(before.get(seen.view.uid), seen), before.get(seen.view.uid))
            self._synced = True
            changed = {uid for uid, seen in self._pods.items() if before.get(uid) is not seen}
            return changed | (before.keys() - self._pods.keys())

    def apply(self, seen: Seen) -> bool:
        """Take a Pod from the watch, unless a newer one is known. Returns whether the view differs."""
        with self._lock:
            known = self._pods.get(seen.view.uid)
            if known is not None and 0 < seen.version < known.version:
                return False
            self._forget(known)
            self._put(seen, known)
            return known is None or known.view != seen.view

    def learn(self, seen: Seen) -> None:
        """Take the answer to our own patch, if it is newer than the known view and the Pod is still cached."""
        with self._lock:
            known = self._pods.get(seen.view.uid)
            if known is not None and 0 < known.version < seen.version:
                self._forget(known)
                self._put(seen, known)

    def assume(self, view: PodView) -> None:
        """Take this for the Pod, if it is cached and not newer than this."""
        version = version_number(view.version)
        with self._lock:
            known = self._pods.get(view.uid)
            if known is not None and (known.view.version == view.version or 0 < known.version < version):
                self._forget(known)
                self._put(Seen(view, max(version, known.version)), known)

    def remove(self, uid: PodUid) -> None:
        """Take a deletion that the watch reported."""
        with self._lock:
            self._forget(self._pods.get(uid))
            self._deleted[uid] = None
            while len(self._deleted) > REMEMBERED_DELETIONS:
                del self._deleted[next(iter(self._deleted))]

    def _put(self, seen: Seen, before: Seen | None) -> None:
        seen = self._dated(seen, before)
        view = seen.view
        same = before is not None and before.view.ip == view.ip
        since = before.ip_version if same and before is not None else seen.version
        self._pods[view.uid] = seen if seen.ip_version == since else replace(seen, ip_version=since)
        if view.annotations or view.labels:
            self._carriers[view.uid] = view
        if _has_ip(view):
            self._by_ip[view.ip] = (*self._by_ip.get(view.ip, ()), view)

    def _dated(self, seen: Seen, before: Seen | None) -> Seen:
        """Note since when it has asked for what it asks, with this IP; of a Pod that asks for nothing, nothing."""
        view, old = seen.view, before.view if before is not None else None
        if not (view.annotations and view.ip):
            return seen
        same = old is not None and old.ip == view.ip and old.annotations == view.annotations
        known = old.asks_since if same and old is not None else None
        since = self._clock() if known is None else known
        return seen if view.asks_since == since else replace(seen, view=replace(view, asks_since=since))

    def _forget(self, known: Seen | None) -> None:
        if known is None:
            return
        view = known.view
        del self._pods[view.uid]
        self._carriers.pop(view.uid, None)
        others = tuple(other for other in self._by_ip.pop(view.ip, ()) if other.uid != view.uid)
        if others:
            self._by_ip[view.ip] = others


def _has_ip(view: PodView) -> bool:
    shares = view.host_network and not (view.annotations or view.labels)
    return bool(view.ip) and not (view.finished or view.drained or shares)


def _kept(old: Seen | None, new: Seen) -> Seen:
    """The known view, if nothing has changed: a new copy of each Pod would fragment the memory."""
    return old if old is not None and old.view.version == new.view.version and old.view == new.view else new
