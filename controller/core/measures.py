"""The port to metrics: the engine says here what happened and how long it took, and need not know Prometheus.

Labels have few values, all of them our own words: nothing here takes a Pod's name, a tag or a message.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol


class Event(StrEnum):
    """What is counted. The label of each is in brackets.

    RECONCILED: a Pod was looked at [Result]. FAILED: a plan or a look failed [class of the error].
    RETRIED: a Pod went back into the workqueue after a failure.
    CONDITION_LOST: a write of the ledger met another state than was believed [step of the plan, or RESYNC].
    TERM_BEGUN, TERM_ENDED: of this replica, as leader [name of the `EndReason`].
    LEAK_FOUND, LEAK_MENDED: by a comparison with EC2 [Leak].
    """

    RECONCILED = "reconciled"
    FAILED = "failed"
    RETRIED = "retried"
    CONDITION_LOST = "condition_lost"
    TERM_BEGUN = "term_begun"
    TERM_ENDED = "term_ended"
    LEAK_FOUND = "leak_found"
    LEAK_MENDED = "leak_mended"


class Result(StrEnum):
    """How one look at a Pod ended.

    UNCHANGED: nothing had to be done. SUCCESS: its plan was carried out. WAITING: for a pool, room, EC2's reads or the
    like. NO_TOKEN: for its turn at EC2's rate. ERROR: its plan failed, and is made anew.
    """

    UNCHANGED = "unchanged"
    SUCCESS = "success"
    WAITING = "waiting"
    NO_TOKEN = "no_token"
    ERROR = "error"


class Leak(StrEnum):
    """ADDRESS: one of ours without a claim. CLAIM: one side of it only. INTENT: of a Pod that is gone."""

    ADDRESS = "address"
    CLAIM = "claim"
    INTENT = "intent"


class Duration(StrEnum):
    """What is timed: a Pod's time in the workqueue once it was due, one plan, one tick of the loop, one resync."""

    QUEUED = "queued"
    WORKED = "worked"
    TICK = "tick"
    RESYNC = "resync"


RESYNC = "Resync"
"""The step of a write that no plan made, but the comparison with EC2."""


class Measures(Protocol):
    """What metrics are told. Thread-safe; never raises, never blocks."""

    def count(self, event: Event, label: str = "", by: int = 1) -> None:
        """This happened, so many times."""
        ...

    def time(self, what: Duration, seconds: float) -> None:
        """This has ended, and took so long."""
        ...

    def working(self, change: int) -> None:
        """So many plans more (or, below 0, fewer) are being carried out."""
        ...

    def served(self, mode: str, seconds: float, created: str) -> None:
        """A Pod that asked for an address shows it, so long after it had its IP. `created`: its creationTimestamp."""
        ...


class NoMeasures:
    """Measures nothing, at no cost."""

    def count(self, event: Event, label: str = "", by: int = 1) -> None:
        """Nothing."""

    def time(self, what: Duration, seconds: float) -> None:
        """Nothing."""

    def working(self, change: int) -> None:
        """Nothing."""

    def served(self, mode: str, seconds: float, created: str) -> None:
        """Nothing."""


NO_MEASURES: Final[Measures] = NoMeasures()


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketReading:
    """The model of EC2's token bucket for one API: calls a second, calls at once, calls that were throttled so far.

    `waiting`: Pods and reads that wait for a token now.
    """

    operation: str
    rate: float
    burst: float
    throttled: int = 0
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What a scrape reads of a running replica; nothing of it is counted in between.

    queued: Pods in the workqueue. in_flight: Pods whose plan has begun and not ended. workers: how many plans may run
    at once. loop_silent_s, election_silent_s: since the loop woke, and since the election finished a step.
    longest_unserved_s: the longest time for which a Pod that has an IP, and is refused nothing, has no label; only the
    leader knows it. waiting: Pods, by the name of the `WaitReason`. failures: faults of ours that threads have
    survived, by thread. quota_used: addresses that draw on the account's quota; None: not known here.
    """

    queued: int = 0
    in_flight: int = 0
    workers: int = 0
    loop_silent_s: float = 0.0
    election_silent_s: float = 0.0
    longest_unserved_s: float | None = None
    quota_used: int | None = None
    waiting: Mapping[str, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    buckets: tuple[BucketReading, ...] = ()
