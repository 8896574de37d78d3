"""A world under fire: each replica talks through doors of its own, and everything that happens is written down.

Tests say what goes wrong and when it is over; the judge then asks the record. Nothing is switched on in the product:
its endpoints, its flags and its Lease are all that differ from an installation.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox.kube.client import ApiClient
from sandbox.kube.control import KubeControl
from sandbox.replica import Replica
from sandbox.world import ClusterSettings, SandboxCluster, World, WorldSettings, wait_until
from tests.e2e.scene import QUICK
from tests.faults import recorder
from tests.faults.door import Door, Interference, Nothing
from tests.faults.recorder import PodWatch, Recorder
from tests.history import Bounds, History, Process, Service
from tests.judge import BrokenGuaranteesError, assert_holds, judge
from tests.judges.facts import Facts, Violation
from tests.judges.outcome import converged
from tests.judges.placement import longest_misplacement

LEASE = ("kube-system", "aws-pod-eip-controller")
TOLD_S = 3.0  # events are told by a thread of their own, a moment after the rest
COUNTED_S = 13.0  # an event that is said again is counted up once in ten seconds, and a busy machine may be late
MEASURED = "longest-misplacement"  # the file, in a world's folder, with the seconds that each verdict found
SERVICES: tuple[Service, ...] = ("ec2", "dynamodb", "kubernetes")


class FaultWorld(World):
    """A world whose replicas' calls pass through doors."""

    def __init__(self, settings: WorldSettings, folder: Path) -> None:
        super().__init__(settings, folder)
        self.recorder = Recorder()
        self.doors: dict[str, dict[Service, Door]] = {}
        self.hopeless: set[str] = set()
        self.adoptable: set[str] = set()

    def endpoints_of(self, cluster: SandboxCluster, name: str) -> tuple[Path, dict[str, str]]:
        """The doors before the real ones."""
        upstreams: dict[Service, str] = {
            "ec2": self.ec2_url,
            "dynamodb": self.dynamodb_url,
            "kubernetes": cluster.kube.url,
        }
        doors = self.doors[name] = {service: self._door(service, name, url) for service, url in upstreams.items()}
        env = {"AWS_ENDPOINT_URL_EC2": doors["ec2"].url, "AWS_ENDPOINT_URL_DYNAMODB": doors["dynamodb"].url}
        return self._kubeconfig(cluster, name, doors["kubernetes"].url), env

    def _kubeconfig(self, cluster: SandboxCluster, name: str, url: str) -> Path:
        """How the replica of this name reaches its API server through the door at `url`."""
        control = KubeControl(url, name=cluster.name)
        kubeconfig = control.kubeconfig(self.folder / f"kubeconfig-{name}", user=name)
        control.close()
        return kubeconfig

    def _door(self, service: Service, replica: str, upstream: str) -> Door:
        door = Door(service, upstream, lambda: self.recorder.process(replica), self.recorder.saw)
        door.order = self.recorder.order
        return self._exit.enter_context(door)

    @cached_property
    def table(self) -> Any:
        """The one DynamoDB client past the doors: to make one costs a processor a sixth of a second."""
        client = recorder.open_table(self.dynamodb_url)
        self._exit.callback(client.close)
        return client

    def watch(self) -> None:
        """Begin to watch the Pods."""
        for cluster in self.clusters.values():
            watch = PodWatch(self._past_the_doors(cluster), cluster.name, self.recorder.pods.append)
            self._exit.callback(watch.stop)
            watch.start()

    def _past_the_doors(self, cluster: SandboxCluster) -> ApiClient:
        return ApiClient(f"{cluster.kube.url}/_sandbox/api")

    # ── replicas ──

    def start(self, *replicas: Replica) -> None:
        """Start these, or all; those that were started before begin another life."""
        for replica in replicas or self.replicas():
            lives = self.recorder.lives
            lives[replica.name] = lives.get(replica.name, -1) + 1
            replica.stop()
            replica.start()

    def kill(self, replica: Replica) -> Process:
        """SIGKILL, and the connections end as the kernel would end them."""
        who = self.recorder.process(replica.name)
        self.recorder.signal(replica.name, "kill")
        replica.kill()
        for door in self.doors[replica.name].values():
            door.sever()
        return who

    def term(self, replica: Replica) -> None:
        """SIGTERM."""
        self.recorder.signal(replica.name, "term")
        replica.terminate()

    def freeze(self, replica: Replica, *, on: bool) -> None:
        """SIGSTOP, or SIGCONT."""
        self.recorder.signal(replica.name, "stop" if on else "cont")
        replica.freeze(on=on)

    def leader(self, cluster: str = "a", limit_s: float = 60) -> Replica:
        """Wait for a replica that says that it leads."""
        deadline = time.monotonic() + limit_s
        while (leader := self.clusters[cluster].leader()) is None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"nobody leads {cluster}: {[r.tail(5) for r in self.clusters[cluster].replicas]}")
            time.sleep(0.2)
        return leader

    def interfere(self, interference: Interference | None, *, replica: str = "", service: str = "") -> None:
        """Put this before all doors, or those of a replica or a service; None takes it away."""
        for name, doors in self.doors.items():
            for kind, door in doors.items():
                if replica in ("", name) and service in ("", kind):
                    door.interference = interference or Nothing()

    def mend(self) -> None:
        """End everything that was done to the doors and to the servers."""
        self.interfere(None)
        for doors in self.doors.values():
            for door in doors.values():
                door.forger = None
                door.open()
        self.ec2.clear_faults()
        self.ec2.let_go()
        for cluster in self.clusters.values():
            self.mend_api(cluster)

    def mend_api(self, cluster: SandboxCluster) -> None:
        """End everything that was done to the API server of this cluster."""
        cluster.kube.clear_faults()

    def free_lease(self, cluster: str = "a") -> None:
        """Give up the Lease of a holder that is dead, as if its duration had passed."""
        path = f"/apis/coordination.k8s.io/v1/namespaces/{LEASE[0]}/leases/{LEASE[1]}"
        body = {"spec": {"holderIdentity": ""}}
        self.clusters[cluster].kube.client.call("PATCH", path, body, "application/merge-patch+json")

    # ── the record ──

    def history(self, *, quiet: tuple[float, float] | None = None, bounds: Bounds | None = None) -> History:
        """Everything so far."""
        with self.recorder.order:
            items = recorder.items(self.table, self.settings.table)
            writes = tuple(self.recorder.writes)
        return History(
            calls=tuple(self.recorder.calls),
            writes=writes,
            journal=self.ec2.journal(),
            pods=tuple(self.recorder.pods),
            signals=tuple(self.recorder.signals),
            addresses=tuple(self.ec2.world().addresses.values()),
            items=items,
            hopeless=frozenset(self.hopeless),
            adoptable=frozenset(self.adoptable),
            began=self.recorder.began,
            ended=time.monotonic(),
            quiet=quiet,
            bounds=bounds or Bounds(),
        )

    def settle(self, limit_s: float = 60) -> None:
        """Wait until everything has converged. Raises BrokenGuaranteesError, which says what has not."""
        deadline = time.monotonic() + limit_s
        while left := self.unsettled():
            if time.monotonic() > deadline:
                raise BrokenGuaranteesError(left)
            time.sleep(0.5)

    def unsettled(self) -> list[Violation]:
        """What keeps the world from being converged now."""
        return list(converged(Facts(self.history())))

    def verdict(self, *, bounds: Bounds | None = None, quiet_s: float = 0.0, limit_s: float = 60) -> History:
        """Everything is mended: wait for convergence, listen for a while, and hold the record to every guarantee."""
        self.mend()
        self.settle(limit_s)
        quiet = self.listen(quiet_s) if quiet_s else None
        history = self.history(quiet=quiet, bounds=bounds)
        with (self.folder / MEASURED).open("a") as measured:
            measured.write(f"{longest_misplacement(Facts(history)):.2f}\n")
        assert_holds(history)
        return history

    def broken(self, *, bounds: Bounds | None = None) -> set[str]:
        """The guarantees that the record so far shows broken, for negative controls."""
        return {str(v.broken)[:2] for v in judge(self.history(bounds=bounds))}

    def listen(self, seconds: float) -> tuple[float, float]:
        """Let time pass in which nobody asks for anything, after the events of before have been told."""
        time.sleep(TOLD_S)
        wait_until(lambda: time.monotonic() > self._told_at() + COUNTED_S, 120, "no event is counted up any more")
        begin = time.monotonic()
        time.sleep(seconds)
        return begin, time.monotonic()

    def _told_at(self) -> float:
        """When an event was last told to an API server, or counted up."""
        return max((call.ended for call in self.recorder.calls if call.what.endswith(" events")), default=0.0)


@contextmanager
def fault_world(
    folder: Path,
    *clusters: ClusterSettings,
    ec2: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    flags: Mapping[str, str] | None = None,
    kubelet_seconds: float | None = 0.3,
    quick: bool = True,
) -> Iterator[FaultWorld]:
    """A world that is being recorded, with all its replicas started and a leader in each cluster.

    `quick`: a Lease, limits and looks that are a fifth as long as by default; otherwise the defaults.
    """
    settings = WorldSettings(
        clusters=clusters or (ClusterSettings(name="a", replicas=2),),
        ec2=ec2 or {},
        env=env or {},
        dynamodb="moto",
        kubelet_seconds=kubelet_seconds,
        flags={**(QUICK if quick else {}), **(flags or {})},
    )
    with FaultWorld(settings, folder) as world:
        world.watch()
        world.start()
        for name in world.clusters:
            world.leader(name)
        yield world
