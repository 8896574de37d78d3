"""The sandbox's world on a real Kubernetes: etcd and kube-apiserver in the place of the stand-in, the rest as it is.

Replicas run as the chart's own ServiceAccount under the chart's own roles, so a permission that is missing is a
failing test. EC2 stays the sandbox's, since there is no other on one machine.
"""

from dataclasses import replace
from pathlib import Path
from typing import cast

from sandbox.kube.client import ApiClient
from sandbox.kube.cluster import Cluster
from sandbox.kube.control import KubeControl
from sandbox.world import ClusterSettings, World, WorldSettings
from tests.real.cluster import RealCluster
from tests.real.permissions import LEASE_NAMESPACE, grant


class RealControl(Cluster):
    """A user's hand on a real API server."""

    def __init__(self, real: RealCluster, *, narrow: bool) -> None:
        headers = {"Authorization": f"Bearer {real.token}"}
        super().__init__(ApiClient(real.url, headers, str(real.ca)))
        self.real, self._narrow = real, narrow

    def kubeconfig(self, path: Path) -> Path:
        """A kubeconfig for replicas: the chart's ServiceAccount, or an administrator's."""
        made = self.real.kubeconfig_for(grant(self.real), "replica") if self._narrow else self.real.kubeconfig
        path.write_text(made.read_text())
        return path


class RealWorld(World):
    """A world whose Kubernetes APIs are real ones."""

    def __init__(self, settings: WorldSettings, folder: Path, *, narrow: bool = True) -> None:
        lease = {"lease-namespace": LEASE_NAMESPACE}
        super().__init__(replace(settings, flags={**lease, **settings.flags}), folder)
        self.narrow = narrow

    def _start_api(self, settings: ClusterSettings) -> KubeControl:
        real = RealCluster()
        self._exit.enter_context(real)
        control = RealControl(real, narrow=self.narrow)
        self._exit.callback(control.close)
        # What worlds and scenes use of a KubeControl is what Cluster has; the stand-in's faults are its own.
        return cast(KubeControl, control)
