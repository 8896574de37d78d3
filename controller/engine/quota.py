"""What is known of the account's quota, and whether a plan may use it; each term has its own.

The quota is read beside the loop and kept for some minutes. It is not read where no setting keeps addresses for others.
What is used is what EC2's view shows, with our own allocations laid over it. If the quota cannot be read, no Pod waits
for that: it is logged, and shown.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field

from controller.core.ports import Clock, Ec2
from controller.core.quota import AccountQuota
from controller.core.situation import NoOffer
from controller.engine.ec2view import AddressView
from controller.engine.memory import TermMemory
from controller.engine.plain import Plain
from state.errors import PodEipError
from state.model import PodUid

log = logging.getLogger(__name__)

QUOTA_FRESH_S = 300.0
"""Seconds for which a reading is used: a quota changes rarely, after somebody has asked AWS for more."""
AGAIN_S = 60.0
"""The same, where it could not be read or is nearly used up."""
USED_FRESH_S, USED_NEAR_S = 60.0, 5.0
"""How old, in seconds, a look at all addresses may be for an allocation, and where the quota is nearly used up."""
UNSAID = "NoQuota"
_NEVER = float("-inf")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read, when it was asked for."""

    at: float = _NEVER
    allowed: int | None = None
    trouble: str = ""


@dataclass(slots=True)
class Drawn(Plain):
    """The quota as it was read last, and whose plans draw on it."""

    reading: Reading = Reading()
    granted: set[PodUid] = field(default_factory=set)


class QuotaGuard:
    """Used by the loop's thread; `look` by others, one at a time. `kept`: how many addresses; 0: nothing is read."""

    def __init__(
        self, *, ec2: Ec2, view: AddressView, memory: TermMemory, drawn: Drawn, kept: int, clock: Clock
    ) -> None:
        self._ec2, self._view, self._memory, self._kept, self._clock = ec2, view, memory, kept, clock
        self._drawn = drawn

    def look(self) -> None:
        """Read the quota. An error is noted and not raised: the earlier reading is used on."""
        at, before = self._clock(), self._drawn.reading
        try:
            allowed = self._ec2.address_quota()
            trouble, said = ("", "") if allowed is not None else (UNSAID, "EC2 does not say it")
        except PodEipError as error:
            allowed, trouble, said = before.allowed, error.code, error.explain()
        if trouble and trouble != before.trouble:
            log.warning("the quota of addresses cannot be read, so %s: %s", _consequence(allowed), said)
        self._drawn.reading = Reading(at, allowed, trouble)

    @property
    def read_at(self) -> float:
        """When the quota that is known was asked for."""
        return self._drawn.reading.at

    def known_since(self) -> float:
        """The time of the oldest reading of the quota with which an address may be allocated."""
        if not self._kept:
            return _NEVER
        settled = not self._drawn.reading.trouble and not self._now().near
        return self._clock() - (QUOTA_FRESH_S if settled else AGAIN_S)

    def looked_since(self) -> float:
        """The time of the oldest look at all addresses with which one may be allocated."""
        now = self._now()
        if not self._kept or now.allowed is None:
            return _NEVER
        return self._clock() - (USED_NEAR_S if now.near else USED_FRESH_S)

    def no_room(self, uid: PodUid, busy: Collection[PodUid]) -> NoOffer | None:
        """Why this Pod's plan may not use the quota now; None: it may, and counts until its plan has ended.

        A plan whose AllocateAddress was not answered counts until EC2's reads would show the address.
        """
        if not self._kept:
            return None
        self._drawn.granted = {other for other in self._drawn.granted if other in busy or self._in_doubt(other)} - {uid}
        found = self._now().no_room(len(self._drawn.granted))
        if found is None:
            self._drawn.granted.add(uid)
        return found

    def status(self) -> AccountQuota | None:
        """What is known, for the status; None where nothing is kept, or nothing was read yet."""
        return self._now() if self._kept and self._drawn.reading.at > _NEVER else None

    def _now(self) -> AccountQuota:
        known = self._drawn.reading
        return AccountQuota(used=self._view.used, allowed=known.allowed, kept=self._kept, trouble=known.trouble)

    def _in_doubt(self, uid: PodUid) -> bool:
        return uid in self._memory.pods and self._memory.in_doubt(uid, self._view.asked_at)


def _consequence(allowed: int | None) -> str:
    if allowed is None:
        return "auto allocates without regard to --keep-quota until it can"
    return f"it is taken to be {allowed} still"
