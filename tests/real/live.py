"""A world whose cluster lives by itself: real controllers, a real scheduler, and kwok in the place of the kubelets.

Its Pods are made by Deployments and StatefulSets and get their IPs from kwok, out of their node's podCIDR. EC2 knows
these ranges as delegated prefixes of the node's interface, as with prefix delegation by the VPC CNI.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.world import VPC, Node, WorldSettings
from tests.real.cluster import RealCluster
from tests.real.host import RealHost
from tests.real.world import RealControl, RealWorld

RANGES = (0, 16, 32, 48)  # where the four prefixes of 16 IPs start: together one podCIDR of 64


class LiveControl(RealControl):
    """A user's hand on a live cluster; its Nodes get a podCIDR, and kwok keeps them Ready."""

    def node(self, name: str, *, provider_id: str = "", ip: str = "", labels: Mapping[str, str] | None = None) -> str:
        """Create a Node whose Pods get IPs of its podCIDR; its UID."""
        self.real.add_node(name, ip=ip, pod_cidr=f"{pod_range(ip)}.0/26", provider_id=provider_id)
        return str(self.real.request("GET", f"/api/v1/nodes/{name}")["metadata"]["uid"])

    def apply(self, body: dict[str, Any]) -> None:
        """Make or change an object, as a user with kubectl does."""
        self.real.kubectl("apply", "--validate=strict", "--filename=-", stdin=json.dumps(body))


class LiveWorld(RealWorld):
    """A RealWorld on one live cluster, which its maker starts and stops."""

    def __init__(self, settings: WorldSettings, folder: Path, *, host: RealHost, real: RealCluster) -> None:
        super().__init__(settings, folder, host=host)
        self._real = real

    def _take_cluster(self) -> RealCluster:
        return self._real

    def _control(self, real: RealCluster, flags: dict[str, str]) -> RealControl:
        return LiveControl(real, flags.get("watch-namespace", ""))

    @property
    def control(self) -> LiveControl:
        """The hand on its only cluster."""
        [cluster] = self.clusters.values()
        assert isinstance(cluster.kube, LiveControl)
        return cluster.kube

    def make_node(self, cluster: str, number: int, node: int) -> Node:
        """An instance whose interface carries the node's podCIDR as delegated prefixes."""
        ip, instance_id = f"10.100.{node}.10", f"i-{number:02x}{node:04x}"
        prefixes = [f"{pod_range(ip)}.{start}/28" for start in RANGES]
        made = self.ec2.add_interface(ip, instance_id=instance_id, vpc_id=VPC, prefixes=prefixes)
        name = f"{cluster}-node-{node + 1}"
        return Node(name=name, instance_id=instance_id, interface_id=made.interface_id, ips=(ip,))


def pod_range(node_ip: str) -> str:
    """The first three numbers of the podCIDR of the node with this IP."""
    return f"10.200.{node_ip.split('.')[2]}"


def workload(
    kind: str, name: str, replicas: int, annotations: Mapping[str, str], revision: str = "1"
) -> dict[str, Any]:
    """A Deployment or StatefulSet; another revision is a rolling restart, as by `kubectl rollout restart`."""
    template = {
        "metadata": {"labels": {"app": name}, "annotations": {**annotations, "revision": revision}},
        "spec": {"containers": [{"name": "main", "image": "none"}], "terminationGracePeriodSeconds": 0},
    }
    spec: dict[str, Any] = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    if kind == "StatefulSet":
        spec["serviceName"] = name
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
