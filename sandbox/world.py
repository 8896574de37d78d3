"""A whole world on loopback: EC2, DynamoDB, a Kubernetes API for each cluster, and replicas, all of them processes.

The demo shows it to a person, the tests put it under fire. Everything in it talks HTTP, and everything that it is
asked about is asked from outside: of EC2's own log, of the table, of the Pods, never of the controller alone.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

import urllib3

from sandbox.dynamodb import DynamoDb
from sandbox.ec2.control import Ec2Control
from sandbox.kube.control import KubeControl
from sandbox.process import Child, free_port
from sandbox.replica import Replica

REGION = "us-west-2"
VPC = "vpc-1"
IPS_OF_A_NODE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """One cluster: its name (a letter), its nodes, its replicas, and flags of theirs beyond the world's."""

    name: str
    nodes: int = 2
    replicas: int = 2
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldSettings:
    """What a world is made of; times are seconds. `python` is the interpreter of the replicas, with its packages."""

    clusters: tuple[ClusterSettings, ...] = (ClusterSettings(name="a"),)
    ec2: Mapping[str, Any] = field(default_factory=dict)
    dynamodb: Literal["auto", "local", "moto"] = "auto"
    kubelet_seconds: float | None = None
    table: str = "aws-pod-eip-controller"
    flags: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    python: str = sys.executable


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node: one instance with one interface that carries all IPs of its Pods."""

    name: str
    instance_id: str
    interface_id: str
    ips: tuple[str, ...]


class SandboxCluster:
    """One cluster of a world: its API, its nodes with free Pod IPs, its replicas."""

    def __init__(self, settings: ClusterSettings, kube: KubeControl, kubeconfig: Path) -> None:
        self.name, self.settings, self.kube, self.kubeconfig = settings.name, settings, kube, kubeconfig
        self.nodes: list[Node] = []
        self.replicas: list[Replica] = []
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def add_node(self, node: Node) -> None:
        """Make the node known; its instance is EC2's business."""
        provider = f"aws:///{REGION}a/{node.instance_id}"
        self.kube.node(node.name, provider_id=provider, ip=node.ips[0])
        self.nodes.append(node)

    def next_place(self, node: int | None = None) -> tuple[Node, str]:
        """A node, or this one, and an IP of it that no Pod has had yet; nodes take turns. StopIteration: none left."""
        nodes = self.nodes if node is None else [self.nodes[node]]
        with self._lock:
            free = ((n, n.ips[i]) for i in range(1, IPS_OF_A_NODE) for n in nodes if n.ips[i] not in self._used)
            where, ip = next(free)
            self._used.add(ip)
        return where, ip

    def run_pod(
        self, namespace: str, name: str, annotations: Mapping[str, str], *, node: int | None = None, **more: Any
    ) -> tuple[str, str]:
        """A Pod with the next free IP; its UID and the IP."""
        where, ip = self.next_place(node)
        uid = self.kube.pod(namespace, name, annotations=annotations, ip=ip, node=where.name, **more)
        return uid, ip

    def run_on_host(self, namespace: str, name: str, annotations: Mapping[str, str], *, node: int) -> tuple[str, str]:
        """A hostNetwork Pod, which has its node's own IP; its UID and the IP."""
        where = self.nodes[node]
        pod = self.kube.pod
        uid = pod(namespace, name, annotations=annotations, ip=where.ips[0], node=where.name, host_network=True)
        return uid, where.ips[0]

    def leader(self) -> Replica | None:
        """The live replica that says that it leads."""
        return next((r for r in self.replicas if r.alive and r.leads()), None)


class World:
    """A running world; `folder` holds its kubeconfigs and logs."""

    def __init__(self, settings: WorldSettings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.clusters: dict[str, SandboxCluster] = {}
        self._exit = ExitStack()
        self.ec2_url = self.dynamodb_url = ""
        self.ec2: Ec2Control
        self.dynamodb_kind = ""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._exit.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor() as together:  # each needs a second or more, and none needs another
            database = together.submit(self._start_dynamodb)
            apis = [together.submit(self._start_api, settings) for settings in self.settings.clusters]
            self._start_ec2()
        database.result()
        for number, (settings, api) in enumerate(zip(self.settings.clusters, apis, strict=True)):
            self._add_cluster(number, settings, api.result())
        self._exit.callback(self._end_replicas)

    def _start_dynamodb(self) -> None:
        database = DynamoDb.start(self.settings.dynamodb, log=self.folder / "dynamodb.log")
        self._exit.callback(database.stop)
        self.dynamodb_url, self.dynamodb_kind = database.url, database.kind

    def _start_ec2(self) -> None:
        port = free_port()
        made = self.folder / "ec2.json"
        made.write_text(json.dumps({"region": REGION, **self.settings.ec2}))
        child = Child(_python("sandbox.ec2", port, "--settings", str(made)), log=self.folder / "ec2.log")
        self._exit.callback(child.stop)
        self.ec2_url = f"http://127.0.0.1:{port}"
        self.ec2 = Ec2Control(self.ec2_url)
        child.wait_ready(self.ec2.is_ready, 30)

    def _start_api(self, settings: ClusterSettings) -> KubeControl:
        port, name = free_port(), settings.name
        kubelet = self.settings.kubelet_seconds
        more = () if kubelet is None else ("--kubelet-seconds", str(kubelet))
        argv = _python("sandbox.kube", port, "--name", name, *more)
        child = Child(argv, log=self.folder / f"kube-{name}.log")
        self._exit.callback(child.stop)
        kube = KubeControl(f"http://127.0.0.1:{port}", name=name)
        self._exit.callback(kube.close)
        child.wait_ready(lambda: _answers(kube), 30)
        return kube

    def _add_cluster(self, number: int, settings: ClusterSettings, kube: KubeControl) -> None:
        name = settings.name
        kubeconfig = kube.kubeconfig(self.folder / f"kubeconfig-{name}")
        cluster = self.clusters[name] = SandboxCluster(settings, kube, kubeconfig)
        for node in range(settings.nodes):
            cluster.add_node(self.make_node(name, number, node))
        cluster.replicas = [self._replica(cluster, index + 1) for index in range(settings.replicas)]

    def make_node(self, cluster: str, number: int, node: int) -> Node:
        """An instance with an interface, in EC2."""
        ips = tuple(f"10.{number}.{node}.{host}" for host in range(10, 10 + IPS_OF_A_NODE))
        instance_id = f"i-{number:02x}{node:04x}"
        return self._put_node(f"{cluster}-node-{node + 1}", instance_id, ips)

    def _put_node(self, name: str, instance_id: str, ips: tuple[str, ...]) -> Node:
        interface = self.ec2.add_interface(ips[0], secondary_ips=ips[1:], instance_id=instance_id, vpc_id=VPC)
        return Node(name=name, instance_id=instance_id, interface_id=interface.interface_id, ips=ips)

    def lose_node(self, cluster: SandboxCluster, node: Node) -> None:
        """The machine is gone: its instance with its interfaces, and the Node. Its Pods stay in the API."""
        self.ec2.kill_instance(node.instance_id)
        cluster.kube.delete_node(node.name)
        cluster.nodes.remove(node)

    def replace_node(self, cluster: SandboxCluster, lost: Node) -> Node:
        """A new machine, with a new interface that was given the IPs of a lost one."""
        number = int(lost.instance_id[2:4], 16)
        serial = int(lost.instance_id[4:], 16) + 0x100
        made = self._put_node(f"{lost.name}-new", f"i-{number:02x}{serial:04x}", lost.ips)
        cluster.add_node(made)
        return made

    def _replica(self, cluster: SandboxCluster, index: int) -> Replica:
        name = f"{cluster.name}{index}"
        kubeconfig, env = self.endpoints_of(cluster, name)
        given = {
            "kubeconfig": str(kubeconfig),
            "vpc-id": VPC,
            "region": REGION,
            "cluster-name": cluster.name,
            "table": self.settings.table,
            "create-table": "true",
            "resync-minimum": "1",
            **self.settings.flags,
            **cluster.settings.flags,
        }
        flags = [f"--{flag}={value}" for flag, value in given.items()]
        log, python = self.folder / f"replica-{name}.log", self.settings.python
        replica = Replica(name, flags, {**env, **self.settings.env}, log, python=python)
        self._exit.callback(replica.stop)
        return replica

    def endpoints_of(self, cluster: SandboxCluster, name: str) -> tuple[Path, dict[str, str]]:
        """Where the replica of this name finds its API server (a kubeconfig) and AWS (variables): all the same here."""
        del name
        return cluster.kubeconfig, {
            "AWS_ENDPOINT_URL_EC2": self.ec2_url,
            "AWS_ENDPOINT_URL_IAM": self.ec2_url,
            "AWS_ENDPOINT_URL_STS": self.ec2_url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb_url,
        }

    def _end_replicas(self) -> None:
        """Ask all of them to end before any is waited for."""
        for replica in self.replicas():
            if replica.alive:
                replica.terminate()

    def replicas(self) -> list[Replica]:
        """All replicas of all clusters."""
        return [replica for cluster in self.clusters.values() for replica in cluster.replicas]


def wait_until(
    truth: Callable[[], object], limit_s: float, what: str | Callable[[], str], every_s: float = 0.1
) -> None:
    """Return once it is true; TimeoutError, which says what was waited for, after `limit_s` seconds.

    `what` is asked only then, so that it can tell how things stand at the end.
    """
    deadline = time.monotonic() + limit_s
    while not truth():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {limit_s:g} s: {what if isinstance(what, str) else what()}")
        time.sleep(every_s)


def _python(module: str, port: int, *arguments: str) -> list[str | Path]:
    return [sys.executable, "-m", module, "--port", str(port), *arguments]


def _answers(kube: KubeControl) -> bool:
    try:
        return kube.version() >= 0
    except urllib3.exceptions.HTTPError:
        return False
