"""Which installs of one cluster watch the same namespaces, and which of them has stopped for good.

Two installs that watch the same namespaces would overwrite each other's labels, so the later one does not lead while
the other may live. An install whose counter stands still and whose Lease nobody holds is a predecessor, for example a
chart that was moved to another namespace. It is fenced, and its successor gets its claims.

Clocks of two machines are never compared: how long a counter has stood still is measured by this process. An install
that is known to be fenced keeps nobody from leading, whatever its Lease says. So two installs that were both refused do
not wait for each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from state.errors import ScopeOverlap
from state.model import ClusterUid, InstallKey, InstallRecord, PodRecord

STILL_S = 65.0
"""Seconds: two heartbeats of 30 s and some more. A leader that lives has moved its counter by then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedInstall:
    """Another install as we have watched it. `lease_free`: absent, released or expired; None: we may not read it."""

    record: InstallRecord
    still_s: float
    lease_free: bool | None


def overlap(one: str, other: str) -> bool:
    """Whether two watch scopes have a namespace in common; an empty one is all namespaces."""
    return not one or not other or one == other


def in_the_way(own: InstallKey, scope: str, installs: Iterable[InstallRecord]) -> list[InstallRecord]:
    """The other installs of our cluster that watch namespaces of `scope`, the fenced ones too, in a fixed order."""
    found = [
        record
        for record in installs
        if record.key != own and record.key.cluster_uid == own.cluster_uid and overlap(scope, record.scope)
    ]
    return sorted(found, key=lambda record: str(record.key))


def may_live(watched: WatchedInstall, limit_s: float) -> bool:
    """Whether somebody may still lead that install. Where its Lease cannot be read the counter alone decides."""
    if watched.record.fenced:
        return False
    return watched.still_s < limit_s or watched.lease_free is False


def refusal(scope: str, watched: WatchedInstall) -> ScopeOverlap:
    """Why we do not lead, for the person who has to decide between the installs."""
    record = watched.record
    ours, theirs = _named(scope), _named(record.scope)
    lease = {True: "nobody holds its Lease", False: "its Lease is held", None: "its Lease may not be read"}
    return ScopeOverlap(
        f"install {record.key.install} of this cluster watches {theirs}, this one {ours}; it may still be led by "
        f"{record.leader!r} (its heartbeat has stood still for {watched.still_s:.0f} s, {lease[watched.lease_free]})"
    )


def inherits(scope: str, predecessor: InstallRecord, claim: PodRecord) -> bool:
    """Whether we take over this claim of a predecessor. Without a namespace: only if our scope covers all of its."""
    if not claim.namespace:
        return scope in ("", predecessor.scope)
    return scope in ("", claim.namespace)


def namesakes(own: ClusterUid, name: str, alive: Iterable[InstallRecord]) -> set[ClusterUid]:
    """The other clusters that were given our cluster's name."""
    return {r.key.cluster_uid for r in alive if r.cluster_name == name and r.key.cluster_uid != own}


def _named(scope: str) -> str:
    return f"namespace {scope!r}" if scope else "all namespaces"
