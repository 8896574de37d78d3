"""The worlds that the Kubernetes port's contract is tested in: the fake, the sandbox's API server, and a real one.

What a test says of one holds in all, or the fake would teach the engine things that are not so.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import pytest

from controller.core.contract import CONDITION
from controller.core.ports import Pods
from controller.core.views import PodView
from controller.kube.connection import Connection, connect
from controller.kube.identity import ClusterIdentity
from controller.kube.pods import KubePods
from sandbox.kube.client import ApiClient
from sandbox.kube.cluster import Cluster
from sandbox.kube.server import KubeServer
from state.errors import NotLeading
from state.model import PodUid
from tests.fakes.kube import FakePods
from tests.real.host import RealHost

SERVERS = ["sandbox", pytest.param("real", marks=pytest.mark.real)]
WORLDS = ["fake", *SERVERS]
LIMIT_S = 60.0  # tests share the machine


def until(condition: Callable[[], object], *, limit_s: float = LIMIT_S) -> None:
    """Wait for the condition; AssertionError after `limit_s`."""
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, "it did not come to pass"
        time.sleep(0.005)


@dataclass
class Switch:
    """A guard that a test turns."""

    leading: bool = True

    def check(self) -> None:
        """Raise NotLeading when it is off."""
        if not self.leading:
            raise NotLeading("too late")


@dataclass
class Api:
    """An API server, what a test does to it, and how the adapter reaches it."""

    cluster: Cluster
    client: ApiClient
    kubeconfig: Path

    @contextmanager
    def connection(self, call_timeout_s: float = 15.0) -> Iterator[Connection]:
        """A connection of the adapter."""
        made = connect(str(self.kubeconfig), version="1.2.3", call_timeout_s=call_timeout_s)
        try:
            yield made
        finally:
            made.close()


def sandbox_api(kube: KubeServer, folder: Path) -> Api:
    """That server of the sandbox."""
    return Api(kube.control, ApiClient(kube.url), kube.control.kubeconfig(folder / "kubeconfig"))


@contextmanager
def api(kind: str, folder: Path, request: pytest.FixtureRequest) -> Iterator[Api]:
    """An API server of that kind: `sandbox`, or `real` from the host of real servers."""
    with ExitStack() as stack:
        if kind == "sandbox":
            kube = stack.enter_context(KubeServer())
            yield sandbox_api(kube, folder)
            return
        host: RealHost = request.getfixturevalue("real_host")
        real = stack.enter_context(host.cluster())
        client = ApiClient(real.url, {"Authorization": f"Bearer {real.token}"}, str(real.ca))
        stack.callback(client.close)
        yield Api(Cluster(client), client, real.kubeconfig)


class World(Protocol):
    """What a test does to Pods, and the port that it looks through. Names are of one namespace."""

    guard: Switch
    namespace: str
    changed: list[PodUid]

    @property
    def pods(self) -> Pods:
        """The port."""
        ...

    def make(
        self,
        name: str,
        *,
        ip: str = "",
        node: str = "",
        annotations: Mapping[str, str] | None = None,
        host_network: bool = False,
    ) -> PodUid:
        """A Pod with a readiness gate of ours."""
        ...

    def finish(self, name: str) -> None:
        """The Pod comes to a terminal phase."""
        ...

    def delete(self, name: str) -> None:
        """The Pod goes at once."""
        ...

    def node(self, name: str, provider_id: str) -> None:
        """A Node."""
        ...

    def labels(self, name: str) -> Mapping[str, str]:
        """The labels that the API server has."""
        ...


@dataclass
class FakeWorld:
    """On the fake."""

    guard: Switch = field(default_factory=Switch)
    namespace: str = "default"
    changed: list[PodUid] = field(default_factory=list)
    scoped: bool = False

    def __post_init__(self) -> None:
        scope = self.namespace if self.scoped else ""
        self.pods = FakePods(guard=self.guard, on_change=self.changed.extend, scope=scope)

    def make(
        self,
        name: str,
        *,
        ip: str = "",
        node: str = "",
        annotations: Mapping[str, str] | None = None,
        host_network: bool = False,
    ) -> PodUid:
        """See World."""
        pod = PodView(
            uid=PodUid(str(uuid.uuid4())),
            namespace=self.namespace,
            name=name,
            ip=ip,
            node=node,
            annotations=annotations or {},
            host_network=host_network,
            gated=True,
        )
        return self.pods.put(pod).uid

    def finish(self, name: str) -> None:
        """See World."""
        self.pods.put(replace(self._named(name), finished=True))

    def delete(self, name: str) -> None:
        """See World."""
        self.pods.delete(self._named(name).uid)

    def node(self, name: str, provider_id: str) -> None:
        """See World."""
        self.pods.instances[name] = provider_id.rpartition("/")[2] if provider_id.startswith("aws:") else None

    def labels(self, name: str) -> Mapping[str, str]:
        """See World."""
        return self._named(name).labels

    def _named(self, name: str) -> PodView:
        return next(pod for pod in self.pods.pods.values() if pod.name == name)


@dataclass
class ApiWorld:
    """On an API server, through the adapter."""

    cluster: Cluster
    pods: KubePods
    guard: Switch
    namespace: str
    changed: list[PodUid] = field(default_factory=list)

    def make(
        self,
        name: str,
        *,
        ip: str = "",
        node: str = "",
        annotations: Mapping[str, str] | None = None,
        host_network: bool = False,
    ) -> PodUid:
        """See World."""
        made = self.cluster.pod(
            self.namespace,
            name,
            ip=ip,
            node=node or "somewhere",
            annotations=annotations,
            host_network=host_network,
            readiness_gates=[CONDITION],
        )
        return PodUid(made)

    def finish(self, name: str) -> None:
        """See World."""
        self.cluster.set_phase(self.namespace, name, "Failed")

    def delete(self, name: str) -> None:
        """See World."""
        self.cluster.delete_pod(self.namespace, name)

    def node(self, name: str, provider_id: str) -> None:
        """See World."""
        self.cluster.node(name, provider_id=provider_id)

    def labels(self, name: str) -> Mapping[str, str]:
        """See World."""
        return self.cluster.labels(self.namespace, name)


@contextmanager
def api_world(server: Api, *, scoped: bool = False) -> Iterator[ApiWorld]:
    """A world of its own namespace on an API server; `scoped`: no other is watched."""
    guard, changed = Switch(), list[PodUid]()
    namespace = f"ns-{uuid.uuid4().hex[:8]}"
    server.cluster.namespace(namespace)
    with server.connection() as connection:
        identity, scope = ClusterIdentity(connection, time.monotonic), namespace if scoped else ""
        pods = KubePods(connection, guard, identity, namespace=scope)
        pods.start(changed.extend)
        try:
            until(lambda: pods.synced)
            yield ApiWorld(server.cluster, pods, guard, namespace, changed)
        finally:
            pods.stop()
