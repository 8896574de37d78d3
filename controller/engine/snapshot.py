"""What one replica knows, as the status document: made from caches alone, so that asking for it costs no call.

A standby shows the same Pods as the leader, from its own informer and from the ledger as it last read it. What only the
leader learns (why a Pod waits, what EC2 refused, which addresses there are) is None on a standby.
"""

from collections.abc import Callable, Mapping

from controller.core.hangs import Waits
from controller.core.ports import Clock, Ledger, Pods
from controller.core.remembered import is_remembered
from controller.core.status import AnsweredBy, LeaderStatus, PoolStatus, ReplicaStatus, Status
from controller.engine.kept_rows import KeptRows
from controller.engine.opening import OpenTerm
from controller.engine.peers import Peers
from controller.engine.pod_rows import PodRows
from controller.engine.policy_file import PolicyFile
from controller.engine.pool_rows import PoolRows, cluster_rows, pools_of_claims
from controller.engine.recent_errors import RecentErrors
from controller.engine.reconcile import Reconciler
from controller.engine.wall import WallClock
from state.model import PodRecord, PodUid


class Snapshot:
    """Builds the document. Thread-safe."""

    def __init__(
        self,
        *,
        cluster: str,
        identity: str,
        version: str,
        pods: Pods,
        ledger: Ledger,
        loop: Reconciler,
        peers: Peers,
        leader: Callable[[], LeaderStatus],
        policies: PolicyFile,
        errors: RecentErrors,
        clock: Clock,
        waits: Callable[[], Waits] = Waits,
        replicas: Callable[[str], tuple[ReplicaStatus, ...] | None] = lambda _: None,
    ) -> None:
        self._cluster, self._identity, self._version = cluster, identity, version
        self._pods, self._ledger, self._loop, self._leader = pods, ledger, loop, leader
        self._policies, self._waits, self._peers, self._errors = policies, waits, peers, errors
        self._wall, self._rows, self._replicas = WallClock(clock), KeptRows(), replicas

    def build(self) -> Status:
        """The document of this moment."""
        opened, rules = self._loop.opened, self._policies.rules()
        records = {uid: record for uid, record in self._ledger.pods().items() if not is_remembered(uid)}
        views = {pod.uid: pod for pod in self._pods.annotated()}
        rows = self._rows.all(PodRows(opened, rules, self._wall), records, views)
        leader = self._leader()
        return Status(
            cluster=self._cluster,
            identity=self._identity,
            version=self._version,
            as_of=self._wall.now(),
            leader=leader,
            pods=rows.pods,
            pools=self._pools(opened, records, rows.asked),
            clusters=tuple(cluster_rows(opened, self._ledger, self._peers)),
            policy=self._policies.status(),
            quota=opened.parts.quota.status() if opened else None,
            contested=_contested(opened),
            left_alone=opened.housekeeping.reports() if opened else None,
            waits=self._waits(),
            answered_by=AnsweredBy(identity=self._identity, leads=leader.is_me),
            errors=self._errors.all(),
            replicas=self._replicas(leader.identity),
        )

    def _pools(
        self, opened: OpenTerm | None, records: Mapping[PodUid, PodRecord], asked: Mapping[PodUid, str]
    ) -> tuple[PoolStatus, ...]:
        tenancy = self._policies.rules().tenancy
        if opened is None:
            return tuple(pools_of_claims(records.values(), asked, self._cluster, tenancy))
        return tuple(PoolRows(opened, self._ledger, self._peers.names(), tenancy).all(records.values(), asked))


def _contested(opened: OpenTerm | None) -> int | None:
    if opened is None:
        return None
    memory = opened.state.memory
    now = memory.clock()
    return sum(mine.contested(now) for mine in list(memory.pods.values()) if mine.repairs)
