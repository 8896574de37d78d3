"""The world that the nemesis plays with: two clusters that share a pool, on real parts or on the stand-ins.

Replicas talk through doors as in every fault test; behind the doors stand real API servers and DynamoDB Local, or the
sandbox's own. What only one of the two can do (end an API server, forget versions) is said here once.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.kube.client import ApiClient
from sandbox.world import ClusterSettings, SandboxCluster, WorldSettings
from tests.e2e.scene import QUICK
from tests.faults.door import Door
from tests.faults.world import FaultWorld
from tests.history import Service
from tests.real.cluster import RealCluster
from tests.real.host import RealHost
from tests.real.world import RealControl, RealWorld

FLAGS = {**QUICK, "poll-interval": "0.5", "resync-period": "4", "log-level": "info"}
CLUSTERS = (ClusterSettings(name="a", nodes=2, replicas=2), ClusterSettings(name="b", nodes=2, replicas=2))


class NemesisWorld(FaultWorld):
    """A world of stand-ins."""

    def end_api(self, cluster: SandboxCluster) -> None:
        """Nobody reaches the API server of this cluster."""
        for replica in cluster.replicas:
            self.doors[replica.name]["kubernetes"].close()

    def begin_api(self, cluster: SandboxCluster) -> None:
        """It can be reached again."""
        for replica in cluster.replicas:
            self.doors[replica.name]["kubernetes"].open()

    def forget_versions(self, cluster: SandboxCluster) -> None:
        """Watches cannot go on from where they were."""
        cluster.kube.compact()


class RealNemesisWorld(RealWorld, NemesisWorld):
    """A world of real API servers and DynamoDB Local, behind doors."""

    def _kubeconfig(self, cluster: SandboxCluster, name: str, url: str) -> Path:
        """The chart's ServiceAccount, through the door, which trusts the server in the replica's place."""
        config = json.loads(cluster.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": url}
        made = self.folder / f"kubeconfig-{name}"
        made.write_text(json.dumps(config))
        return made

    def _door(self, service: Service, replica: str, upstream: str) -> Door:
        servers = {real.url: str(real.ca) for real in map(self._real, self.clusters.values())}
        seen = self.recorder.saw
        door = Door(service, upstream, lambda: self.recorder.process(replica), seen, servers.get(upstream, ""))
        door.order = self.recorder.order
        return self._exit.enter_context(door)

    def _past_the_doors(self, cluster: SandboxCluster) -> ApiClient:
        real = self._real(cluster)
        return ApiClient(real.url, {"Authorization": f"Bearer {real.token}"}, str(real.ca))

    def _real(self, cluster: SandboxCluster) -> RealCluster:
        assert isinstance(cluster.kube, RealControl)
        return cluster.kube.real

    def mend_api(self, cluster: SandboxCluster) -> None:
        """Start it, if it was ended."""
        self.begin_api(cluster)

    def end_api(self, cluster: SandboxCluster) -> None:
        """The API server is killed."""
        self._real(cluster).stop_api(grace=0)

    def begin_api(self, cluster: SandboxCluster) -> None:
        """It is started again."""
        self._real(cluster).start_api()

    def forget_versions(self, cluster: SandboxCluster) -> None:
        """etcd forgets all versions but the newest."""
        self._real(cluster).compact()


@contextmanager
def nemesis_world(folder: Path, host: RealHost | None) -> Iterator[NemesisWorld]:
    """A world that is being recorded, with a leader in each cluster; of stand-ins where there is no host."""
    settings = WorldSettings(clusters=CLUSTERS, dynamodb="moto", kubelet_seconds=0.3, flags=FLAGS)
    made = NemesisWorld(settings, folder) if host is None else RealNemesisWorld(settings, folder, host=host)
    with made as world:
        world.watch()
        world.start()
        for name in world.clusters:
            world.leader(name)
        yield world
