"""What one replica knows of the election, as a value, and how each event changes that value.

The decision is in `election.step`. Both are pure, so a thread can run them on a real API server, and a test on
thousands of made-up cases. All times are seconds of this process's own monotonic clock. The times on the Lease are
written for people; they are compared for equality only, to recognize a write of our own.

Why that suffices: a candidate counts the record's duration from when it first SAW the record, which is after the
write, which is after the holder sent it, which is where the holder's own deadline counts from. A stale view does no
harm, for every write is conditional on the version that was seen.
"""

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from math import inf

from controller.core.lease import Lease
from state.backoff import Backoff

MAX_LEASE_DURATION = 3600.0
"""Seconds. No replica can be started with more, so a Lease that claims more was edited by hand."""

_POLL_AFTER = 1.0
"""Retry periods without news, after which a follower reads the Lease; the holder renews a little more often."""

_REMEMBERED_WRITES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Seconds: how long a Lease lives unrenewed, how long its holder acts on it, how often it renews or tries, and
    how long one network call may take."""

    lease_duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    call_timeout: float = 4.0


class Stage(Enum):
    """How far a holder's term has come: no epoch yet, epoch being raised, epoch raised."""

    IDLE = "idle"
    BEGINNING = "beginning"
    OPEN = "open"


class EndReason(StrEnum):
    """Why a term, or the hold on the Lease, ended."""

    EXPIRED = "no renewal succeeded within the renew deadline"
    LOST = "the Lease names another holder, or a write that is not ours"
    GONE = "the Lease was deleted"
    STUCK = "the loop has not woken within the renew deadline"
    UNABLE = "AWS cannot be called from here"
    NOT_BEGUN = "the epoch could not be raised"
    FENCED = "a newer epoch exists"
    RELEASED = "released on shutdown"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One candidate's knowledge. `renewed_at` is when the last successful write was SENT; None: not the holder.

    `free_at`: when the Lease as last seen may be taken. `due`: earliest next write. `look_due`: earliest next read.
    `unable_since`: since when AWS cannot be called from here. `not_before`: back-off. `ended_at`: when the last open
    term ended. `epoch`: the highest ever seen. `writes`: the last acknowledged one and all whose outcome is unknown.
    `attempt` tells the outcomes of different begins apart.
    """

    identity: str
    timings: Timings
    known: bool = False
    lease: Lease | None = None
    free_at: float = -inf
    writes: tuple[Lease, ...] = ()
    renewed_at: float | None = None
    held_since: float = -inf
    due: float = -inf
    look_due: float = -inf
    not_before: float = -inf
    conflicts: int = 0
    epoch: int = 0
    stage: Stage = Stage.IDLE
    stage_since: float = -inf
    attempt: int = 0
    failures: int = 0
    fenced_at: float = -inf
    ended_at: float = -inf
    broken: bool = False
    release_at: float | None = None
    progress: float = -inf
    stuck_at: float | None = None
    unable_since: float | None = None

    @property
    def deadline(self) -> float:
        """When a holder must have stopped; -inf for everybody else."""
        return -inf if self.renewed_at is None else self.renewed_at + self.timings.renew_deadline

    @property
    def stuck(self) -> bool:
        """Whether the Lease was given up because the loop hung, and the loop has not woken since."""
        return self.stuck_at is not None and self.progress <= self.stuck_at

    def wrote(self, lease: Lease) -> bool:
        """Whether we wrote this record. Our identity in it does not prove that: it could be a copy."""
        mark = (self.identity, lease.acquired, lease.renewed)
        return lease.holder == self.identity and any((w.holder, w.acquired, w.renewed) == mark for w in self.writes)


def observe(view: View, lease: Lease | None, now: float) -> View:
    """A read of the Lease has just ended. Its result replaces what was seen before."""
    changed = lease != view.lease
    return replace(
        view,
        known=True,
        lease=lease,
        free_at=_free_at(view, lease, now) if changed else view.free_at,
        look_due=_next_look(view, now),
        conflicts=0 if changed else view.conflicts,
        epoch=max(view.epoch, lease.epoch if lease else 0),
    )


def hear(view: View, lease: Lease | None, now: float) -> View:
    """An event of the watch. It may be out of date, so it never ends a holder's term: it causes a read."""
    if lease is None or not view.known:
        return replace(view, look_due=min(view.look_due, now))
    if view.lease and _older(lease, view.lease):
        return view
    if view.renewed_at is None:
        return observe(view, lease, now)
    return view if view.wrote(lease) else replace(view, look_due=now)


def able(view: View, is_able: bool, now: float) -> View:
    """Whether AWS can be called from here. A replica that cannot call it leaves the Lease to others."""
    since = view.unable_since if view.unable_since is not None else now
    return replace(view, unable_since=None if is_able else since)


def unseen(view: View, now: float) -> View:
    """A read failed."""
    return replace(view, look_due=now + view.timings.retry_period)


def sending(view: View, lease: Lease) -> View:
    """This record is about to be sent: from now on the Lease may show it."""
    return replace(view, writes=(*view.writes, lease)[-_REMEMBERED_WRITES:])


def acknowledged(view: View, lease: Lease, sent: float, jitter: float = 0.0) -> View:
    """A write of ours, sent at `sent`, succeeded; `jitter` in [0, 1) shortens the way to the next one a little."""
    return replace(
        view,
        known=True,
        lease=lease,
        free_at=sent,
        writes=(lease,),
        renewed_at=sent,
        held_since=sent if view.renewed_at is None else view.held_since,
        due=sent + view.timings.retry_period * (1 - 0.1 * jitter),
        look_due=inf,
        conflicts=0,
        epoch=max(view.epoch, lease.epoch),
        release_at=None,
    )


def refused(view: View, now: float) -> View:
    """A write met another version, or no Lease: read it at once; after the second time in a row, after a pause."""
    pause = view.timings.retry_period / 4 if view.conflicts else 0.0
    return replace(view, conflicts=view.conflicts + 1, due=now + pause, look_due=now + pause)


def unanswered(view: View, sent: float) -> View:
    """A write failed, or its outcome is unknown: try again one retry period after it was sent."""
    return replace(view, due=sent + view.timings.retry_period)


def beginning(view: View, now: float) -> View:
    """Another thread is raising the epoch."""
    return replace(view, stage=Stage.BEGINNING, stage_since=now, attempt=view.attempt + 1)


def began(view: View, epoch: int, now: float) -> View:
    """The epoch has been raised: it goes onto the Lease at once."""
    return replace(view, stage=Stage.OPEN, epoch=max(view.epoch, epoch), due=now, failures=0)


def begin_failed(view: View) -> View:
    """The epoch could not be raised, or the term could not be started: step will resign."""
    return replace(view, broken=True)


def fenced(view: View, at: float) -> View:
    """The term is over. The next one needs a renewal sent after `at`, and must not begin too soon after this one."""
    if view.stage is not Stage.OPEN:
        return view
    calm = view.stage_since + view.timings.retry_period
    over = replace(view, stage=Stage.IDLE, stage_since=at, fenced_at=at, ended_at=at)
    return replace(over, due=min(view.due, at), not_before=calm)


def resigned(view: View, why: EndReason, now: float, jitter: float = 0.0) -> View:
    """The Lease is given up. If it is still ours, and another replica may be able to lead where we are not, it is
    released; but not while a call of our last term may be under way."""
    give_up = why in (EndReason.STUCK, EndReason.NOT_BEGUN, EndReason.UNABLE)
    ended_at = now if view.stage is Stage.OPEN else view.ended_at
    return replace(
        view,
        renewed_at=None,
        stage=Stage.IDLE,
        ended_at=ended_at,
        attempt=view.attempt + 1,
        broken=False,
        release_at=max(now, ended_at + view.timings.call_timeout) if give_up else None,
        not_before=now + _back_off(view, jitter) if why is EndReason.NOT_BEGUN else view.not_before,
        failures=view.failures + (why is EndReason.NOT_BEGUN),
        stuck_at=now if why is EndReason.STUCK else view.stuck_at,
        due=now,
        look_due=now,
    )


def release_tried(view: View, lease: Lease | None, now: float) -> View:
    """The Lease was released (`lease` is the record now), or could not be: then it is left to expire."""
    done = replace(view, release_at=None, due=now)
    return observe(done, lease, now) if lease else replace(done, look_due=now + view.timings.retry_period)


def _free_at(view: View, lease: Lease | None, now: float) -> float:
    """A Lease that was deleted is not free before its holder has stopped: the duration last seen still counts."""
    if lease is None:
        return view.free_at
    if not lease.holder or view.wrote(lease):
        return now
    return now + max(view.timings.lease_duration, min(lease.duration_s, MAX_LEASE_DURATION))


def _next_look(view: View, now: float) -> float:
    return inf if view.renewed_at is not None else now + _POLL_AFTER * view.timings.retry_period


def _back_off(view: View, jitter: float) -> float:
    """A pause from half a retry period up to a lease duration, in which another replica can try."""
    timings = view.timings
    pause = Backoff(base_s=timings.retry_period, cap_s=timings.lease_duration, sure=0.5)
    return pause.after(view.failures, jitter)


def _older(event: Lease, seen: Lease) -> bool:
    """Versions that are numbers grow (Kubernetes API concepts, "Resource versions"); others say nothing."""
    return event.version.isdecimal() and seen.version.isdecimal() and int(event.version) < int(seen.version)
