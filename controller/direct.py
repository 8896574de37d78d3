"""Looks for what `explain` tells where no replica is asked: the API server, the ledger and EC2, by reads alone.

The situation is made by the loop's own observer, and the plan is the loop's. Nothing is carried out, and nothing could
be: who looks does not lead, so each change is refused before it is sent. It is imported by the command alone, for it
loads boto3, the Kubernetes client and PynamoDB.
"""

import datetime
import logging
from collections.abc import Sequence
from contextlib import closing

from controller.aws.adapter import Ec2Adapter
from controller.aws.metadata import discover_vpc_id
from controller.clock import CLOCK
from controller.core.config import Config
from controller.core.explain import Explanation, Progress, Source, explain, unknown
from controller.core.situation import Facts
from controller.core.tracing import NoTracing
from controller.engine.leadership import Leadership
from controller.engine.looker import look
from controller.engine.peers import Peers
from controller.engine.policy_file import policies_of
from controller.engine.tuning import Ports, Tuning
from controller.kube.asked_pods import AskedPods
from controller.kube.connection import Connection, connect
from controller.kube.identity import ClusterIdentity
from controller.kube.lease import KubeLeaseStore
from controller.kube.namespace import own_namespace
from controller.release_cluster import NoEvents
from controller.surface.program import version
from state.errors import Misconfigured, PodEipError, Refused
from state.ledger import DynamoLedger
from state.model import ClusterUid, InstallKey, InstallRecord, PodUid
from state.reader import Reader
from state.table import Table, open_table

NAME = "explain --direct"
_NO_VPC = "--vpc-id (PEC_VPC_ID) is not set, and instance metadata cannot be reached: name the VPC of the nodes"
_ABSENT = "There is no such Pod, and no claim names it"


def looked_for(config: Config, region: str, pod: tuple[str, str]) -> Explanation:
    """This Pod, as the API server, the ledger and EC2 show it now. Raises what they answer."""
    logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is told once, by the command
    connection = connect(config.kubeconfig, version=version(), call_timeout_s=config.call_timeout)
    identity = ClusterIdentity(connection, CLOCK)
    table = open_table(config.table, region=region, call_timeout=config.call_timeout)
    install = _install(config, identity.uid(), Reader(table, _named(config, identity.uid())).installs().installs)
    return _Look(config, region, connection, identity, table, install).explain(*pod)


def _named(config: Config, cluster: ClusterUid) -> InstallKey:
    """The install that the settings name."""
    namespace = config.lease_namespace or own_namespace()
    return InstallKey(cluster_uid=cluster, lease_namespace=namespace, lease_name=config.lease_name)


def _install(config: Config, cluster: ClusterUid, installs: Sequence[InstallRecord]) -> InstallRecord:
    """The install that is meant: the one that the settings name, or the only one of the cluster."""
    named = _named(config, cluster)
    ours = [record for record in installs if record.key.cluster_uid == cluster]
    found = next((record for record in ours if record.key == named), ours[0] if len(ours) == 1 else None)
    if found is not None:
        return found
    known = ", ".join(sorted(record.key.install for record in ours))
    raise Refused(
        f"the table has no install {named.install} of this cluster" + (f", but {known}" if known else ", and no other"),
        code="NoInstall",
        advice="Name it by --lease-namespace and --lease-name, its table by --table, its Region by --region",
    )


class _Look:
    """One look, for one install."""

    def __init__(
        self,
        config: Config,
        region: str,
        connection: Connection,
        identity: ClusterIdentity,
        table: Table,
        install: InstallRecord,
    ) -> None:
        self._config, self._region, self._connection, self._install = config, region, connection, install
        self._leadership = Leadership(CLOCK, config.call_timeout)
        self._pods = AskedPods(connection, self._leadership, identity, namespace=install.scope)
        self._ledger = DynamoLedger(
            table,
            install.key,
            cluster_name=install.cluster_name,
            scope=install.scope,
            version=version(),
            silence_s=install.silence_s,
            call_timeout=config.call_timeout,
        )

    def explain(self, namespace: str, name: str) -> Explanation:
        """Read, plan, and say it."""
        try:
            pod = self._pods.ask(self._connection, namespace, name)
            self._ledger.follow()
            uid = pod.uid if pod is not None else self._holder(namespace, name)
            if uid is None:
                return unknown(namespace, name, _ABSENT, self._source())
            with closing(self._ec2()) as ec2:
                looked = look(self._ports(ec2), self._tuning(), self._peers(), uid)
        finally:
            self._ledger.close()
        return explain(looked.situation, looked.plan, Progress(planned_s=0.0), self._source())

    def _holder(self, namespace: str, name: str) -> PodUid | None:
        """The Pod of this name that is gone and holds something still."""
        held = (record for record in self._ledger.pods().values() if record.holder == f"{namespace}/{name}")
        return next((record.uid for record in held), None)

    def _ec2(self) -> Ec2Adapter:
        vpc_id = self._config.vpc_id or discover_vpc_id()
        if vpc_id is None:
            raise Misconfigured([_NO_VPC])
        return Ec2Adapter(
            region=self._region,
            vpc_id=vpc_id,
            guard=self._leadership,
            call_timeout_s=self._config.call_timeout,
            version=version(),
        )

    def _ports(self, ec2: Ec2Adapter) -> Ports:
        return Ports(
            pods=self._pods,
            ledger=self._ledger,
            ec2=ec2,
            tokens=ec2.tokens,
            events=NoEvents(),
            tracing=NoTracing(),
            leadership=self._leadership,
            rules=policies_of(self._config).rules,
            clock=CLOCK,
        )

    def _tuning(self) -> Tuning:
        config, strict = self._config, self._config.tenancy == "strict"
        facts = Facts(
            install=self._install.key,
            cluster_name=config.cluster_name or self._install.cluster_name,
            home_border_group=self._region,
            extra_tags=config.extra_tags or {},
            discreet=strict,
            adopt_leftovers=not strict if config.adopt_leftovers is None else config.adopt_leftovers,
        )
        return Tuning(
            facts=facts,
            threads=1,
            consistency_s=config.consistency_time,
            poll_interval_s=config.poll_interval,
            resync_s=config.resync_period,
            silence_s=config.silence,
        )

    def _peers(self) -> Peers:
        peers = Peers(CLOCK)
        peers.saw(self._ledger.installs())
        return peers

    def _source(self) -> Source:
        notes = [self._led(), "What it has tried, and when it tries next, only the leader knows: ask a replica"]
        if self._config.policy is None:
            notes.append("No policy was read, for --policy names no file here: the leader's may refuse more")
        return Source(
            identity=NAME,
            leads=False,
            cluster=self._install.cluster_name,
            as_of=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            notes=tuple(notes),
        )

    def _led(self) -> str:
        """Who leads, by the Lease."""
        key = self._install.key
        try:
            lease = KubeLeaseStore(self._connection, key.lease_namespace, key.lease_name).get()
        except PodEipError as error:
            return f"Who leads is not known: {error.explain()}"
        if lease is None or not lease.holder:
            return "No replica leads: nothing is done for any Pod until one does"
        return f"{lease.holder} leads, if it has renewed the Lease {key.install} lately"
