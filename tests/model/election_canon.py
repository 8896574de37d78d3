"""A state of the election's model with its times counted from now: two that read the same will go on the same.

A Lease is known by how many writes ago it was made, an epoch by its distance from the newest. Times that are further
back than anything that is waited for are one.
"""

from hashlib import blake2b

from controller.core.candidacy import View
from controller.core.lease import Lease
from tests.model.election_world import PATIENCE_S, Candidate, ElectionWorld, Raise


def canonical(world: ElectionWorld) -> bytes:
    """Sixteen bytes that stand for the state."""
    return blake2b(repr(_text(world)).encode(), digest_size=16).digest()


def _text(world: ElectionWorld) -> tuple[object, ...]:
    """All that matters for what comes next. A Lease is known by its version; stamps are names."""
    now = world.now
    return (
        [_candidate(world, who) for who in world.candidates.values()],
        _lease(world, world.lease),
        world.epoch - world.noted,
        [(round(at - now, 3), _lease(world, lease)) for at, lease in world.late],
        round(min(now - world.calm, PATIENCE_S), 1),
    )


def _candidate(world: ElectionWorld, who: Candidate) -> tuple[object, ...]:
    own, now = who.now(world.now), world.now
    call = who.call
    return (
        who.name,
        _view(world, who.view, own),
        [_since(at, now) for at in (who.turn_at, who.frozen_until, who.hung_until, who.busy_until)],
        call and (call.kind, _lease(world, call.lease), _since(call.sent, own), _since(call.arrives, now), call.said),
        call and (_lease(world, call.answer), _since(call.back, now)),
        who.raising and _raising(world, who, who.raising),
        _since(who.fence_due, now),
        [(_since(at, now), _lease(world, lease)) for at, lease in who.heard],
        who.term and world.epoch - who.term,
        _since(who.deadline, own),
        min(who.renewals, 2),
    )


def _raising(world: ElectionWorld, who: Candidate, raising: Raise) -> tuple[object, ...]:
    came = raising.epoch and world.epoch - raising.epoch
    known = (raising.attempt - who.view.attempt, world.epoch - raising.floor, raising.slow)
    return (*known, _since(raising.arrives, world.now), came, raising.epoch is None)


def _view(world: ElectionWorld, view: View, own: float) -> tuple[object, ...]:
    times = (
        view.free_at,
        view.held_since,
        view.due,
        view.look_due,
        view.not_before,
        view.stage_since,
        view.fenced_at,
        view.ended_at,
        view.progress,
    )
    rare = [None if at is None else _since(at, own) for at in (view.renewed_at, view.release_at, view.stuck_at)]
    writes = [_lease(world, lease) for lease in view.writes[-4:]]
    counts = (view.known, view.conflicts, world.epoch - view.epoch, view.stage, view.failures, view.broken)
    return (_lease(world, view.lease), [_since(at, own) for at in times], rare, writes, counts)


def _since(at: float, now: float) -> float:
    """Seconds from now, so far as they can matter."""
    return max(-60.0, round(at - now, 3))


def _lease(world: ElectionWorld, lease: Lease | None) -> tuple[object, ...] | None:
    if lease is None:
        return None
    behind = world.version - int(lease.version or 0)
    mark = lease.renewed == (world.lease.renewed if world.lease else "")
    return (lease.holder, lease.duration_s, world.epoch - lease.epoch, behind, mark)
