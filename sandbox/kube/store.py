"""Objects and their history: the state machine under the API, without a word of HTTP.

One counter numbers every write of every kind, as etcd's revision does; each kind keeps its changes so that a
watch can start, and a list can be continued, at any version that has not been compacted. One lock guards all;
each kind has a condition on it that wakes its watchers. Bodies are never changed after they were stored.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

import msgspec

from sandbox.kube.resources import Json, Resource

_version = attrgetter("version")


class CompactedError(Exception):
    """The version asked for is older than what is kept; `oldest` is the first that is."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of one object, with its JSON as it is sent."""

    key: str
    version: int
    body: Json
    raw: bytes

    @classmethod
    def of(cls, key: str, version: int, body: Json) -> "Stored":
        """A version whose body carries its number already."""
        return cls(key, version, body, msgspec.json.encode(body))


@dataclass(frozen=True, slots=True)
class Change:
    """A write: `before` is None for a creation; `gone` tells a deletion, whose `now` is the last body."""

    version: int
    before: Stored | None
    now: Stored
    gone: bool


class _Collection:
    """The objects and the changes of one kind."""

    def __init__(self, lock: threading.RLock) -> None:
        self.objects: dict[str, Stored] = {}
        self.changes: list[Change] = []
        self.lost = 0
        """Version of the newest change that is no longer kept."""
        self.changed = threading.Condition(lock)


class Store:
    """Every object of every kind, with its history."""

    def __init__(self, resources: Iterable[Resource], history: int) -> None:
        self.lock = threading.RLock()
        self._history = history
        self._version = 1
        self._compacted = 0
        self._collections = {r: _Collection(self.lock) for r in resources}

    @property
    def version(self) -> int:
        """The version of the newest write of any kind."""
        return self._version

    def changed(self, resource: Resource) -> threading.Condition:
        """The condition, on the store's lock, that each write of that kind notifies."""
        return self._collections[resource].changed

    def read(self, resource: Resource, key: str) -> Stored | None:
        """The newest version of an object."""
        with self.lock:
            return self._collections[resource].objects.get(key)

    def write(self, resource: Resource, key: str, body: Json) -> Stored:
        """Store a new version under the next number, which is written into its metadata."""
        with self.lock:
            collection = self._collections[resource]
            before = collection.objects.get(key)
            now = self._stamp(key, body)
            collection.objects[key] = now
            self._record(collection, Change(now.version, before, now, gone=False))
            return now

    def remove(self, resource: Resource, key: str, last: Json | None = None) -> Stored:
        """Delete an object; the answer is its last body under the number of the deletion."""
        with self.lock:
            collection = self._collections[resource]
            before = collection.objects.pop(key)
            now = self._stamp(key, last or before.body)
            self._record(collection, Change(now.version, before, now, gone=True))
            return now

    def contents(self, resource: Resource, prefix: str = "", at: int | None = None) -> tuple[int, list[Stored]]:
        """The version and the objects, ordered by key, now or as they were `at` a version.

        Raises CompactedError where that version is no longer kept.
        """
        with self.lock:
            objects = self._collections[resource].objects
            if at is not None and at != self._version:
                objects = self._rewind(resource, at)
            kept = sorted(key for key in objects if key.startswith(prefix))
            return at or self._version, [objects[key] for key in kept]

    def changes(self, resource: Resource, after: int) -> list[Change]:
        """The changes of that kind with a version above `after`; CompactedError where some are lost."""
        with self.lock:
            collection = self._collections[resource]
            if after < collection.lost:
                raise CompactedError(after, collection.lost)
            return collection.changes[bisect_right(collection.changes, after, key=_version) :]

    def progress(self, resource: Resource) -> int:
        """The version of the newest change of that kind."""
        with self.lock:
            collection = self._collections[resource]
            return collection.changes[-1].version if collection.changes else collection.lost

    def check_kept(self, resource: Resource, version: int) -> None:
        """Raise CompactedError where nothing can start at that version any more."""
        with self.lock:
            oldest = max(self._compacted, self._collections[resource].lost)
            if version < oldest:
                raise CompactedError(version, oldest)

    def compact(self) -> int:
        """Forget every change; no version that anybody has seen can be read or watched from any more."""
        with self.lock:
            self._version += 1
            self._compacted = self._version
            for collection in self._collections.values():
                self._forget(collection, len(collection.changes))
                collection.changed.notify_all()
            return self._compacted

    def wake(self) -> None:
        """Wake every watcher, so that it looks at what has been asked of it."""
        with self.lock:
            for collection in self._collections.values():
                collection.changed.notify_all()

    def _stamp(self, key: str, body: Json) -> Stored:
        self._version += 1
        stamped = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self._version)}}
        return Stored.of(key, self._version, stamped)

    def _record(self, collection: _Collection, change: Change) -> None:
        collection.changes.append(change)
        if len(collection.changes) > self._history:
            self._forget(collection, len(collection.changes) - self._history // 2)
        collection.changed.notify_all()

    def _forget(self, collection: _Collection, count: int) -> None:
        if count > 0:
            collection.lost = collection.changes[count - 1].version
            del collection.changes[:count]

    def _rewind(self, resource: Resource, at: int) -> dict[str, Stored]:
        """The objects as they were: newer changes are undone, the newest first."""
        self.check_kept(resource, at)
        objects = dict(self._collections[resource].objects)
        for change in reversed(self.changes(resource, at)):
            if change.before is None:
                objects.pop(change.now.key, None)
            else:
                objects[change.now.key] = change.before
        return objects
