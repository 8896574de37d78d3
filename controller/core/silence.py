"""How long each part of a replica has waited for somebody else, and when that is too long to be called ready.

Each of these passes by itself, and is tried again meanwhile. So a bound is twice what even a silent API server, or a
DynamoDB that is away, can bring about: beyond it something hangs, and whoever operates this should know.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds. Of Pods nothing has been heard; the oldest change is on its way to the ledger; a term is half begun.

    0: it does not wait. `credentials_expire_s`: until those expire that are used; None: they do not, or there are none.
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
    """What hangs, in words; empty: nothing does."""
    if waits.watch_silent_s > bounds.watch_silent_s:
        return f"nothing was heard of Pods for {waits.watch_silent_s:.0f} s"
    if waits.writer_waiting_s > bounds.writer_waiting_s:
        return f"a change waits for the ledger's writer for {waits.writer_waiting_s:.0f} s"
    if waits.term_beginning_s > bounds.term_beginning_s:
        return f"the epoch has been being raised for {waits.term_beginning_s:.0f} s"
    return ""
