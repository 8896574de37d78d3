"""Does what `release-orphans` promises: finds the addresses that their tags alone call ours, and releases them.

It needs neither a Lease nor an epoch, and may run beside a controller that lives. It writes nothing into the table, so
it breaks no claim. And a claim hardly comes in its way: an address that is tagged `auto` is in no pool, so no
controller offers it to a Pod of any cluster; its own cluster takes it only for a Pod whose intent stands or is
remembered, and then it is not shown (just after the table was restored, also for the very Pod that its tags name).
Each address is looked at again, in EC2 and in the table, right before its release. What changes in the moment between
is what can change for the controller's own releases too: outside of a default VPC EC2 refuses to release an address
that was associated meanwhile, in a default VPC it is cut off; a Pod that claims one which is gone takes another. Two
people at once do no harm, for an allocation id never comes back.

It is imported by the command alone, for it loads boto3 and PynamoDB.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from controller.aws.adapter import Ec2Adapter
from controller.clock import CLOCK
from controller.core import contract, release
from controller.core.config import Config
from controller.core.ports import Ec2
from controller.core.unknown import Known, candidates, unknown
from controller.core.views import Address, Term
from controller.engine.leadership import Leadership
from controller.release_cluster import NO_VPC
from controller.surface.program import version
from state.errors import AddressNotFound, PodEipError
from state.model import AllocationId, ClusterUid, Epoch, InstallKey, InstallRecord, PodRecord, PodUid
from state.reader import Reader, Reading
from state.table import open_table


class Book(Protocol):
    """What is read of the table, strongly. Raises AccessDenied, TableMissing, Throttled or Unavailable."""

    def installs(self) -> Sequence[InstallRecord]:
        """Every install of the table."""
        ...

    def known(self, clusters: Collection[ClusterUid], own: ClusterUid, asked: Collection[AllocationId]) -> Known:
        """These addresses' sides, and the Pods' sides of these clusters, of which `own` is the one that is meant."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTagged:
    """Implements `surface.orphans.Unknowns`. `ec2` sends what it is told, without a leader's deadline."""

    ec2: Ec2
    book: Book

    def find(self, cluster: str) -> Sequence[Address]:
        """The unknown addresses of the one cluster that is meant. Raises Misconfigured where that is not one."""
        installs = self.book.installs()
        [uid, *_] = [record.key.cluster_uid for record in release.choose(installs, cluster, None)]
        return self._unknown(self.ec2.describe_addresses(), uid, {record.key.cluster_uid for record in installs})

    def release(self, shown: Address) -> str:
        """Release it, if both EC2 and the table still say what they said; empty if it is gone, else why it is left."""
        uid = ClusterUid(shown.tags[contract.TAG_CLUSTER_UID])
        try:
            now = [a for a in self.ec2.describe_addresses() if a.allocation_id == shown.allocation_id]
            if now and self._unknown(now, uid, {uid}) != [shown]:
                return "it is not as it was shown any more"
            if now:
                self.ec2.release(shown.allocation_id, shown.border_group)
        except AddressNotFound:
            return ""
        except PodEipError as error:
            return error.explain()
        return ""

    def _unknown(
        self, addresses: Sequence[Address], uid: ClusterUid, clusters: Collection[ClusterUid]
    ) -> list[Address]:
        """The table is read after EC2 was: what was claimed in between is known then."""
        return unknown(uid, addresses, self.book.known(clusters, uid, candidates(uid, addresses)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBook:
    """Implements `Book` on one table and Region."""

    config: Config
    region: str

    def installs(self) -> Sequence[InstallRecord]:
        """Every install of the directory."""
        return self._reader(ClusterUid("")).installs().installs

    def known(self, clusters: Collection[ClusterUid], own: ClusterUid, asked: Collection[AllocationId]) -> Known:
        """One Query for each cluster, and a BatchGetItem for each 100 addresses."""
        pods = {uid: self._reader(uid).pods() for uid in {own, *clusters}}
        sides = self._reader(own).addresses(asked)
        held = [record for reading in pods.values() for record in _claims(reading).values()]
        return Known(
            sides=sides.addresses,
            own=_claims(pods[own]),
            claimed={record.allocation_id for record in held if record.allocation_id},
            unreadable={*sides.unreadable, *pods[own].unreadable},
        )

    def _reader(self, cluster_uid: ClusterUid) -> Reader:
        table = open_table(self.config.table, region=self.region, call_timeout=self.config.call_timeout)
        return Reader(table, InstallKey(cluster_uid=cluster_uid, lease_namespace="", lease_name=""))


def _claims(reading: Reading) -> dict[PodUid, PodRecord]:
    """The Pods' sides of all installs of a cluster."""
    return {uid: pod for pods in (reading.pods, *reading.neighbours.values()) for uid, pod in pods.items()}


def own_tagged(config: Config, region: str) -> OwnTagged:
    """The world of these settings; nothing is sent yet."""
    guard = Leadership(CLOCK, config.call_timeout)
    guard.open(Term(identity="release-orphans", epoch=Epoch(0), since=""), float("inf"))
    ec2 = Ec2Adapter(region=region, vpc_id=NO_VPC, guard=guard, call_timeout_s=config.call_timeout, version=version())
    return OwnTagged(ec2=ec2, book=TableBook(config=config, region=region))
