"""Who leads: one pure step from what a candidate knows, and its clock, to the one thing to do next.

What is guaranteed: no two candidates are before their deadlines at once, and a holder that dies is replaced within the
lease duration and one retry period of its last renewal. It holds while the clocks' rates differ by less than lease
duration / renew deadline, and nobody edits the Lease by hand.

What is not guaranteed: that a call which started before the deadline has ended when the next leader starts. The
ledger's epoch fences its writes; EC2 has no fence. After a Lease was deleted or rewritten by hand, there can be two
holders until the first one notices.
"""

from dataclasses import dataclass, replace
from math import ceil, isfinite

from controller.core.candidacy import MAX_LEASE_DURATION, EndReason, Stage, Timings, View
from controller.core.lease import Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Read the Lease."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """Somebody else holds it, or we must not take it: nothing to do before `until`."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquire:
    """Write this record (no version: create it); a success makes us the holder."""

    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """We hold the Lease since just now: raise the epoch above this one, while renewals go on."""

    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """Write this record; a success moves the deadline."""

    lease: Lease


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """We hold it: nothing to do before `until`."""

    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Resign:
    """Stop leading now."""

    why: EndReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseLease:
    """We do not lead any more: write this record, so that nobody has to wait."""

    lease: Lease


Decision = Look | Follow | Acquire | Begin | Renew | Hold | Resign | ReleaseLease


def step(view: View, now: float, stamp: str) -> Decision:
    """What to do at `now`. `stamp` is the wall clock as the Lease is to show it (RFC 3339, microseconds)."""
    return _follow(view, now, stamp) if view.renewed_at is None else _lead(view, now, stamp)


def released(view: View, lease: Lease, stamp: str) -> Lease:
    """The record that releases this Lease: it is free at once, and keeps its epoch."""
    return replace(lease, holder="", duration_s=1, renewed=stamp, epoch=max(lease.epoch, view.epoch))


def validate_timings(timings: Timings) -> list[str]:
    """What is wrong with these timings: a line for each fault, which names the flags."""
    lease, renew = timings.lease_duration, timings.renew_deadline
    retry, call = timings.retry_period, timings.call_timeout
    named = {"lease-duration": lease, "renew-deadline": renew, "retry-period": retry, "call-timeout": call}
    faults = [
        f"--{name} must be a positive number of seconds, not {value:g}"
        for name, value in named.items()
        if not (isfinite(value) and value > 0)
    ]
    if faults:
        return faults
    if lease > MAX_LEASE_DURATION:
        faults.append(f"--lease-duration ({lease:g} s) must not exceed {MAX_LEASE_DURATION:g} s")
    if renew + call > lease:
        faults.append(
            f"--renew-deadline ({renew:g} s) + --call-timeout ({call:g} s) must not exceed "
            f"--lease-duration ({lease:g} s): a call could outlive the Lease"
        )
    if retry + call >= renew:
        faults.append(
            f"--retry-period ({retry:g} s) + --call-timeout ({call:g} s) must be less than "
            f"--renew-deadline ({renew:g} s): no renewal would come in time for a call to start"
        )
    return faults


def _lead(view: View, now: float, stamp: str) -> Decision:
    why = _why_resign(view, now)
    if why:
        return Resign(why=why)
    if now >= view.look_due:
        return Look()
    if now >= view.due and view.lease:
        return Renew(lease=_renewal(view, view.lease, stamp))
    if _may_begin(view, now):
        return Begin(epoch=view.epoch)
    return Hold(until=_next_turn(view, now))


def _why_resign(view: View, now: float) -> EndReason | None:
    """The first of these reasons that applies; None: go on leading."""
    if view.lease is None:
        return EndReason.GONE
    if not view.wrote(view.lease):
        return EndReason.LOST
    if now >= view.deadline:
        return EndReason.EXPIRED
    if now >= _stuck_from(view):
        return EndReason.STUCK
    if now >= _unable_from(view):
        return EndReason.UNABLE
    if view.broken or now >= _begin_limit(view):
        return EndReason.NOT_BEGUN
    return None


def _stuck_from(view: View) -> float:
    """A standby's loop may have had no reason to wake, so only the time since we got the Lease counts."""
    return max(view.progress, view.held_since) + view.timings.renew_deadline


def _unable_from(view: View) -> float:
    """After a lease duration without credentials the Lease is given up, so that a replica that has some can lead."""
    return float("inf") if view.unable_since is None else view.unable_since + view.timings.lease_duration


def _begin_limit(view: View) -> float:
    """A holder without an epoch keeps the others from trying, so it gives up after a lease duration."""
    return view.stage_since + view.timings.lease_duration if view.stage is Stage.BEGINNING else float("inf")


def _may_begin(view: View, now: float) -> bool:
    """Whether a renewal was sent after the last fencing: the replica that fenced us may hold the Lease by now."""
    fresh = view.renewed_at is not None and view.renewed_at > view.fenced_at
    return view.stage is Stage.IDLE and fresh and now >= view.not_before


def _next_turn(view: View, now: float) -> float:
    times = [view.due, view.look_due, view.deadline, _stuck_from(view), _unable_from(view), _begin_limit(view)]
    if view.stage is Stage.IDLE and view.not_before > now:
        times.append(view.not_before)
    return min(times)


def _follow(view: View, now: float, stamp: str) -> Decision:
    if view.release_at is not None and view.lease and view.wrote(view.lease):
        if now >= view.release_at:
            return ReleaseLease(lease=released(view, view.lease, stamp))
        return Follow(until=view.release_at)
    if now >= view.look_due:
        return Look()
    start = max(view.free_at, view.due, view.not_before)
    if not view.known or view.stuck or view.unable_since is not None or now < start:
        return Follow(until=min(view.look_due, start) if start > now else view.look_due)
    return Acquire(lease=_acquisition(view, stamp))


def _acquisition(view: View, stamp: str) -> Lease:
    lease = view.lease or Lease(holder=view.identity, duration_s=1)
    return replace(
        lease,
        holder=view.identity,
        duration_s=ceil(view.timings.lease_duration),
        transitions=lease.transitions + (lease.holder != view.identity),
        acquired=stamp,
        renewed=stamp,
        epoch=max(lease.epoch, view.epoch),
    )


def _renewal(view: View, lease: Lease, stamp: str) -> Lease:
    seconds = ceil(view.timings.lease_duration)
    return replace(lease, duration_s=seconds, renewed=stamp, epoch=max(lease.epoch, view.epoch))
