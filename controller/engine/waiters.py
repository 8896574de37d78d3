"""Which Pods wait for something that can be noticed: one term's, written and read by what follows from its plans."""

from dataclasses import dataclass, field

from controller.engine.plain import Plain
from state.model import PodUid


@dataclass(slots=True, kw_only=True)
class Waiters(Plain):
    """Who waits, by what for.

    pool: for a free address. release: for a look at EC2 before a release. target: for another to leave it.
    braked: for the one that asks EC2 for all. short: for room in the account's quota.
    refused: for another policy. crowded: for room, in a namespace or anywhere.
    freed: the namespaces in which room was made. release_due: when those who release look by themselves.
    """

    pool: set[PodUid] = field(default_factory=set)
    release: set[PodUid] = field(default_factory=set)
    target: set[PodUid] = field(default_factory=set)
    braked: set[PodUid] = field(default_factory=set)
    short: set[PodUid] = field(default_factory=set)
    refused: set[PodUid] = field(default_factory=set)
    crowded: dict[PodUid, str] = field(default_factory=dict)
    freed: set[str] = field(default_factory=set)
    release_due: float = 0.0

    def leave(self, uid: PodUid) -> None:
        """The Pod waits for none of it now."""
        for noted in (self.pool, self.release, self.target, self.braked, self.short, self.refused):
            noted.discard(uid)
        self.crowded.pop(uid, None)
