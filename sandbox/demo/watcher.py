"""Looks at the whole world a few times a second: for the table on the screen, and to catch what lasts only a moment.

The Pods' labels, the Lease and its epoch come from the Kubernetes APIs, associations from EC2's state, owners from the
DynamoDB table. A replica is asked for one thing only, its identity, to call the Lease's holder by its name.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import urllib3
from botocore.exceptions import BotoCoreError, ClientError

from controller.core import contract
from sandbox.demo import ledger
from sandbox.demo.cast import Sighting
from sandbox.demo.ledger import Ledger
from sandbox.demo.scenes import LEASE_NAME, LEASE_NAMESPACE
from sandbox.ec2 import model as ec2
from sandbox.kube.client import UnexpectedAnswerError
from sandbox.kube.resources import Json
from sandbox.replica import Replica
from sandbox.world import SandboxCluster, World

log = logging.getLogger(__name__)

PAUSE_S = 0.35
FAULTS = (OSError, urllib3.exceptions.HTTPError, UnexpectedAnswerError, BotoCoreError, ClientError)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    """Who holds a cluster's Lease: a replica's name, or nobody ("")."""

    holder: str = ""
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRow:
    """A Pod as its API shows it."""

    uid: str
    cluster: str
    full_name: str
    mode: str
    ip: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The world at one moment, as far as several requests can say."""

    leases: Mapping[str, LeaseView] = field(default_factory=dict)
    replicas: Mapping[str, str] = field(default_factory=dict)
    pods: tuple[PodRow, ...] = ()
    addresses: tuple[ec2.Address, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)


class Watcher:
    """A thread that keeps `picture` fresh and collects sightings and disputes."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._sightings: list[Sighting] = []
        self._names: dict[str, str] = {}
        self._suspects: frozenset[str] = frozenset()
        self._disputed: set[str] = set()
        self._table = ledger.open_client(world.dynamodb_url)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watcher", daemon=True)
        self.picture = Picture()

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()
        self._thread.join(15)
        self._table.close()

    def look_at_pods(self, cluster: str) -> tuple[PodRow, ...]:
        """The cluster's Pods now; every label is noted as a sighting."""
        asked = time.monotonic()
        rows = tuple(_row(cluster, body) for body in self._world.clusters[cluster].kube.pods())
        answered = time.monotonic()
        seen = [Sighting(uid=r.uid, public_ip=r.label, asked=asked, answered=answered) for r in rows if r.label]
        with self._lock:
            self._sightings.extend(seen)
        return rows

    def sightings(self) -> tuple[Sighting, ...]:
        """Every label that was seen."""
        with self._lock:
            return tuple(self._sightings)

    def disputed(self) -> frozenset[str]:
        """Addresses that had two owners, or were on two Pods' labels, in two looks in a row."""
        return frozenset(self._disputed)

    def look(self) -> Picture:
        """Look at everything once."""
        pods = tuple(row for name in self._world.clusters for row in self.look_at_pods(name))
        picture = Picture(
            leases={name: self.lease(cluster) for name, cluster in self._world.clusters.items()},
            replicas={replica.name: self._condition(replica) for replica in self._world.replicas()},
            pods=pods,
            addresses=tuple(self._world.ec2.world().addresses.values()),
            ledger=ledger.read(self._table, self._world.settings.table),
        )
        self._suspect(picture)
        self.picture = picture
        return picture

    def lease(self, cluster: SandboxCluster) -> LeaseView:
        """Who holds the cluster's Lease now, and the epoch that stands on it."""
        try:
            lease = cluster.kube.lease(LEASE_NAMESPACE, LEASE_NAME)
        except UnexpectedAnswerError:
            return LeaseView()
        epoch = lease["metadata"].get("annotations", {}).get(contract.LEASE_EPOCH, "0")
        return LeaseView(holder=self._name_of(cluster, lease["spec"].get("holderIdentity") or ""), epoch=int(epoch))

    def _run(self) -> None:
        while not self._stopping.wait(PAUSE_S):
            try:
                self.look()
            except FAULTS as error:
                log.warning("could not look: %s", error)

    def _suspect(self, picture: Picture) -> None:
        """Reads of several items are not one moment, so only what stands in two looks in a row is believed."""
        labels = Counter(row.label for row in picture.pods if row.label)
        now = picture.ledger.disputed() | {ip for ip, count in labels.items() if count > 1}
        self._disputed |= now & self._suspects
        self._suspects = now

    def _name_of(self, cluster: SandboxCluster, identity: str) -> str:
        if identity and identity not in self._names:
            for replica in cluster.replicas:
                status = replica.status() if replica.alive else None
                if status and status["identity"]:
                    self._names[status["identity"]] = replica.name
        return self._names.get(identity, identity[:8])

    def _condition(self, replica: Replica) -> str:
        return "runs" if replica.alive else "down" if replica.pid else "not started"


def _row(cluster: str, body: Json) -> PodRow:
    meta = body["metadata"]
    return PodRow(
        uid=meta["uid"],
        cluster=cluster,
        full_name=f"{meta['namespace']}/{meta['name']}",
        mode=meta.get("annotations", {}).get(contract.ANNOTATION_TYPE, ""),
        ip=body.get("status", {}).get("podIP", ""),
        label=meta.get("labels", {}).get(contract.LABEL_PUBLIC_IP, ""),
    )
