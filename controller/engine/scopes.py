"""The check before an install leads: no other install of its cluster may be watching the same namespaces.

It is kept longer than a term, because what it knows of others (how long a counter has stood still, since when a Lease
has not changed) takes longer to learn than one attempt to lead. `core.scopes` decides; here are the reads and writes:

1. Before our epoch is raised: if another install watches our namespaces and may live, we are refused.
2. After it: the directory is read again. If an install was added in between, each of the two may see the other; an
   install that sees another fences itself, and tries again after a pause of random length.
3. A predecessor is fenced by a transaction whose condition is its unchanged counter. Then its claims are moved to us.
   If that is interrupted, the next attempt moves the rest, for the predecessor stays fenced.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Protocol

from controller.core import scopes, transitions
from controller.core.candidacy import MAX_LEASE_DURATION
from controller.core.lease import Lease
from controller.core.ports import Clock, Ledger
from controller.core.scopes import WatchedInstall
from controller.engine.peers import Peers
from state.errors import AccessDenied, ConditionLost, ScopeOverlap
from state.model import Epoch, InstallKey, InstallRecord, PodRecord, PodUid

log = logging.getLogger(__name__)

MOVERS = 32
"""Changes that wait together travel in one transaction, up to 49 claims."""


class InstallLedger(Ledger, Protocol):
    """A ledger, with the operations on whole installs."""

    def neighbours(self) -> Mapping[InstallKey, Mapping[PodUid, PodRecord]]:
        """Claims of other installs of this cluster, as the term began."""
        ...

    def fence_self(self, epoch: Epoch) -> None:
        """End the term of this epoch, and fence our own install."""
        ...

    def deregister(self, fenced: InstallRecord) -> None:
        """Take a fenced install out of the directory."""
        ...


class ScopeGate:
    """One for each process. `lease_of` reads the Lease of another install; `still_s` is how long one is watched."""

    def __init__(
        self,
        *,
        ledger: InstallLedger,
        install: InstallKey,
        scope: str,
        peers: Peers,
        lease_of: Callable[[InstallKey], Lease | None],
        clock: Clock,
        still_s: float = scopes.STILL_S,
    ) -> None:
        self._ledger, self._install, self._scope, self._peers = ledger, install, scope, peers
        self._lease_of, self._clock, self._still_s = lease_of, clock, still_s
        self._leases: dict[InstallKey, tuple[Lease, float]] = {}
        self.trouble = ""

    def look(self) -> None:
        """Read the other installs, without an attempt to lead; a refusal whose cause is gone is forgotten.

        Raises what the ledger raises.
        """
        if not any(scopes.may_live(watched, self._still_s) for watched in self._watched(self._read())):
            self.trouble = ""

    def begin(self, raise_epoch: Callable[[], Epoch]) -> Epoch:
        """Raise our epoch if nobody is in the way, and take over what predecessors left.

        Raises ScopeOverlap, and what the ledger raises; an attempt that failed may be made again at once.
        """
        before = self._admit()
        epoch = raise_epoch()
        for predecessor in self._settle(before, epoch):
            self._inherit(predecessor, epoch)
        self.trouble = ""
        return epoch

    # ── looks ──

    def _read(self) -> Sequence[InstallRecord]:
        installs = self._ledger.installs()
        self._peers.saw(installs)
        return installs

    def _watched(self, installs: Sequence[InstallRecord]) -> list[WatchedInstall]:
        others = scopes.in_the_way(self._install, self._scope, installs)
        self._leases = {r.key: seen for r in others if (seen := self._leases.get(r.key))}
        return [
            WatchedInstall(
                record=r, still_s=self._peers.still_s(r), lease_free=True if r.fenced else self._is_free(r.key)
            )
            for r in others
        ]

    def _is_free(self, key: InstallKey) -> bool | None:
        """Whether nobody holds that Lease: it is not renewed, as we have watched it. None: we may not read it."""
        try:
            lease = self._lease_of(key)
        except AccessDenied:
            return None
        if lease is None or not lease.holder:
            return True
        known = self._leases.get(key)
        if known is None or known[0] != lease:
            self._leases[key] = (lease, self._clock())
            return False
        return self._clock() - known[1] > min(lease.duration_s, MAX_LEASE_DURATION)

    # ── steps of a beginning ──

    def _admit(self) -> dict[InstallKey, InstallRecord]:
        """The predecessors, as they were read; raises ScopeOverlap where an install in the way may live."""
        installs = self._read()
        all_watched = self._watched(installs)
        for watched in all_watched:
            if scopes.may_live(watched, self._still_s):
                self._step_aside(installs, watched.record)
                raise self._refused(watched)
        return {watched.record.key: watched.record for watched in all_watched if not watched.record.fenced}

    def _step_aside(self, installs: Sequence[InstallRecord], other: InstallRecord) -> None:
        """If an interrupted attempt left us in the other's way too, fence_self: both would wait for ever."""
        own = next((record for record in installs if record.key == self._install), None)
        if own is not None and not own.fenced and scopes.overlap(own.scope, other.scope):
            self._withdraw(own.epoch)

    def _settle(self, before: Mapping[InstallKey, InstallRecord], epoch: Epoch) -> list[InstallRecord]:
        """Fence the predecessors; fence ourselves if one of them moved, or if somebody came while our epoch was raised.

        Returns the fenced installs in our scope, also those fenced earlier, which may still have claims.
        """
        found: list[InstallRecord] = []
        for watched in self._watched(self._read()):
            fenced = watched.record if watched.record.fenced else self._fence(before.get(watched.record.key))
            if fenced is None:
                self._withdraw(epoch)
                raise self._refused(watched)
            found.append(fenced)
        return found

    def _fence(self, silent: InstallRecord | None) -> InstallRecord | None:
        """The install after it is fenced; None if it was not read before, or its counter has moved since."""
        if silent is None:
            return None
        try:
            self._ledger.take_over(silent)
        except ConditionLost:
            return None
        log.warning("install %s has stopped: its claims are taken over", silent.key.install)
        return replace(silent, epoch=Epoch(silent.epoch + 1), fenced=True)

    def _withdraw(self, epoch: Epoch) -> None:
        with suppress(ConditionLost):  # a newer epoch stands there: the replica that raised it does this
            self._ledger.fence_self(epoch)

    def _refused(self, watched: WatchedInstall) -> ScopeOverlap:
        error = scopes.refusal(self._scope, watched)
        self.trouble = error.explain()
        return error

    # ── what a predecessor left ──

    def _inherit(self, predecessor: InstallRecord, epoch: Epoch) -> None:
        """Move its claims in our scope to us; once it has none left, it is struck off the directory."""
        left = list(self._ledger.neighbours().get(predecessor.key, {}).values())
        ours = [claim for claim in left if scopes.inherits(self._scope, predecessor, claim)]
        self._ledger.refresh(claim.allocation_id for claim in ours if claim.allocation_id)
        with ThreadPoolExecutor(MOVERS, thread_name_prefix="inherit") as movers:
            list(movers.map(lambda claim: self._move(claim, predecessor.key, epoch), ours))
        if len(ours) < len(left):
            text = "%d claims of the fenced install %s are outside of our scope: they are kept, and served by nobody"
            log.warning(text, len(left) - len(ours), predecessor.key.install)
            return
        with suppress(ConditionLost):
            self._ledger.deregister(predecessor)

    def _move(self, claim: PodRecord, predecessor: InstallKey, epoch: Epoch) -> None:
        side = self._ledger.address(claim.allocation_id) if claim.allocation_id else None
        self._ledger.commit(transitions.inherit(claim, side, predecessor, self._install, epoch))
