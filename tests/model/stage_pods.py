"""Kubernetes as a leader in the plan's model sees it: a cache that may be behind, and an API server that is not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.core import contract
from controller.core.views import PodEvent, PodView
from state.errors import ObjectNotFound
from state.model import PodUid
from tests.model.account import NODE
from tests.model.stage import Stage

if TYPE_CHECKING:
    from tests.model.world import World


class StagePods:
    """The Kubernetes port of one leader: a cache that may be behind, and an API server that is not."""

    synced = True

    def __init__(self, stage: Stage, name: str, cluster: str) -> None:
        self._stage, self._name, self._cluster = stage, name, cluster

    @property
    def _cache(self) -> Mapping[PodUid, PodView]:
        return self._stage.world.leaders[self._name].cache

    def get(self, uid: PodUid) -> PodView | None:
        """From the cache."""
        return self._cache.get(uid)

    def annotated(self) -> Sequence[PodView]:
        """From the cache."""
        return [pod for pod in self._cache.values() if pod.annotations or pod.labels]

    def at_ip(self, ip: str) -> Sequence[PodView]:
        """From the cache."""
        return [pod for pod in self._cache.values() if pod.ip == ip and not (pod.finished or pod.drained)]

    def in_scope(self, namespace: str) -> bool:
        """Everything is."""
        return True

    def seen_deleted(self, uid: PodUid) -> bool:
        """Whether this leader's watch told it."""
        return uid in self._stage.world.leaders[self._name].deleted

    def fetch(self, namespace: str, name: str) -> PodView | None:
        """From the API server."""
        pods = self._stage.world.pods[self._cluster].values()
        return next((pod for pod in pods if (pod.namespace, pod.name) == (namespace, name)), None)

    def patch_labels(self, pod: PodView, labels: Mapping[str, str | None]) -> PodView:
        """PATCH, with the UID as precondition. A label that says "associated" must not come before that is so."""
        world, shown = self._stage.world, labels.get(contract.LABEL_PUBLIC_IP)
        if shown and (shown, pod.ip) not in world.account.served:
            world.account.accuse(f"{pod.uid} is labelled with {shown}, which was never associated with {pod.ip}")

        def effect(world: "World") -> PodView:
            standing = self._standing(world, pod)
            patched = {key: value for key, value in {**standing.labels, **labels}.items() if value is not None}
            return self._store(world, replace(standing, labels=patched))

        return self._learn(self._stage.call(f"PatchPod {pod.uid} {shown}", effect))

    def patch_condition(self, pod: PodView, *, status: bool, reason: str, message: str) -> PodView:
        """PATCH of the status."""
        patched = self._stage.call(
            f"PatchPodStatus {pod.uid} {status}",
            lambda world: self._store(world, replace(self._standing(world, pod), condition=str(status))),
        )
        return self._learn(patched)

    def assume(self, pod: PodView) -> None:
        """The cache takes this for the Pod."""
        self._learn(pod)

    def ip_version(self, uid: PodUid) -> int:
        """The model's Pods have no versions: of two at one IP the younger was given it."""
        return 0

    def instance_of(self, node: str, since: float) -> tuple[bool, str | None]:
        """The one that there is."""
        return True, NODE

    def read_instance(self, node: str) -> None:
        """It is known."""

    def own_instances(self) -> frozenset[str]:
        """The node is the first cluster's."""
        return frozenset({NODE}) if self._cluster == next(iter(self._stage.world.pods)) else frozenset()

    def _learn(self, pod: PodView) -> PodView:
        """The cache takes the answer to a call, if it has the Pod; what it has is never newer."""
        known = self._cache.get(pod.uid)
        if known is not None and known is not pod:
            self._stage.world.leaders[self._name].cache = {**self._cache, pod.uid: pod}
        return pod

    def _standing(self, world: "World", pod: PodView) -> PodView:
        standing = world.pods[self._cluster].get(pod.uid)
        if standing is None:
            raise ObjectNotFound("no such Pod")
        return standing

    def _store(self, world: "World", pod: PodView) -> PodView:
        world.pods = {**world.pods, self._cluster: {**world.pods[self._cluster], pod.uid: pod}}
        return pod


class Silence:
    """Where events go that nobody reads."""

    def emit(self, pod: PodView, event: PodEvent) -> None:
        """Nothing."""
