"""Who lived where, from when until when: the story's own diary, which the judge lays beside EC2's.

Times are CLOCK_MONOTONIC, as EC2's journal has them. A life begins before the Pod's IP can be known to anybody and
ends once the API has confirmed that the Pod is gone, so an address at a stranger's IP is never excused.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sandbox.demo.scenes import Part
from sandbox.world import Node, World

Place = tuple[Node, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One Pod's life at its place; `ended` is None while it lives."""

    uid: str
    part: Part
    node: Node
    ip: str
    began: float
    ended: float | None = None

    @property
    def target(self) -> tuple[str, str]:
        """Its interface and private IP: where its address has to be."""
        return self.node.interface_id, self.ip

    def overlaps(self, since: float, until: float | None) -> bool:
        """Whether any of that time (None: until now) is in this life."""
        return self.began < (until or float("inf")) and since < (self.ended or float("inf"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A Pod wore this public IP on its label at some moment between `asked` and `answered`."""

    uid: str
    public_ip: str
    asked: float
    answered: float


class Cast:
    """Brings Pods to life and ends them; safe to use from several threads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._lives: dict[str, Life] = {}

    def run(self, part: Part, *, node: int | None = None, place: Place | None = None) -> Life:
        """A Pod on the next free IP, of this node if it is given, or at this very place."""
        cluster = self._world.clusters[part.cluster]
        where, ip = place or cluster.next_place(node)
        began = time.monotonic()
        uid = cluster.kube.pod(part.namespace, part.name, annotations=part.annotations, ip=ip, node=where.name)
        life = Life(uid=uid, part=part, node=where, ip=ip, began=began)
        with self._lock:
            self._lives[uid] = life
        return life

    def delete(self, life: Life) -> None:
        """Delete the Pod at once, as `kubectl delete --now` does once its containers have ended."""
        self._world.clusters[life.part.cluster].kube.delete_pod(life.part.namespace, life.part.name, uid=life.uid)
        with self._lock:
            self._lives[life.uid] = replace(life, ended=time.monotonic())

    def lives(self) -> tuple[Life, ...]:
        """Everybody, by the begin of their lives."""
        with self._lock:
            return tuple(self._lives.values())

    def last_end(self, lives: Iterable[Life]) -> float:
        """When the last of these died."""
        with self._lock:
            return max(self._lives[life.uid].ended or 0.0 for life in lives)

    def living(self, cluster: str | None = None) -> tuple[Life, ...]:
        """Those who live now, of one cluster or of both."""
        return tuple(life for life in self.lives() if life.ended is None and cluster in (None, life.part.cluster))
