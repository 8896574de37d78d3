"""All Pods of a snapshot, gone through once: what each view then needs of all of them stands in columns beside them.

To touch thousands of rows costs more than to count them, and it is the loop's time too.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

Pod = Mapping[str, Any]
_COLUMNS = itemgetter("phase", "error", "namespace", "mode")


class Index:
    """The Pods in the document's order, and of each the phase, the error, the namespace and the mode."""

    def __init__(self, pods: Sequence[Pod]) -> None:
        self.pods = pods
        columns = list(zip(*map(_COLUMNS, pods), strict=True)) or [(), (), (), ()]
        self.phases, self.errors, self.namespaces, self.modes = columns
        self.counts: Mapping[str, int] = Counter(self.phases)
