"""Rows of Pods that are kept from one status document to the next, for as long as what they are made from is the same.

A document is made each second while somebody looks, of thousands of Pods of which a few have changed, in the process
of the loop. To see that a row still holds costs a fiftieth of making it.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import is_
from typing import NamedTuple

from controller.core.status import PodStatus
from controller.core.views import PodView
from controller.engine.pod_rows import PodRows, asked_key
from state.model import PodRecord, PodUid


class _Kept(NamedTuple):
    """A row, the tag key that the Pod asks for, and what both were made from."""

    record: PodRecord | None
    view: PodView | None
    more: object
    row: PodStatus | None
    asked: str | None


@dataclass(frozen=True, slots=True)
class AllRows:
    """All Pods that ask for an address or have one, by namespace and name; the tag keys of those that ask for one."""

    pods: tuple[PodStatus, ...] = ()
    asked: Mapping[PodUid, str] = field(default_factory=dict)


class KeptRows:
    """Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[PodUid, _Kept] = {}
        self._seen: _Seen = (None, {}, {}, {})
        self._rows = AllRows()

    def all(self, rows: PodRows, records: Mapping[PodUid, PodRecord], views: Mapping[PodUid, PodView]) -> AllRows:
        """The rows of this moment: the same object where nothing has changed."""
        with self._lock:
            seen: _Seen = (rows.for_all, records, views, rows.more(records))
            if _unchanged(seen, self._seen):
                return self._rows
            if seen[0] != self._seen[0]:
                self._kept, self._rows = {}, AllRows()
            changed = self._follow(records, views)
            more = seen[3]
            stale = [
                uid
                for uid, (record, view, known, _, _) in self._kept.items()
                if view is not views.get(uid) or record is not records.get(uid) or known != more.get(uid)
            ]
            for uid in stale:
                record, view = records.get(uid), views.get(uid)
                self._kept[uid] = _Kept(record, view, more.get(uid), rows.row(uid, record, view), asked_key(view))
            if stale or changed:
                self._rows = _all(self._kept)
            self._seen = seen  # last: what could not be made is tried again
            return self._rows

    def _follow(self, records: Mapping[PodUid, PodRecord], views: Mapping[PodUid, PodView]) -> bool:
        """Whether Pods have come or gone. Then they are sorted anew, by what no Pod changes: namespace and name."""
        now = records.keys() | views.keys()
        if now == self._kept.keys():
            return False
        ordered = sorted(now, key=lambda uid: _name(records.get(uid), views.get(uid)))
        self._kept = {uid: self._kept.get(uid, _NEW) for uid in ordered}
        return True


_NEW = _Kept(None, None, object(), None, None)
_Seen = tuple[object, Mapping[PodUid, PodRecord], Mapping[PodUid, PodView], Mapping[PodUid, object]]


def _unchanged(now: _Seen, before: _Seen) -> bool:
    """Whether all that rows are made from is the same. Records that are equal may differ in what a row shows."""
    return now[0] == before[0] and _same(now[1], before[1]) and _same(now[2], before[2]) and now[3] == before[3]


def _same(now: Mapping[PodUid, object], before: Mapping[PodUid, object]) -> bool:
    """Whether both have the very same objects."""
    return now.keys() == before.keys() and all(map(is_, now.values(), map(before.get, now)))


def _all(kept: Mapping[PodUid, _Kept]) -> AllRows:
    return AllRows(
        pods=tuple(each.row for each in kept.values() if each.row is not None),
        asked={uid: each.asked for uid, each in kept.items() if each.asked is not None},
    )


def _name(record: PodRecord | None, view: PodView | None) -> tuple[str, str]:
    if view is not None:
        return (view.namespace, view.name)
    return (record.namespace, record.name) if record else ("", "")
