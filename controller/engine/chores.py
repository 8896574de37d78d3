"""What the chores of a term remember from one time to the next."""

from dataclasses import dataclass, field

from controller.engine.plain import Plain
from state.model import AllocationId, ClusterUid, PodUid, Rev


@dataclass(slots=True, kw_only=True)
class Chores(Plain):
    """When they are due (monotonic), since when something has been so, and what was told.

    first: nobody has gone through all Pods yet. reported: what the last comparison left alone; None: there was none.
    """

    first: bool = True
    next_resync: float = 0.0
    next_beat: float = 0.0
    next_news: float = 0.0
    unowned_since: dict[AllocationId, float] = field(default_factory=dict)
    recent_since: dict[tuple[AllocationId, Rev], float] = field(default_factory=dict)
    remembered_since: dict[tuple[PodUid, Rev], float] = field(default_factory=dict)
    reported: set[str] | None = None
    namesakes: set[ClusterUid] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
