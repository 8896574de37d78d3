"""Does what `release-cluster` promises: looks at a cluster that may be dead, and takes down what it held.

A person's word that a cluster is dead is not believed while its heartbeat moves. Who releases it is the last leader of
each of its installs: the epoch first, then the controller's own engine before doors that show a cluster without a Pod.
So what is cut, released or left alone follows the same rules as ever: there is one teardown, not two. What was
interrupted goes on with the next attempt.

It is imported by commands alone, for it loads boto3 and PynamoDB.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from controller.aws.adapter import Ec2Adapter
from controller.clock import CLOCK
from controller.core import release
from controller.core.config import Config
from controller.core.ports import Clock, Ec2
from controller.core.release import Line
from controller.core.situation import Facts
from controller.core.tenancy import Rules
from controller.core.tokens import Tokens
from controller.core.tracing import NoTracing
from controller.core.views import PodEvent, PodView, Term
from controller.engine.engine import Engine
from controller.engine.housekeeping import HEARTBEAT_S
from controller.engine.leadership import Leadership
from controller.engine.reconcile import Reconciler
from controller.engine.tuning import OwnLedger, Ports, Tuning
from controller.surface.program import version
from state.errors import ConditionLost, Fenced
from state.ledger import DynamoLedger
from state.model import AllocationId, Epoch, InstallRecord, PodUid
from state.reader import Reader
from state.table import Table, open_table

WATCH_S = HEARTBEAT_S + 10.0
"""A leader that lives writes each 30 s, and tries again after 5 s where that failed."""
WATCH_PAUSE_S = 1.0
WAIT_PAUSE_S = 0.2
STALLED_S = 60.0
"""Beyond the consistency time: how long nothing may change before what is left is told."""
FOREVER = float("inf")
NO_VPC = "vpc-00000000"
"""Nothing is asked of interfaces but whether one still exists, and the VPC of a lost cluster is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadCluster:
    """A `surface.release.ClusterRelease` on one table and Region; a heartbeat is waited for `watch_s` seconds."""

    config: Config
    region: str
    watch_s: float = WATCH_S

    def choose(self, cluster: str, lease: str | None) -> Sequence[InstallRecord]:
        """The installs of the one cluster that is meant."""
        return release.choose(self._installs(), cluster, lease)

    def preview(self, installs: Sequence[InstallRecord]) -> Sequence[Line]:
        """What would become of each address."""
        addresses = self._ec2(Leadership(CLOCK, self.config.call_timeout)).describe_addresses()
        lines: list[Line] = []
        for record in installs:
            reading = Reader(self._table(), record.key).claims()
            lines += release.preview(reading.pods.values(), reading.addresses, addresses)
        if release.is_whole(installs, self._installs()):
            lines += release.unrecorded(installs[0].key.cluster_uid, addresses, {line.allocation_id for line in lines})
        return lines

    def watch(self, installs: Sequence[InstallRecord]) -> None:
        """Look until a leader that lives would have written. Raises Refused where one does."""
        until = CLOCK() + self.watch_s
        while CLOCK() < until:
            release.check_still(installs, self._installs())
            time.sleep(WATCH_PAUSE_S)

    def release(self, installs: Sequence[InstallRecord], shown: Sequence[Line]) -> Sequence[str]:
        """Fence each and take its claims down; what is left of them."""
        release.check_still(installs, self._installs())
        agreed = release.agreed(shown) if release.is_whole(installs, self._installs()) else frozenset[AllocationId]()
        for record in installs:
            self._releaser(record, agreed).run()
        return [
            f"{line.public_ip} {line.allocation_id} {line.holder}: {line.preview}" for line in self.preview(installs)
        ]

    def _releaser(self, record: InstallRecord, agreed: Collection[AllocationId]) -> "Releaser":
        leadership, config = Leadership(CLOCK, self.config.call_timeout), self.config
        ledger = DynamoLedger(
            self._table(),
            record.key,
            cluster_name=record.cluster_name,
            scope=record.scope,
            version=version(),
            silence_s=record.silence_s,
            call_timeout=config.call_timeout,
            on_fenced=leadership.end,
        )
        ec2 = self._ec2(leadership)
        return Releaser(
            record=record,
            ledger=ledger,
            ec2=ec2,
            tokens=ec2.tokens,
            leadership=leadership,
            home_border_group=self.region,
            consistency_s=config.consistency_time,
            stalled_s=config.consistency_time + STALLED_S,
            agreed=agreed,
        )

    def _installs(self) -> Sequence[InstallRecord]:
        return Reader(self._table(), release.NOBODY).installs().installs

    def _table(self) -> Table:
        return open_table(self.config.table, region=self.region, call_timeout=self.config.call_timeout)

    def _ec2(self, guard: Leadership) -> Ec2Adapter:
        timeout_s = self.config.call_timeout
        return Ec2Adapter(region=self.region, vpc_id=NO_VPC, guard=guard, call_timeout_s=timeout_s, version=version())


class DeadInstallLedger(OwnLedger, Protocol):
    """The ledger of the dead install."""

    def begin_term(self, identity: str = "", lease_epoch: int = 0) -> Epoch:
        """Raise its epoch."""
        ...

    def fence_self(self, epoch: Epoch) -> None:
        """End the term, and leave the install fenced."""
        ...

    def deregister(self, fenced: InstallRecord) -> None:
        """Take it out of the directory."""
        ...

    def close(self) -> None:
        """End the writer."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Releaser:
    """Takes down all that one install held. Times are seconds.

    consistency_s: EC2's. compare_s: how often EC2 is looked at. stalled_s: how long nothing may change before it is
    given up. agreed: of what its cluster allocated and nobody recorded, this goes too.
    """

    record: InstallRecord
    ledger: DeadInstallLedger
    ec2: Ec2
    tokens: Tokens
    leadership: Leadership
    home_border_group: str
    consistency_s: float
    stalled_s: float
    compare_s: float = 5.0
    threads: int = 16
    clock: Clock = CLOCK
    agreed: Collection[AllocationId] = frozenset()

    def run(self) -> bool:
        """Whether no claim is left. Raises what the ledger raises, and Fenced if the install comes back to life."""
        epoch = self.ledger.begin_term("release-cluster")
        self.leadership.open(Term(identity="release-cluster", epoch=epoch, since=""), FOREVER)
        loop = self._engine().loop
        loop.start()
        try:
            self._wait(loop, epoch)
        finally:
            loop.in_flight_idle(self.stalled_s)
            loop.stop()
            self.leadership.end()
            empty = not self.ledger.pods()
            self._leave(epoch, empty=empty)
        return empty

    def _engine(self) -> Engine:
        ports = Ports(
            pods=NoPods(),
            ledger=self.ledger,
            ec2=self.ec2,
            tokens=self.tokens,
            events=NoEvents(),
            tracing=NoTracing(),
            leadership=self.leadership,
            rules=Rules,
            clock=self.clock,
        )
        tuning = Tuning(
            facts=self._facts(),
            threads=self.threads,
            consistency_s=self.consistency_s,
            poll_interval_s=self.compare_s,
            resync_s=self.compare_s,
            silence_s=FOREVER,
            remembered_s=0.0,  # nobody will look for what comes later than the last comparison
            agreed=self.agreed,
        )
        return Engine(ports, tuning)

    def _facts(self) -> Facts:
        return Facts(
            install=self.record.key,
            cluster_name=self.record.cluster_name,
            home_border_group=self.home_border_group,
        )

    def _wait(self, loop: Reconciler, epoch: Epoch) -> None:
        """Until all is done, or nothing has changed for long."""
        seen, since, looks = len(self.ledger.pods()) + 1, self.clock(), set[float]()
        while self.clock() - since < self.stalled_s:
            left = len(self.ledger.pods())
            if left != seen:
                seen, since, looks = left, self.clock(), set()
            if self.leadership.term is None:
                raise Fenced(f"epoch {epoch} has passed: the install {self.record.key.install} lives, and leads again")
            if not left and self._is_done(loop, since, looks):
                return
            time.sleep(WAIT_PAUSE_S)

    def _is_done(self, loop: Reconciler, since: float, looks: set[float]) -> bool:
        """Whether EC2 was looked at twice since the last claim went: what came of the first look is known then."""
        looked = loop.opened.parts.view.asked_at if loop.opened else since
        looks.update({looked} if looked > since else ())
        return len(looks) > 1 and loop.queued == 0 and loop.in_flight_idle(0.0) and loop.background_idle(0.0)

    def _leave(self, epoch: Epoch, *, empty: bool) -> None:
        with suppress(ConditionLost):
            self.ledger.fence_self(epoch)
            if empty:
                self.ledger.deregister(replace(self.record, epoch=Epoch(epoch + 1), fenced=True))
        self.ledger.close()


class NoPods:
    """Implements `Pods`: every Pod is gone. A person said so; the API of that cluster is never asked."""

    synced = True

    def get(self, uid: PodUid) -> None:
        """No Pod."""

    def annotated(self) -> Sequence[PodView]:
        """No Pod."""
        return ()

    def at_ip(self, ip: str) -> Sequence[PodView]:
        """No Pod."""
        return ()

    def ip_version(self, uid: PodUid) -> int:
        """No Pod has an IP."""
        return 0

    def in_scope(self, namespace: str) -> bool:
        """All that the install held, wherever it was."""
        return True

    def seen_deleted(self, uid: PodUid) -> bool:
        """Every Pod is."""
        return True

    def fetch(self, namespace: str, name: str) -> None:
        """No Pod."""

    def patch_labels(self, pod: PodView, labels: Mapping[str, str | None]) -> PodView:
        """There is none to be patched."""
        return pod

    def patch_condition(self, pod: PodView, *, status: bool, reason: str, message: str) -> PodView:
        """There is none to be patched."""
        return pod

    def assume(self, pod: PodView) -> None:
        """There is none to be taken for anything."""

    def instance_of(self, node: str, since: float) -> tuple[bool, None]:
        """No Node."""
        return True, None

    def read_instance(self, node: str) -> None:
        """No Node."""

    def own_instances(self) -> frozenset[str]:
        """No Node."""
        return frozenset()


class NoEvents:
    """Implements `Events`: there is nobody to hear one."""

    def emit(self, pod: PodView, event: PodEvent) -> None:
        """Tell nobody."""
