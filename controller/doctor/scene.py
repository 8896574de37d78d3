"""What several checks need: each thing is read at most once, and when the first of them asks for it.

What failed fails again for each check that needs it, with the same error, so that each says why it could not look.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from controller.aws.addresses import AddressReader
from controller.aws.simulator import RoleSimulator
from controller.core.allocation import rehearsal_tags
from controller.core.config import Config
from controller.core.desire import Pending, Serve, desire
from controller.core.diagnosis.cluster import AUTO_MODE, NodeView
from controller.core.modes import SPECS
from controller.core.simulation import Decision
from controller.core.views import Address, PodView
from controller.doctor import network
from controller.doctor.dynamodb import TableReader
from controller.doctor.ec2 import Ec2Reader
from controller.doctor.kubernetes import ClusterReader
from controller.doctor.rights import Place
from controller.kube.connection import connect
from controller.kube.namespace import own_namespace
from controller.surface.program import version
from state.credentials import CredentialKeeper
from state.errors import PodEipError
from state.model import ClusterUid

T = TypeVar("T")
D = TypeVar("D")


class Scene:
    """One install's worlds, as far as they have been asked for."""

    def __init__(self, config: Config, region: str, keeper: CredentialKeeper, environ: Mapping[str, str]) -> None:
        self.config, self.region, self.keeper, self.environ = config, region, keeper, environ
        self._failed: dict[str, PodEipError] = {}

    def close(self) -> None:
        """Close what was opened."""
        for name in ("ec2", "table", "cluster"):
            if name in self.__dict__:
                self.__dict__[name].close()

    @cached_property
    def ec2(self) -> Ec2Reader:
        """EC2. Raises Misconfigured."""
        return Ec2Reader(region=self.region, call_timeout_s=self.config.call_timeout, keeper=self.keeper)

    @cached_property
    def table(self) -> TableReader:
        """The table. Raises Misconfigured."""
        return TableReader(self.config, self.region, self.keeper)

    @cached_property
    def cluster(self) -> ClusterReader:
        """The API server. Raises Misconfigured where nothing says which."""
        config = self.config
        return ClusterReader(connect(config.kubeconfig, version=version(), call_timeout_s=config.call_timeout))

    @cached_property
    def addresses(self) -> list[Address]:
        """All addresses of the account in the Region."""

        def read() -> list[Address]:
            return AddressReader(self.region).read(self.ec2.ask("DescribeAddresses").get("Addresses", ()))

        return self._once("addresses", read)

    @cached_property
    def uid(self) -> ClusterUid:
        """The cluster's UID."""
        return self._once("uid", lambda: self.cluster.uid())

    @cached_property
    def nodes(self) -> list[NodeView]:
        """All Nodes."""
        return self._once("nodes", lambda: self.cluster.nodes())

    @cached_property
    def pods(self) -> list[PodView]:
        """The Pods that carry an annotation of ours."""
        return self._once("pods", lambda: self.cluster.pods(self.config.watch_namespace or ""))

    @cached_property
    def instances(self) -> list[Mapping[str, Any]]:
        """The instances of the nodes: of those with Pods that ask for an address, or else of all."""

        def read() -> list[Mapping[str, Any]]:
            busy = {pod.node for pod in self.asking} if self.nodes else set()
            chosen = [node for node in self.nodes if node.name in busy] or self.nodes
            return network.instances(self.ec2, [node.instance_id for node in chosen if node.instance_id])

        return self._once("instances", read)

    @property
    def asking(self) -> list[PodView]:
        """The Pods that ask for an address."""
        return [pod for pod in self.pods if isinstance(desire(pod), Serve | Pending)]

    @property
    def pools(self) -> set[str]:
        """The tag keys that Pods ask for."""
        wanted = [found for pod in self.asking if isinstance(found := desire(pod), Serve | Pending)]
        return {found.pool for found in wanted if not SPECS[found.mode].allocates}

    @property
    def vpc_id(self) -> str:
        """The VPC that is set, or that the nodes are in; empty where neither is known."""
        return self.config.vpc_id or network.vpc_of(or_else(lambda: self.instances, ()))

    @property
    def place(self) -> Place:
        """Where rights are tried, as far as it is known."""
        auto = {node.instance_id for node in or_else(lambda: self.nodes, ()) if node.compute == AUTO_MODE}
        plain = [i for i in or_else(lambda: self.instances, ()) if i["InstanceId"] not in auto]
        return Place(
            cluster=or_else(lambda: str(self.uid), ""),
            cluster_name=self.config.cluster_name,
            vpc_id=self.vpc_id,
            pools=or_else(lambda: self.pools, ()),
            interfaces=[found for instance in plain for found in instance.get("NetworkInterfaces", ())],
            extra_tags=self.config.extra_tags or {},
            quota=bool(self.config.keep_quota),
        )

    @property
    def simulated(self) -> tuple[str, list[Decision]]:
        """The role, and what IAM's simulator says that it may do with an address of this install."""
        config = self.config
        simulator = RoleSimulator(
            region=self.region, call_timeout_s=config.call_timeout, keeper=self.keeper, environ=self.environ
        )
        return simulator.decide(rehearsal_tags(config.extra_tags or {}, config.cluster_name, str(self.uid)))

    @property
    def lease_namespace(self) -> str:
        """Where the Lease is."""
        return self.config.lease_namespace or own_namespace()

    def _once(self, name: str, read: Callable[[], T]) -> T:
        if name in self._failed:
            raise self._failed[name]
        try:
            return read()
        except PodEipError as error:
            self._failed[name] = error
            raise


def or_else(read: Callable[[], T], otherwise: D) -> T | D:
    """What is read, or something else where it cannot be."""
    try:
        return read()
    except PodEipError:
        return otherwise
