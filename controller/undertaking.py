"""Does what `release-cluster` promises: looks at a cluster that may be dead, and takes down what it held.

A person's word that a cluster is dead is not believed while its heartbeat moves. It is imported by the command alone,
for it loads boto3 and PynamoDB.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from controller.assembly import CLOCK
from controller.aws.adapter import Ec2Adapter
from controller.core import release
from controller.core.config import Config
from controller.core.release import Line
from controller.engine.housekeeping import HEARTBEAT_S
from controller.engine.leadership import Leadership
from controller.engine.undoing import Pace, Undoing
from controller.surface.program import version
from state.errors import Refused
from state.ledger import DynamoLedger
from state.model import AllocationId, InstallRecord
from state.reader import Reader
from state.table import Table, open_table

WATCH_S = HEARTBEAT_S + 10.0
"""A leader that lives writes each 30 s, and tries again after 5 s where that failed."""
LOOK_S = 1.0
COMPARE_S = 5.0
STALLED_S = 60.0
"""Beyond the consistency time: how long nothing may change before what is left is told."""
NO_VPC = "vpc-00000000"
"""Nothing is asked of interfaces but whether one still exists, and the VPC of a lost cluster is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadCluster:
    """Implements `surface.release.Undertaking` on one table and Region; a heartbeat is waited for `watch_s` seconds."""

    config: Config
    region: str
    watch_s: float = WATCH_S

    def choose(self, cluster: str, lease: str | None) -> Sequence[InstallRecord]:
        """The installs of the one cluster that is meant."""
        return release.choose(self._installs(), cluster, lease)

    def outlook(self, installs: Sequence[InstallRecord]) -> Sequence[Line]:
        """What would become of each address."""
        addresses = self._ec2(Leadership(CLOCK, self.config.call_timeout)).describe_addresses()
        lines: list[Line] = []
        for record in installs:
            reading = Reader(self._table(), record.key).claims()
            lines += release.outlook(reading.pods.values(), reading.addresses, addresses)
        if self._is_whole(installs):
            lines += release.unrecorded(installs[0].key.cluster_uid, addresses, {line.allocation_id for line in lines})
        return lines

    def watch(self, installs: Sequence[InstallRecord]) -> None:
        """Look until a leader that lives would have written. Raises Refused where one does."""
        until = CLOCK() + self.watch_s
        while CLOCK() < until:
            self._check_still(installs)
            time.sleep(LOOK_S)

    def release(self, installs: Sequence[InstallRecord], shown: Sequence[Line]) -> Sequence[str]:
        """Fence each and take its claims down; what is left of them."""
        self._check_still(installs)
        agreed = release.agreed(shown) if self._is_whole(installs) else frozenset[AllocationId]()
        for record in installs:
            self._undo(record, agreed)
        return [
            f"{line.public_ip} {line.allocation_id} {line.holder}: {line.outlook}" for line in self.outlook(installs)
        ]

    def _undo(self, record: InstallRecord, agreed: Collection[AllocationId]) -> None:
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
        pace = Pace(
            consistency_s=config.consistency_time, compare_s=COMPARE_S, stalled_s=config.consistency_time + STALLED_S
        )
        ec2 = self._ec2(leadership)
        Undoing(
            record=record,
            ledger=ledger,
            ec2=ec2,
            tokens=ec2.tokens,
            leadership=leadership,
            home_border_group=self.region,
            pace=pace,
            clock=CLOCK,
            agreed=agreed,
        ).run()

    def _check_still(self, installs: Sequence[InstallRecord]) -> None:
        now = {record.key: record for record in self._installs()}
        for record in installs:
            seen = now.get(record.key)
            if seen is not None and (seen.heartbeat, seen.epoch) != (record.heartbeat, record.epoch):
                raise Refused(
                    f"install {record.key} beats: its heartbeat moved from {record.heartbeat} to {seen.heartbeat}",
                    code="InstallLives",
                    advice="Stop it first, with `helm uninstall` or by scaling it to 0; nothing was changed",
                )

    def _is_whole(self, installs: Sequence[InstallRecord]) -> bool:
        """Whether no other install of the cluster may still write: then what nobody recorded is nobody's."""
        meant, uid = {record.key for record in installs}, installs[0].key.cluster_uid
        others = [r for r in self._installs() if r.key.cluster_uid == uid and r.key not in meant]
        return all(record.fenced for record in others)

    def _installs(self) -> Sequence[InstallRecord]:
        return Reader(self._table(), release.NOBODY).installs().installs

    def _table(self) -> Table:
        return open_table(self.config.table, region=self.region, call_timeout=self.config.call_timeout)

    def _ec2(self, leadership: Leadership) -> Ec2Adapter:
        return Ec2Adapter(
            region=self.region,
            vpc_id=NO_VPC,
            guard=leadership,
            call_timeout_s=self.config.call_timeout,
            version=version(),
        )
