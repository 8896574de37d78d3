"""What has come in for the loop, and waits for its next tick."""

from collections import deque
from dataclasses import dataclass, field

from controller.engine.lookup_queue import LookupDone
from controller.engine.plain import Plain
from controller.engine.run import PlanOutcome
from state.model import Epoch, PodUid


@dataclass(slots=True, kw_only=True)
class News(Plain):
    """outcomes: of plans. looked: looks that are over. compared: the Pods that a comparison with EC2 found."""

    outcomes: deque[PlanOutcome] = field(default_factory=deque)
    looked: deque[LookupDone] = field(default_factory=deque)
    compared: deque[tuple[Epoch, list[PodUid]]] = field(default_factory=deque)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.outcomes or self.looked or self.compared)
