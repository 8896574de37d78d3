"""How long each part of a replica has waited for an API, and from when the replica is no longer ready.

Each of these waits ends by itself, and the call is tried again meanwhile. So a bound is twice the longest wait that a
silent API server, or an unreachable DynamoDB, can cause: beyond it something hangs, and the operator must be told.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long each part has waited, in seconds; 0: it does not wait.

    `watch_silent_s`: without news of Pods. `writer_waiting_s`: the oldest change, for its answer from the ledger.
    `term_beginning_s`: a term, for its epoch. `credentials_expire_s`: until the credentials in use expire; None: they
    do not, or there are none.
    """

    watch_silent_s: float = 0.0
    writer_waiting_s: float = 0.0
    term_beginning_s: float = 0.0
    credentials_expire_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Seconds from which each counts as hanging."""

    watch_silent_s: float
    writer_waiting_s: float
    term_beginning_s: float


def overdue(waits: Waits, bounds: Bounds) -> str:
    """What hangs, in words; empty if nothing does."""
    if waits.watch_silent_s > bounds.watch_silent_s:
        return f"nothing was heard of Pods for {waits.watch_silent_s:.0f} s"
    if waits.writer_waiting_s > bounds.writer_waiting_s:
        return f"a change waits for the ledger's writer for {waits.writer_waiting_s:.0f} s"
    if waits.term_beginning_s > bounds.term_beginning_s:
        return f"the epoch has been being raised for {waits.term_beginning_s:.0f} s"
    return ""
