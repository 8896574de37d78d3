"""Puts the parts together: the only module beside `__main__` that knows all of them.

It is imported in the server's worker alone, for it loads boto3, the Kubernetes client and PynamoDB.
"""

import os
from collections.abc import Callable
from functools import partial

from controller.aws.adapter import Ec2Adapter
from controller.clock import CLOCK
from controller.core.candidacy import EndReason
from controller.core.config import Config
from controller.core.lease import Lease
from controller.core.measures import Event
from controller.core.tracing import Tracing
from controller.engine.abilities import Abilities
from controller.engine.engine import Engine
from controller.engine.explain_parts import explains_of
from controller.engine.hang_detector import HangDetector, writer_bound_s
from controller.engine.leader import Elector
from controller.engine.leader_answers import LeaderAnswers
from controller.engine.leadership import Leadership
from controller.engine.peers import Peers
from controller.engine.policy_file import PolicyFile
from controller.engine.readings import ReadingsSource
from controller.engine.recent_errors import RecentErrors
from controller.engine.reconcile import Reconciler
from controller.engine.replica import Parts, lead_of, leader_status
from controller.engine.replicas import Replicas
from controller.engine.scopes import ScopeGate
from controller.engine.snapshot import Snapshot
from controller.engine.standby import Standby
from controller.engine.terms import TermCallbacks
from controller.engine.tuning import Ports
from controller.kube.connection import Connection
from controller.kube.events import EventRecorder
from controller.kube.identity import ClusterIdentity
from controller.kube.lease import KubeLeaseStore
from controller.kube.namespace import own_namespace
from controller.kube.own_address import own_address
from controller.kube.pods import KubePods
from controller.kube.replicas import reader_of
from controller.readiness import abilities_of
from controller.surface.leader_client import LeaderClient
from controller.surface.metrics import Metrics
from controller.surface.program import version
from controller.term_start import TermStart
from controller.tuned import timings_of, tuning_of
from state.credentials import CredentialKeeper
from state.ledger import DynamoLedger
from state.model import InstallKey
from state.table import open_table


class Assembly:
    """Everything one replica is made of, once the cluster's UID is known."""

    def __init__(
        self,
        config: Config,
        metrics: Metrics,
        region: str,
        vpc_id: str,
        identity: str,
        connection: Connection,
        tracing: Tracing,
        policies: PolicyFile,
        keeper: CredentialKeeper,
    ) -> None:
        self._policies, self._keeper, self._metrics = policies, keeper, metrics
        self._config, self._region, self._identity, self._tracing = config, region, identity, tracing
        self._connection = connection
        self._leadership = Leadership(CLOCK, config.call_timeout)
        self._cluster = ClusterIdentity(connection, CLOCK)
        self._pods = KubePods(
            connection, self._leadership, self._cluster, namespace=config.watch_namespace or "", clock=CLOCK
        )
        self._events = EventRecorder(connection, instance=identity, telemetry=metrics)
        reader = reader_of(connection, os.environ)
        self._replicas = Replicas(reader.read if reader else None, CLOCK)
        self._ec2 = Ec2Adapter(
            region=region,
            vpc_id=vpc_id,
            guard=self._leadership,
            call_timeout_s=config.call_timeout,
            version=version(),
            telemetry=metrics,
            keeper=keeper,
        )

    def build(self) -> Parts:
        """Build and start; raises what reading the cluster's UID raises, and may be called again then."""
        config = self._config
        namespace = config.lease_namespace or own_namespace()
        install = InstallKey(cluster_uid=self._cluster.uid(), lease_namespace=namespace, lease_name=config.lease_name)
        ledger = self._ledger(install)
        engine = self._engine(ledger, install)
        loop, errors, gate = engine.loop, engine.ports.errors, self._gate(ledger, install, engine.peers)
        abilities = self._abilities(install, ledger, errors)
        elector = self._elector(ledger, gate, loop, namespace, abilities)
        hang_detector = self._hang_detector(ledger, elector.beginning_s)
        snapshot = self._snapshot(ledger, engine, elector, hang_detector)
        standby = Standby((ledger.follow, gate.look), self._leads, CLOCK, errors)
        self._events.start()
        loop.start()
        self._pods.start(loop.wake)
        elector.start()
        standby.start()
        self._replicas.start()
        abilities.start(lambda: elector.holder() in ("", self._identity), elector.epoch)
        self._metrics.read_from(self._readings(loop, elector, standby).read)
        self._policies.start(loop.poke)
        self._keeper.on_found(loop.retry_all)
        return Parts(
            loop=loop,
            elector=elector,
            snapshot=snapshot,
            explainer=explains_of(
                engine,
                elector,
                pods=self._pods,
                ledger=ledger,
                leadership=self._leadership,
                identity=self._identity,
                trouble=lambda: gate.trouble or self._keeper.trouble,
                ask=LeaderClient(self._identity).explain,
                clock=CLOCK,
            ),
            answers=LeaderAnswers(
                own=snapshot.build,
                lead=lambda: lead_of(elector),
                ask=LeaderClient(self._identity),
                read_s=standby.read_s,
                clock=CLOCK,
            ),
            synced=lambda: self._pods.synced,
            trouble=lambda: gate.trouble or self._keeper.trouble,
            unable=abilities.trouble,
            hang_detector=hang_detector,
            stoppables=(abilities, self._pods, self._events, standby, self._replicas, self._policies, self._keeper),
            close=ledger.close,
        )

    def _readings(self, loop: Reconciler, elector: Elector, standby: Standby) -> ReadingsSource:
        return ReadingsSource(
            loop=loop,
            elector=elector,
            standby=standby,
            replicas=self._replicas,
            buckets=self._ec2.tokens.read,
            threads=self._config.concurrency,
            clock=CLOCK,
        )

    def _hang_detector(self, ledger: DynamoLedger, term: Callable[[], float]) -> HangDetector:
        return HangDetector(
            watch=self._pods.silent_for_s,
            watch_limit_s=self._pods.silence_limit_s,
            writer=ledger.waiting_s,
            term=term,
            credentials=lambda: self._keeper.expires_in_s,
            call_timeout_s=self._config.call_timeout,
            lease_duration_s=self._config.lease_duration,
        )

    def _snapshot(
        self, ledger: DynamoLedger, engine: Engine, elector: Elector, hang_detector: HangDetector
    ) -> Snapshot:
        return Snapshot(
            cluster=self._config.cluster_name,
            identity=self._identity,
            version=version(),
            pods=self._pods,
            ledger=ledger,
            loop=engine.loop,
            peers=engine.peers,
            errors=engine.ports.errors,
            clock=CLOCK,
            leader=lambda: leader_status(elector, lambda: self._leadership.term, self._identity),
            policies=self._policies,
            waits=hang_detector.waits,
            replicas=self._replicas.all,
        )

    def _abilities(self, install: InstallKey, ledger: DynamoLedger, errors: RecentErrors) -> Abilities:
        return abilities_of(
            self._config,
            install,
            region=self._region,
            connection=self._connection,
            ec2=self._ec2,
            ledger=ledger,
            pods=self._pods,
            events=self._events,
            errors=errors,
            leads=self._leads,
            keeper=self._keeper,
        )

    def _leads(self) -> bool:
        return self._leadership.term is not None

    def _ledger(self, install: InstallKey) -> DynamoLedger:
        config = self._config
        return DynamoLedger(
            open_table(
                config.table,
                region=self._region,
                call_timeout=config.call_timeout,
                keeper=self._keeper,
                observer=partial(self._metrics.call, "dynamodb"),
            ),
            install,
            cluster_name=config.cluster_name,
            scope=config.watch_namespace or "",
            version=version(),
            silence_s=int(config.silence),
            identity=self._identity,
            call_timeout=config.call_timeout,
            on_fenced=self._fenced,
            on_missing=self._fenced if config.create_table else None,  # the next term makes the table
        )

    def _gate(self, ledger: DynamoLedger, install: InstallKey, peers: Peers) -> ScopeGate:
        def lease_of(other: InstallKey) -> Lease | None:
            return KubeLeaseStore(self._connection, other.lease_namespace, other.lease_name).get()

        return ScopeGate(
            ledger=ledger,
            install=install,
            scope=self._config.watch_namespace or "",
            peers=peers,
            lease_of=lease_of,
            clock=CLOCK,
        )

    def _fenced(self) -> None:
        term = self._leadership.term
        if term is not None:
            self._leadership.fence(term.epoch)

    def _engine(self, ledger: DynamoLedger, install: InstallKey) -> Engine:
        ports = Ports(
            pods=self._pods,
            ledger=ledger,
            ec2=self._ec2,
            tokens=self._ec2.tokens,
            events=self._events,
            tracing=self._tracing,
            leadership=self._leadership,
            rules=self._policies.rules,
            clock=CLOCK,
            measures=self._metrics,
        )
        return Engine(ports, tuning_of(self._config, self._region, install))

    def _elector(
        self, ledger: DynamoLedger, gate: ScopeGate, loop: Reconciler, namespace: str, abilities: Abilities
    ) -> Elector:
        config = self._config
        term_start = TermStart(
            config,
            region=self._region,
            identity=self._identity,
            leadership=self._leadership,
            ledger=ledger,
            gate=gate,
            heard=abilities.heard,
        )
        return Elector(
            store=KubeLeaseStore(
                self._connection, namespace, config.lease_name, own_address(config.listen, os.environ)
            ),
            identity=self._identity,
            timings=timings_of(config),
            clock=CLOCK,
            leadership=self._leadership,
            callbacks=TermCallbacks(
                begin_term=term_start,
                on_started=lambda _: self._started(loop),
                on_stopped=lambda why: self._end_term(ledger, loop, why),
            ),
            progress=loop.progress,
            able=lambda: not self._keeper.trouble and ledger.waiting_s() <= writer_bound_s(config.call_timeout),
        )

    def _started(self, loop: Reconciler) -> None:
        """Act from the warm cache at once, with a consistent list beside."""
        self._metrics.count(Event.TERM_BEGUN)
        loop.poke()
        self._pods.relist()

    def _end_term(self, ledger: DynamoLedger, loop: Reconciler, why: EndReason) -> None:
        self._metrics.count(Event.TERM_ENDED, why.name.lower())
        ledger.end_term()
        loop.poke()
