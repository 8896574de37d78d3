"""Whole replicas of the engine in one process, on fakes and a clock that only the test moves.

Everything between the ports is the product's own: loop, observer, plan, executor, ledger rules, sweep. `settle` turns
the loop until it has nothing more to do at this instant, so a loop that never comes to rest is a failing test;
`run` lets time pass. Several replicas may share the world, each with its own caches and its own term.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from controller.core import contract
from controller.core.measures import NO_MEASURES, Measures
from controller.core.phases import EDGES, edge_of
from controller.core.policy import Policy
from controller.core.ports import Ec2
from controller.core.situation import Facts
from controller.core.tenancy import OPEN, Rules, Tenancy
from controller.core.tracing import NoTracing, Subject
from controller.core.views import (
    Address,
    Interface,
    PodView,
    Term,
)
from controller.engine.engine import Engine
from controller.engine.leadership import Leadership
from controller.engine.parts import TermParts
from controller.engine.reconcile import Reconciler
from controller.engine.tuning import Ports, Tuning
from state.model import AllocationId, Change, ClusterUid, InstallKey, InterfaceId, PodUid, Target
from tests.fakes.ec2 import FakeEc2
from tests.fakes.kube import FakeEvents, FakePods
from tests.fakes.ledger import FakeLedger
from tests.fakes.ledger_table import FakeTable
from tests.fakes.tokens import FreeTokens

CONSISTENCY_S = 60.0
POLL_S = 15.0
RESYNC_S = 300.0
SILENCE_S = 3600.0
TURNS = 60
LIMIT_S = 20.0
ENI = InterfaceId("eni-1")
IPS = frozenset(f"10.0.0.{n}" for n in range(4, 250))
MUTATIONS = ("AllocateAddress", "AssociateAddress", "DisassociateAddress", "ReleaseAddress")


class HandClock:
    """Monotonic seconds that pass when the test says so, and a microsecond at each look: no two are the same."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Now."""
        self.now += 1e-6
        return self.now


def auto() -> dict[str, str]:
    """The annotations of mode `auto`."""
    return {contract.ANNOTATION_TYPE: "auto"}


def fixed(key: str = "pool") -> dict[str, str]:
    """The annotations of mode `fixed-tag`."""
    return {contract.ANNOTATION_TYPE: "fixed-tag", contract.ANNOTATION_FIXED_TAG: key}


def fixed_value(key: str = "pool") -> dict[str, str]:
    """The annotations of mode `fixed-tag-value`."""
    return {contract.ANNOTATION_TYPE: "fixed-tag-value", contract.ANNOTATION_FIXED_TAG_VALUE: key}


def at(ip: str, interface: str = ENI) -> Target:
    """A target on the world's interface."""
    return Target(interface_id=InterfaceId(interface), private_ip=ip)


@dataclass(kw_only=True)
class World:
    """One cluster and one account. The Pods' cache is exact unless the test makes it stale."""

    clock: HandClock = field(default_factory=HandClock)
    ec2: FakeEc2 = field(default_factory=FakeEc2)
    pods: FakePods = field(default_factory=FakePods)
    events: FakeEvents = field(default_factory=FakeEvents)
    table: FakeTable = field(default_factory=FakeTable)
    loops: list[Reconciler] = field(default_factory=list)
    policy: Policy = field(default_factory=Policy)
    tenancy: Tenancy = OPEN
    tokens: FreeTokens = field(default_factory=FreeTokens)

    def __post_init__(self) -> None:
        self.ec2.add_interface(Interface(interface_id=ENI, private_ips=IPS, instance_id="i-1"))
        self.pods.instances["node-1"] = "i-1"
        self.pods.on_change = self._changed
        self.pods.clock = self.clock

    def _changed(self, uids: set[PodUid]) -> None:
        for loop in self.loops:
            loop.wake(uids)

    def pod(
        self,
        uid: str,
        annotations: dict[str, str] | None = None,
        *,
        ip: str = "10.0.0.5",
        name: str = "",
        created: str = "1",
        gated: bool = False,
        namespace: str = "ns",
        host_network: bool = False,
    ) -> PodUid:
        """A running Pod."""
        made = PodView(
            uid=PodUid(uid),
            namespace=namespace,
            name=name or uid,
            ip=ip,
            node="node-1",
            annotations=annotations or {},
            created=created,
            gated=gated,
            host_network=host_network,
        )
        return self.pods.put(made).uid

    def change(self, uid: PodUid, **changes: object) -> None:
        """The Pod is like this from now on."""
        self.pods.put(replace(self.pods.pods[uid], **changes))  # type: ignore[arg-type]

    def pool(self, size: int = 1, key: str = "pool") -> list[AllocationId]:
        """Addresses of a pool."""
        return [self.ec2.add_address(tags={key: ""}) for _ in range(size)]

    def label(self, uid: PodUid) -> str | None:
        """The public IP that the Pod shows."""
        return self.pods.pods[uid].labels.get(contract.LABEL_PUBLIC_IP)

    def at_ip(self, ip: str) -> list[Address]:
        """The addresses that EC2 has at this private IP."""
        return [a for a in self.ec2.addresses() if a.association and a.association.target.private_ip == ip]

    def mutations(self) -> list[str]:
        """The mutating calls so far."""
        return [call.operation for call in self.ec2.calls if call.operation in MUTATIONS]

    def quiet(self) -> tuple[int, int]:
        """How many mutations and patches there were: two equal answers are silence between them."""
        return len(self.mutations()), len(self.pods.patches)


class Plans(NoTracing):
    """Counts the plans that are carried out, and gives each this traceparent."""

    def __init__(self) -> None:
        self.begun = 0
        self.traceparent = ""

    def begin(self, subject: Subject, known: str, *, began_s: float = 0.0, link: str = "") -> str:
        """One more."""
        self.begun += 1
        return known or self.traceparent


class HeldLedger(FakeLedger):
    """Takes no change whose edge the table of phases does not have."""

    def commit(self, change: Change) -> None:
        """Write it. AssertionError where a claim may not take this edge."""
        assert edge_of(change) in EDGES, edge_of(change)
        super().commit(change)


class Replica:
    """One process: its leadership, its ledger, its loop. `name` is its cluster's, else that is its UID.

    `ec2` may be a port of its own in front of the account.
    """

    def __init__(
        self,
        world: World,
        *,
        cluster: str = "c-1",
        name: str = "",
        ec2: Ec2 | None = None,
        threads: int = 4,
        plans: Plans | None = None,
        ledger_type: type[FakeLedger] = HeldLedger,
        measures: Measures = NO_MEASURES,
    ) -> None:
        self.world, self.clock, self.ec2 = world, world.clock, ec2 or world.ec2
        self.install = InstallKey(cluster_uid=ClusterUid(cluster), lease_namespace="kube-system", lease_name="l")
        self.ledger = ledger_type(world.table, self.install, clock=self.clock, on_fenced=self._fenced)
        self.leadership = Leadership(self.clock, 4.0)
        self.plans, self.measures = plans or Plans(), measures
        self.engine = Engine(self._ports(), self._tuning(name or cluster, threads))
        self.loop, self.peers = self.engine.loop, self.engine.peers
        world.loops.append(self.loop)

    def lead(self, lease_epoch: int = 0) -> "Replica":
        """Open a term that does not expire."""
        epoch = self.ledger.begin_term("me", lease_epoch)
        self.leadership.open(Term(identity="me", epoch=epoch, since=""), float("inf"))
        return self

    def lose(self) -> None:
        """The term is over; the process goes on."""
        self.leadership.end()
        self.ledger.end_term()

    def crash(self) -> None:
        """The process is no more."""
        self.lose()
        self.world.loops.remove(self.loop)
        self.loop.stop()

    def settle(self) -> None:
        """Turn until there is nothing to do at this instant."""
        for _ in range(TURNS):
            before = self.plans.begun, self.loop.queued
            self.loop.tick()
            assert self.loop.in_flight_idle(20.0), "a plan does not end"
            assert self.loop.background_idle(20.0), "a look does not end"
            if (self.plans.begun, self.loop.queued) == before and not self.loop.has_news:
                return
        raise AssertionError("a hot loop: the same instant never ends")

    def run(self, seconds: float, step: float = 0.5) -> None:
        """Let time pass."""
        end = self.clock.now + seconds
        self.settle()
        while self.clock.now < end:
            self.clock.now = min(end, self.clock.now + step)
            self.settle()

    def until(self, condition: Callable[[], object], limit_s: float = 60.0, step: float = 0.5) -> float:
        """Let time pass until this holds; how long it took."""
        began = self.clock.now
        self.settle()
        while not condition():
            assert self.clock.now - began < limit_s, "it did not come to pass"
            self.clock.now += step
            self.settle()
        return self.clock.now - began

    def tick_until(self, done: Callable[[], object]) -> None:
        """Tick until this holds, while a lookup hangs."""
        limit = time.monotonic() + LIMIT_S
        while not done():
            assert time.monotonic() < limit, "it did not come to pass"
            self.loop.tick()
            assert self.loop.in_flight_idle(LIMIT_S)

    @property
    def parts(self) -> TermParts:
        """The open term's."""
        assert self.loop.opened is not None
        return self.loop.opened.parts

    def _fenced(self) -> None:
        term = self.leadership.term
        if term is not None:
            self.leadership.fence(term.epoch)

    def _ports(self) -> Ports:
        world = self.world
        return Ports(
            pods=world.pods,
            ledger=self.ledger,
            ec2=self.ec2,
            tokens=world.tokens,
            events=world.events,
            tracing=self.plans,
            leadership=self.leadership,
            rules=lambda: Rules(policy=world.policy, tenancy=world.tenancy),
            clock=self.clock,
            measures=self.measures,
        )

    def _tuning(self, cluster_name: str, threads: int) -> Tuning:
        facts = Facts(
            install=self.install,
            cluster_name=cluster_name,
            home_border_group=self.world.ec2.region,
        )
        return Tuning(
            facts=facts,
            threads=threads,
            consistency_s=CONSISTENCY_S,
            poll_interval_s=POLL_S,
            resync_s=RESYNC_S,
            silence_s=SILENCE_S,
        )
