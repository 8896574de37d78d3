"""Takes down all that one dead install held, by being its last leader: the epoch first, then the usual loop.

The loop is the product's own, before doors that show a cluster without a Pod; so what is cut, released or left alone
follows the same rules as ever, and an interruption leaves what the next attempt goes on with.
"""

import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from controller.core.ports import Clock, Ec2, Term
from controller.core.situation import Facts
from controller.core.tenancy import Rules
from controller.core.tokens import Tokens
from controller.core.tracing import NoTracing
from controller.engine.absent import NoEvents, NoPods
from controller.engine.engine import Engine
from controller.engine.leadership import Leadership
from controller.engine.reconcile import Reconciler
from controller.engine.tuning import OwnLedger, Ports, Tuning
from state.errors import ConditionLost, Fenced
from state.model import AllocationId, Epoch, InstallRecord

LOOK_S = 0.2
FOREVER = float("inf")


class LastLedger(OwnLedger, Protocol):
    """The ledger of the dead install."""

    def begin_term(self, identity: str = "", lease_epoch: int = 0) -> Epoch:
        """Raise its epoch."""
        ...

    def withdraw(self, epoch: Epoch) -> None:
        """End the term, and leave the install fenced."""
        ...

    def strike(self, fenced: InstallRecord) -> None:
        """Take it out of the directory."""
        ...

    def close(self) -> None:
        """End the writer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds, but for `threads`: EC2's consistency time, how often EC2 is looked at, and how long nothing may change
    before it is given up."""

    consistency_s: float
    compare_s: float
    stalled_s: float
    threads: int = 16


class Undoing:
    """One install. `agreed`: of what its cluster allocated and nobody recorded, this goes too."""

    def __init__(
        self,
        *,
        record: InstallRecord,
        ledger: LastLedger,
        ec2: Ec2,
        tokens: Tokens,
        leadership: Leadership,
        home_border_group: str,
        pace: Pace,
        clock: Clock,
        agreed: Collection[AllocationId] = frozenset(),
    ) -> None:
        self._record, self._ledger, self._ec2, self._leadership = record, ledger, ec2, leadership
        self._tokens = tokens
        self._pace, self._clock = pace, clock
        self._agreed = agreed
        self._facts = Facts(
            cluster_uid=record.key.cluster_uid,
            cluster_name=record.cluster_name,
            install=record.key.install,
            home_border_group=home_border_group,
        )

    def run(self) -> bool:
        """Whether no claim is left. Raises what the ledger raises, and Fenced if the install comes back to life."""
        epoch = self._ledger.begin_term("release-cluster")
        self._leadership.open(Term(identity="release-cluster", epoch=epoch, since=""), FOREVER)
        loop = self._engine().loop
        loop.start()
        try:
            self._wait(loop, epoch)
        finally:
            loop.in_flight_idle(self._pace.stalled_s)
            loop.stop()
            self._leadership.end()
            empty = not self._ledger.pods()
            self._leave(epoch, empty=empty)
        return empty

    def _wait(self, loop: Reconciler, epoch: Epoch) -> None:
        """Until all is done, or nothing has changed for long."""
        seen, since, looks = len(self._ledger.pods()) + 1, self._clock(), set[float]()
        while self._clock() - since < self._pace.stalled_s:
            left = len(self._ledger.pods())
            if left != seen:
                seen, since, looks = left, self._clock(), set()
            if self._leadership.term is None:
                raise Fenced(f"epoch {epoch} has passed: the install {self._record.key.install} lives, and leads again")
            if not left and self._is_done(loop, since, looks):
                return
            time.sleep(LOOK_S)

    def _is_done(self, loop: Reconciler, since: float, looks: set[float]) -> bool:
        """Whether EC2 was looked at twice since the last claim went: what came of the first look is known then."""
        looked = loop.state.view.asked_at if loop.state else since
        looks.update({looked} if looked > since else ())
        return len(looks) > 1 and loop.queued == 0 and loop.in_flight_idle(0.0) and loop.aside_idle(0.0)

    def _leave(self, epoch: Epoch, *, empty: bool) -> None:
        with suppress(ConditionLost):
            self._ledger.withdraw(epoch)
            if empty:
                self._ledger.strike(replace(self._record, epoch=Epoch(epoch + 1), fenced=True))
        self._ledger.close()

    def _engine(self) -> Engine:
        ports = Ports(
            pods=NoPods(),
            ledger=self._ledger,
            ec2=self._ec2,
            tokens=self._tokens,
            events=NoEvents(),
            tracing=NoTracing(),
            leadership=self._leadership,
            rules=Rules,
            clock=self._clock,
        )
        tuning = Tuning(
            facts=self._facts,
            threads=self._pace.threads,
            consistency_s=self._pace.consistency_s,
            poll_interval_s=self._pace.compare_s,
            resync_s=self._pace.compare_s,
            silence_s=FOREVER,
            remembered_s=0.0,  # nobody will look for what comes later than the last comparison
            agreed=self._agreed,
        )
        return Engine(ports, tuning)
