"""What a mutation needs besides the world, given to it so that it stays a pure function.

Time and fresh names come from outside; so does the choice between the behaviours that AWS's own texts disagree on.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.ec2.settings import Ec2Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings, the monotonic now, and the sources of ids (by kind) and of public IPs."""

    settings: Ec2Settings
    now: float
    new_id: Callable[[str], str]
    new_ip: Callable[[], str]

    def is_visible(self, created: float) -> bool:
        """Whether mutations know an id of that age already: writes too are eventually consistent."""
        return created + self.settings.new_id_lag_s <= self.now
