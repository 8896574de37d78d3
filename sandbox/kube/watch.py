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
    initial_end: bool = False
    """Mark the end of what existed with an annotated bookmark (sendInitialEvents)."""


@dataclass(slots=True)
class WatchSwitch:
    """Orders to all watches of a server: end now, or say nothing for a while."""

    bookmark_seconds: float
    generation: int = 0
    silent: bool = False


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
    began = time.monotonic()
    end = began + query.seconds
    clock = _Clock(switch.bookmark_seconds, end, min(began + switch.bookmark_seconds, end - _LAST_BOOKMARK_SECONDS))
    generation = switch.generation
    try:
        position, first = _begin(store, query)
        start = position
        yield first
        while generation == switch.generation and (switch.silent or time.monotonic() < end):
            position, events = _next(store, query, switch, position, min(clock.next, end))
            progress = min(position, store.progress(query.target.resource))
            if query.bookmarks and not switch.silent and clock.bookmark_due() and progress > start:
                events.append(_bookmark(progress))
            yield events
    except CompactedError as error:
        yield [Event("ERROR", body=expired(str(error)).status)]


def _begin(store: Store, query: WatchQuery) -> tuple[int, list[Event]]:
    target = query.target
    with store.lock:
        if query.after is not None:
            store.check_kept(target.resource, query.after)
            return query.after, []
        version, found = store.contents(target.resource, target.prefix)
        events = [Event("ADDED", stored) for stored in found if query.selection(stored.body)]
        return version, [*events, *([_bookmark(version, {_INITIAL_END: "true"})] if query.initial_end else [])]


def _next(store: Store, query: WatchQuery, switch: WatchSwitch, position: int, until: float) -> tuple[int, list[Event]]:
    """Wait for changes; the new position and what this watch sees of them."""
    changed = store.changed(query.target.resource)
    with changed:
        changes = [] if switch.silent else store.changes(query.target.resource, position)
        if not changes:
            changed.wait(max(0.001, min(_LOOK_SECONDS, until - time.monotonic())))
            changes = [] if switch.silent else store.changes(query.target.resource, position)
        position = position if switch.silent else max(position, store.version)
    return position, [e for c in changes if (e := _seen(query, c)) is not None]


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
