"""All Pods of a snapshot, gone through once: what each view then needs of all of them stands in columns beside them.

To touch thousands of rows costs more than to count them, and it is the loop's time too. A leader keeps the rows that
have not changed (`engine/kept_rows`), so where none has, what was found for a view holds for the next snapshot.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import is_, itemgetter
from typing import Any

MOST_KEPT = 16

Pod = Mapping[str, Any]
_COLUMNS = itemgetter("phase", "error", "namespace", "mode")


class Index:
    """The Pods in the document's order, and of each the phase, the error, the namespace and the mode."""

    def __init__(self, pods: Sequence[Pod]) -> None:
        self.pods = pods
        columns = list(zip(*map(_COLUMNS, pods), strict=True)) or [(), (), (), ()]
        self.phases, self.errors, self.namespaces, self.modes = columns
        self.counts: Mapping[str, int] = Counter(self.phases)
        self._found: dict[object, Sequence[Pod]] = {}

    def holds_for(self, pods: Sequence[Pod]) -> bool:
        """Whether these are the same rows."""
        return len(pods) == len(self.pods) and all(map(is_, pods, self.pods))

    def found(self, key: object, find: Callable[[], Sequence[Pod]]) -> Sequence[Pod]:
        """What was found under this key, at first by `find`."""
        known = self._found.get(key)
        if known is None:
            known = find()
            if len(self._found) >= MOST_KEPT:
                self._found = {}
            self._found[key] = known
        return known
