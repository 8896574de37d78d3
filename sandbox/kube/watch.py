"""Watches: the changes of one kind from a version on, as this client's selectors see them.

An object that leaves the selection is a DELETED to this watch, one that enters it an ADDED. Bookmarks tell how
far an idle watch has come, also shortly before its time is over, but only if that is farther than where it began
(a change of its kind, in whatever namespace, that it did not see); a version that is no longer kept ends it with
an ERROR that carries a 410 Status. (apiserver/pkg/storage/cacher.) `WatchSwitch` is the sandbox's hand on all
watches at once.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sandbox.kube.resources import Json
from sandbox.kube.selectors import Selection
from sandbox.kube.status import expired
from sandbox.kube.store import Change, CompactedError, Store, Stored
from sandbox.kube.target import Target

Kind: TypeAlias = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
_LOOK_SECONDS = 1.0
"""How long a watch sleeps at most before it looks whether its client is still there."""
_LAST_BOOKMARK_SECONDS = 2.0
_INITIAL_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; a bookmark and an error carry a bare body instead of an object."""

    kind: Kind
    object: Stored | None = None
    body: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchQuery:
    """What a watch asks for; `after` None begins with what exists."""

    target: Target
    selection: Selection
    after: int | None
    bookmarks: bool
    seconds: float
    client: tuple[str, str] = ("", "")
    """The client's token and its User-Agent."""
    initial_end: bool = False
    """Mark the end of what existed with an annotated bookmark (sendInitialEvents)."""


@dataclass(slots=True)
class WatchSwitch:
    """Orders to the watches of a server: end now, or say nothing for a while."""

    bookmark_seconds: float
    generation: int = 0
    muted: frozenset[str] = frozenset()
    """Parts of the names of clients whose watches say nothing; the empty part is in every name."""

    def mutes(self, client: tuple[str, str]) -> bool:
        """Whether the watches of that client say nothing now."""
        return any(part in name for part in self.muted for name in client)


@dataclass(slots=True)
class _Clock:
    """When the next bookmark is due and when the watch is over, in monotonic seconds."""

    every: float
    end: float
    next: float

    def bookmark_due(self) -> bool:
        now = time.monotonic()
        if now < self.next:
            return False
        later = now + self.every
        last = self.end - _LAST_BOOKMARK_SECONDS
        self.next = last if now < last < later else later
        return True


def watch(store: Store, query: WatchQuery, switch: WatchSwitch) -> Iterator[list[Event]]:
    """Yield batches of events until the time is over; an empty batch is a chance to see a client that left."""
    stream = _Stream(store, query, switch)
    try:
        yield stream.begin()
        while stream.goes_on():
            yield stream.step()
    except CompactedError as error:
        yield [Event("ERROR", body=expired(str(error)).status)]


class _Stream:
    """How far one watch has come."""

    def __init__(self, store: Store, query: WatchQuery, switch: WatchSwitch) -> None:
        self._store, self._query, self._switch = store, query, switch
        self._resource = query.target.resource
        self._generation = switch.generation
        began = time.monotonic()
        end, every = began + query.seconds, switch.bookmark_seconds
        self._clock = _Clock(every, end, min(began + every, end - _LAST_BOOKMARK_SECONDS))
        self._position = self._start = 0

    def begin(self) -> list[Event]:
        """Find the place to start from; the events for what exists, where that was asked for."""
        query = self._query
        with self._store.lock:
            if query.after is not None:
                self._store.check_kept(self._resource, query.after)
                self._position = self._start = query.after
                return []
            version, found = self._store.contents(self._resource, query.target.prefix)
        self._position = self._start = version
        events = [Event("ADDED", stored) for stored in found if query.selection(stored.body)]
        return [*events, *([_bookmark(version, {_INITIAL_END: "true"})] if query.initial_end else [])]

    def goes_on(self) -> bool:
        """Whether the watch is neither dropped nor over; a muted one does not even end."""
        return not self._dropped and (self._muted or time.monotonic() < self._clock.end)

    def step(self) -> list[Event]:
        """Wait for changes, or for a second; what this watch sees of them, and a bookmark if one is due."""
        changed = self._store.changed(self._resource)
        with changed:
            if self._muted or not self._store.changes(self._resource, self._position):
                changed.wait(self._patience())
            if self._muted or self._dropped:
                return []
            changes = self._store.changes(self._resource, self._position)
            self._position = max(self._position, self._store.version)
            progress = min(self._position, self._store.progress(self._resource))
        events = [event for change in changes if (event := _seen(self._query, change)) is not None]
        due = self._query.bookmarks and self._clock.bookmark_due() and progress > self._start
        return [*events, _bookmark(progress)] if due else events

    @property
    def _dropped(self) -> bool:
        return self._generation != self._switch.generation

    @property
    def _muted(self) -> bool:
        return self._switch.mutes(self._query.client)

    def _patience(self) -> float:
        due = self._clock.next if self._query.bookmarks else self._clock.end
        return _LOOK_SECONDS if self._muted else max(0.001, min(_LOOK_SECONDS, due - time.monotonic()))


def _seen(query: WatchQuery, change: Change) -> Event | None:
    """The change as this watch sees it: what counts is whether the object was, and is, selected."""
    if not change.now.key.startswith(query.target.prefix):
        return None
    was = change.before is not None and query.selection(change.before.body)
    is_now = not change.gone and query.selection(change.now.body)
    if is_now:
        return Event("MODIFIED" if was else "ADDED", change.now)
    return Event("DELETED", _as_it_was(change)) if was else None


def _as_it_was(change: Change) -> Stored:
    """The last body that the watch has seen, under the version of the change."""
    if change.gone or change.before is None:
        return change.now
    meta = change.before.body["metadata"] | {"resourceVersion": str(change.version)}
    return Stored.of(change.now.key, change.version, change.before.body | {"metadata": meta})


def _bookmark(version: int, annotations: dict[str, str] | None = None) -> Event:
    more = {"annotations": annotations} if annotations else {}
    return Event("BOOKMARK", body={"metadata": {"resourceVersion": str(version), "creationTimestamp": None, **more}})
