"""Which Pods wait for something that can be noticed: one term's, written and read by what follows from its plans."""

from dataclasses import dataclass, field
from typing import assert_never

from controller.core.requeue_rules import WokenBy
from controller.engine.plain import Plain
from state.model import PodUid

ANY = ""
"""In the place of a namespace: whoever gives an address up makes room."""


@dataclass(slots=True, kw_only=True)
class Waiters(Plain):
    """Who waits, by what for.

    pool: for a free address. release: for a look at EC2 before a release. target: for another to leave it.
    breaker: for the one that asks EC2 for all. short: for room in the account's quota.
    refused: for another policy. crowded: for room, in a namespace or anywhere.
    freed: the namespaces in which room was made. release_due: when those who release look by themselves.
    """

    pool: set[PodUid] = field(default_factory=set)
    release: set[PodUid] = field(default_factory=set)
    target: set[PodUid] = field(default_factory=set)
    breaker: set[PodUid] = field(default_factory=set)
    short: set[PodUid] = field(default_factory=set)
    refused: set[PodUid] = field(default_factory=set)
    crowded: dict[PodUid, str] = field(default_factory=dict)
    freed: set[str] = field(default_factory=set)
    release_due: float = 0.0

    def enter(self, uid: PodUid, by: WokenBy, namespace: str) -> None:
        """The Pod, of this namespace, is to be woken by this."""
        match by:
            case WokenBy.POOL:
                self.pool.add(uid)
            case WokenBy.RELEASE:
                self.release.add(uid)
            case WokenBy.TARGET:
                self.target.add(uid)
            case WokenBy.BREAKER:
                self.breaker.add(uid)
            case WokenBy.QUOTA:
                self.short.add(uid)
            case WokenBy.POLICY:
                self.refused.add(uid)
            case WokenBy.NAMESPACE:
                self.crowded[uid] = namespace
            case WokenBy.INSTALL:
                self.crowded[uid] = ANY
            case WokenBy.NEWS | WokenBy.TOKEN:
                pass  # the watch wakes whom it concerns, and so does the queue of calls
            case _:
                assert_never(by)

    def leave(self, uid: PodUid) -> None:
        """The Pod waits for none of it now."""
        for noted in (self.pool, self.release, self.target, self.breaker, self.short, self.refused):
            noted.discard(uid)
        self.crowded.pop(uid, None)
