"""The sandbox's world on real parts: etcd, kube-apiserver and DynamoDB Local in the place of the stand-ins.

Replicas run as the chart's own ServiceAccount under the chart's own roles, so a permission that is missing is a
failing test. EC2 stays the sandbox's, since there is no other on one machine.
"""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

from sandbox.kube.client import ApiClient
from sandbox.kube.cluster import Cluster
from sandbox.kube.control import KubeControl
from sandbox.world import REGION, ClusterSettings, World, WorldSettings
from tests.real.cluster import RealCluster
from tests.real.host import RealHost
from tests.real.permissions import LEASE_NAMESPACE, grant

TABLE_S = 120.0


def make_table(name: str, url: str) -> None:
    """Make the table by the controller's own command, with more patience than a replica: a cold Java is slow."""
    argv = [sys.executable, "-m", "controller", "table", "create", f"--table={name}", f"--region={REGION}"]
    keys = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
    env = {**os.environ, **keys, "AWS_ENDPOINT_URL_DYNAMODB": url}
    patience = ["--call-timeout=10", "--renew-deadline=45", "--lease-duration=60"]
    subprocess.run([*argv, *patience], env=env, capture_output=True, timeout=TABLE_S, check=True)


class RealControl(Cluster):
    """A user's hand on a real API server."""

    def __init__(self, real: RealCluster, watch_namespace: str) -> None:
        headers = {"Authorization": f"Bearer {real.token}"}
        super().__init__(ApiClient(real.url, headers, str(real.ca)))
        self.real, self.url, self._watch_namespace = real, real.url, watch_namespace

    def kubeconfig(self, path: Path) -> Path:
        """A kubeconfig for replicas, of the chart's ServiceAccount."""
        made = self.real.kubeconfig_for(grant(self.real, watchNamespace=self._watch_namespace), "replica")
        path.write_text(made.read_text())
        return path


class RealWorld(World):
    """A world whose Kubernetes APIs and whose DynamoDB are real; the servers are the host's, the table is its own."""

    def __init__(self, settings: WorldSettings, folder: Path, *, host: RealHost) -> None:
        lease = {"lease-namespace": LEASE_NAMESPACE}
        table = host.new_table(settings.table)
        super().__init__(replace(settings, flags={**lease, **settings.flags}, table=table), folder)
        self.host = host

    def _start_dynamodb(self) -> None:
        server = self.host.dynamodb()
        self.dynamodb_url, self.dynamodb_kind = server.url, server.kind
        make_table(self.settings.table, server.url)

    def _start_api(self, settings: ClusterSettings) -> KubeControl:
        control = self._control(self._take_cluster(), {**self.settings.flags, **settings.flags})
        self._exit.callback(control.close)
        # What worlds and scenes use of a KubeControl is what Cluster has; the stand-in's faults are its own.
        return cast(KubeControl, control)

    def _take_cluster(self) -> RealCluster:
        return self._exit.enter_context(self.host.cluster())

    def _control(self, real: RealCluster, flags: dict[str, str]) -> RealControl:
        return RealControl(real, flags.get("watch-namespace", ""))
