"""The port `Pods`, put together: the informer's cache for every look, and the few calls that leave the process.

An address may be taken away because of a fetch, so the API server must have proved within the last ten seconds that it
is our cluster's.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from controller.core.ports import Clock, Guard
from controller.core.views import PodView
from controller.kube.cache import PodCache, Seen, version_number
from controller.kube.connection import Call, Connection, path_of
from controller.kube.decode import Pod, pod_of, view_of
from controller.kube.identity import ClusterIdentity
from controller.kube.informer import PodInformer
from controller.kube.nodes import NodeReader
from controller.kube.patches import PodWriter
from state.errors import ObjectNotFound
from state.model import PodUid

CONFIRMED_FOR_S = 10.0


class KubePods:
    """Implements `controller.core.ports.Pods` on a real API server. Thread-safe."""

    def __init__(
        self,
        connection: Connection,
        guard: Guard,
        identity: ClusterIdentity,
        *,
        namespace: str = "",
        silence_s: float = 90.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self._connection, self._identity, self._namespace = connection, identity, namespace
        self._cache = PodCache(clock)
        self._writer = PodWriter(connection, guard)
        self._nodes = NodeReader(connection, identity, clock)
        self._informer = PodInformer(
            connection, self._cache, identity, namespace=namespace, silence_s=silence_s, clock=clock
        )

    def start(self, on_change: Callable[[set[PodUid]], None]) -> None:
        """Start the informer; `on_change` gets the UIDs of Pods that changed or are gone."""
        self._informer.start(on_change)

    def stop(self) -> None:
        """Stop the informer; the cache stays readable."""
        self._informer.stop()

    def relist(self) -> None:
        """Ask the informer for a new consistent list, soon."""
        self._informer.relist()

    def silent_for_s(self) -> float:
        """Seconds since the API server last said anything about Pods."""
        return self._informer.silent_for_s()

    @property
    def silence_limit_s(self) -> float:
        """Seconds after which it says something at the latest, if it answers."""
        return self._informer.silence_limit_s

    @property
    def synced(self) -> bool:
        """Whether the cache has seen a whole list since the start."""
        return self._cache.synced

    def get(self, uid: PodUid) -> PodView | None:
        """The Pod as the cache has it."""
        return self._cache.get(uid)

    def annotated(self) -> Sequence[PodView]:
        """All cached Pods that carry an annotation or a label of ours."""
        return self._cache.annotated()

    def at_ip(self, ip: str) -> Sequence[PodView]:
        """The live Pods that have this IP; of those that share their node's, the ones that carry something of ours."""
        return self._cache.at_ip(ip)

    def ip_version(self, uid: PodUid) -> int:
        """The version at which the Pod's IP was first seen."""
        return self._cache.ip_version(uid)

    def in_scope(self, namespace: str) -> bool:
        """Whether this namespace is watched."""
        return self._namespace in ("", namespace)

    def seen_deleted(self, uid: PodUid) -> bool:
        """Whether the watch itself reported this Pod's deletion."""
        return self._cache.seen_deleted(uid)

    def fetch(self, namespace: str, name: str) -> PodView | None:
        """An uncached GET; None is a 404. Raises Unavailable where the API server is not that of our cluster."""
        path = path_of("api", "v1", "namespaces", namespace, "pods", name)
        try:
            pod = pod_of(self._connection.send(Call(verb="get", resource="pods", path=path)))
        except ObjectNotFound:
            pod = None
        self._identity.confirm(CONFIRMED_FOR_S)
        return view_of(pod) if pod else None

    def patch_labels(self, pod: PodView, labels: Mapping[str, str | None]) -> PodView:
        """Set and remove (None) labels. ObjectNotFound: no such Pod. ObjectConflict: another, or it has changed."""
        return self._learn(self._writer.labels(pod, labels))

    def patch_condition(self, pod: PodView, *, status: bool, reason: str, message: str) -> PodView:
        """Write the readiness condition."""
        return self._learn(self._writer.condition(pod, status=status, reason=reason, message=message))

    def assume(self, pod: PodView) -> None:
        """Take this for the Pod until the watch, or an answer, shows another version of it."""
        self._cache.assume(pod)

    def instance_of(self, node: str, since: float) -> tuple[bool, str | None]:
        """Whether the Node was read after `since`, and its EC2 instance. Calls no API."""
        known = self._nodes.known(node, since)
        return known is not None, known.instance_id if known else None

    def read_instance(self, node: str) -> None:
        """Read the Node now."""
        self._nodes.read(node)

    def own_instances(self) -> frozenset[str]:
        """The instance ids of all Nodes of this cluster, read anew."""
        return self._nodes.instances()

    def _learn(self, pod: Pod) -> PodView:
        view = view_of(pod)
        self._cache.learn(Seen(view, version_number(pod.metadata.resource_version)))
        return view
