"""Replicas of the election with real threads around one fake Lease.

The timings are such that a thread may be kept waiting for many seconds, as on a busy machine, and nobody loses the
Lease for it; a test in which one is to expire takes `BRISK` ones, and then counts on nothing that a pause can change.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.core.candidacy import EndReason, Timings
from controller.core.views import Term
from controller.engine.leader import Elector
from controller.engine.leadership import Leadership
from controller.engine.terms import TermCallbacks
from state.errors import NotLeading
from state.model import Epoch
from tests.fakes.lease import LeaseClient, LeaseServer

TIMINGS = Timings(lease_duration=300.0, renew_deadline=200.0, retry_period=0.1, call_timeout=30.0)
BRISK = Timings(lease_duration=2.0, renew_deadline=1.4, retry_period=0.1, call_timeout=0.3)


def eventually(holds: Callable[[], object], limit_s: float = 30.0) -> None:
    """Poll until it holds; AssertionError after the limit."""
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.002)


@dataclass(slots=True)
class EpochTable:
    """The epoch in DynamoDB. `faults` are raised one for each call; `gate` closed: calls hang."""

    epoch: int = 0
    calls: list[tuple[float, int]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def raise_above(self, lease_epoch: int) -> Epoch:
        """The greater of both, plus one."""
        self.calls.append((time.monotonic(), lease_epoch))
        assert self.gate.wait(30)
        if self.faults:
            raise self.faults.pop(0)
        self.epoch = max(self.epoch, lease_epoch) + 1
        return Epoch(self.epoch)


class Replica:
    """One replica. `woken` None: its loop wakes all the time; else: it last woke then."""

    def __init__(self, name: str, server: LeaseServer, table: EpochTable, timings: Timings) -> None:
        self.client = LeaseClient(server=server)
        self.table = table
        self.woken: float | None = None
        self.told: list[Term | EndReason] = []
        self.start_fault: Exception | None = None
        self.leadership = Leadership(time.monotonic, timings.call_timeout)
        callbacks = TermCallbacks(
            begin_term=lambda epoch: self.table.raise_above(epoch), on_started=self._started, on_stopped=self._stopped
        )
        self.elector = Elector(
            store=self.client,
            identity=name,
            timings=timings,
            clock=time.monotonic,
            leadership=self.leadership,
            callbacks=callbacks,
            progress=lambda: time.monotonic() if self.woken is None else self.woken,
        )

    def may_act(self) -> bool:
        """Whether a mutation could start now."""
        try:
            self.leadership.check()
        except NotLeading:
            return False
        return True

    def stopped_for(self, reason: EndReason) -> bool:
        """Whether a term was ended for this reason."""
        return reason in self.told

    def _started(self, term: Term) -> None:
        fault, self.start_fault = self.start_fault, None
        if fault:
            raise fault
        self.told.append(term)

    def _stopped(self, reason: EndReason) -> None:
        self.told.append(reason)


def renewed(leader: Replica) -> bool:
    """Wait for a renewal from now on."""
    first = leader.leadership.deadline
    eventually(lambda: leader.leadership.deadline > first)
    return True


@dataclass(slots=True)
class Cluster:
    """One Lease, one table, and the replicas that were started; the first one leads."""

    server: LeaseServer = field(default_factory=LeaseServer)
    table: EpochTable = field(default_factory=EpochTable)
    replicas: list[Replica] = field(default_factory=list)
    timings: Timings = TIMINGS

    def add(self, *, table: EpochTable | None = None) -> Replica:
        """A replica that is not started yet."""
        replica = Replica(f"r{len(self.replicas)}", self.server, table or self.table, self.timings)
        self.replicas.append(replica)
        return replica

    def start(self, count: int = 1) -> list[Replica]:
        """So many more; the first one of all leads before the next is started."""
        return [self._started(self.add()) for _ in range(count)]

    def _started(self, replica: Replica) -> Replica:
        replica.elector.start()
        eventually(lambda: any(r.may_act() for r in self.replicas) and replica.elector.holder())
        return replica


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A cluster whose threads have ended afterwards."""
    it = Cluster()
    it.table.gate.set()
    yield it
    for replica in it.replicas:
        replica.table.gate.set()
        replica.elector.stop()
        replica.client.close()
    eventually(lambda: not any(replica.elector.running for replica in it.replicas))
