"""What a leader remembers of a Pod for its trace, in memory alone; none where nothing is traced."""

from dataclasses import dataclass, field

from controller.core.tracing import Attributes
from controller.engine.plain import Plain


@dataclass(slots=True, kw_only=True)
class Pause(Plain):
    """A wait, or the time between failures of one kind. Times are monotonic.

    told: until when spans have told of it. also: other reasons that took turns with this one. looks: how often the
    Pod was looked at since.
    """

    name: str
    reason: str
    detail: str
    error: tuple[str, str] | None
    told: float
    parent: str
    attributes: Attributes
    looks: int = 1
    also: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Story(Plain):
    """One Pod's, in one term. serving, giving_up: the traceparents of the roots; empty: there is none yet.

    seen: the trace says when the Pod was seen. pauses: how many were over.
    """

    serving: str = ""
    giving_up: str = ""
    seen: bool = False
    pauses: int = 0
    pause: Pause | None = None
