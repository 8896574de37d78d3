"""Whether this install still shows the others that it lives: asked before anything new is taken.

An install whose heartbeat stands still for T may lose its claims to others. One that cannot reach DynamoDB therefore
stops taking addresses long before: a quarter of T after the last write that was accepted.
"""

from controller.core.ports import Heartbeat
from state.errors import LedgerSilent

_SHARE_OF_T = 0.25


class LedgerFreshness:
    """Watches the ledger's last accepted write; `silence_s` is T, in seconds."""

    def __init__(self, heartbeats: Heartbeat, silence_s: float) -> None:
        self._heartbeats, self._limit_s = heartbeats, silence_s * _SHARE_OF_T

    def check(self) -> None:
        """Raise LedgerSilent if no write was accepted for a quarter of T."""
        silent_s = self._heartbeats.seconds_since_write()
        if silent_s > self._limit_s:
            raise LedgerSilent(f"DynamoDB has accepted nothing for {silent_s:.0f} s")
