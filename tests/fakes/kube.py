"""Kubernetes for tests of the engine: what stands at the API server, and what a cache makes of it, kept apart.

The state is the Pods; a patch changes them as the real one does, with UID and version as preconditions. The cache
follows at once, or not at all while it is `stale`; a deletion can be seen by the watch or missed. Calls can fail before
or after their effect. Time does not pass here. The Lease has a fake of its own, in `tests.fakes.lease`.
"""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from controller.core.ports import Guard, PodEvent, PodView
from state.errors import ObjectConflict, ObjectInvalid, ObjectNotFound, PodEipError, Unavailable
from state.model import PodUid

LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
Operation = Literal["fetch", "patch_labels", "patch_condition", "instance_of", "own_instances"]
OnChange = Callable[[set[PodUid]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPatch:
    """What a label patch said."""

    uid: PodUid
    labels: Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionPatch:
    """What a condition patch said."""

    uid: PodUid
    status: bool
    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The fate of one call: `error`, after the effect if `lost_reply`, else before it."""

    operation: Operation
    error: PodEipError
    lost_reply: bool = False


class Permit:
    """A guard that lets everything pass."""

    def check(self) -> None:
        """Say nothing."""


@dataclass(slots=True, kw_only=True)
class FakePods:
    """Implements `Pods`. `pods` is the truth of the API server; the port's looks see the cache."""

    scope: str = ""
    guard: Guard = field(default_factory=Permit)
    on_change: OnChange = lambda _: None
    synced: bool = True
    stale: bool = False
    foreign: bool = False
    pods: dict[PodUid, PodView] = field(default_factory=dict)
    instances: dict[str, str | None] = field(default_factory=dict)
    patches: list[LabelPatch | ConditionPatch] = field(default_factory=list)
    fetches: list[str] = field(default_factory=list)
    faults: deque[Fault] = field(default_factory=deque)
    _cache: dict[PodUid, PodView] = field(default_factory=dict)
    _deleted: set[PodUid] = field(default_factory=set)
    _version: int = 0

    # what the world does

    def put(self, pod: PodView) -> PodView:
        """The Pod is made, or is now like this."""
        self._version += 1
        pod = self.pods[pod.uid] = replace(pod, version=str(self._version))
        if not self.stale and self.in_scope(pod.namespace):
            self._cache[pod.uid] = pod
            self.on_change({pod.uid})
        return pod

    def delete(self, uid: PodUid, *, watched: bool = True) -> None:
        """The Pod is gone. Unless `watched`, the cache still has it, and after `relist` it is merely missing."""
        del self.pods[uid]
        if watched and not self.stale:
            self._cache.pop(uid, None)
            self._deleted.add(uid)
            self.on_change({uid})

    def relist(self) -> None:
        """The informer lists anew: the cache is exact again, and what is missing was not seen to be deleted."""
        fresh = {uid: pod for uid, pod in self.pods.items() if self.in_scope(pod.namespace)}
        changed = {uid for uid in self._cache.keys() | fresh.keys() if self._cache.get(uid) != fresh.get(uid)}
        self._cache, self.stale, self.synced = fresh, False, True
        if changed:
            self.on_change(changed)

    def fail(self, operation: Operation, error: PodEipError, *, lost_reply: bool = False) -> None:
        """The next such call fails so."""
        self.faults.append(Fault(operation=operation, error=error, lost_reply=lost_reply))

    # the port

    def get(self, uid: PodUid) -> PodView | None:
        """The cache's."""
        return self._cache.get(uid)

    def annotated(self) -> Sequence[PodView]:
        """The cache's with something of ours."""
        return [pod for pod in self._cache.values() if pod.annotations or pod.labels]

    def at_ip(self, ip: str) -> Sequence[PodView]:
        """The cache's live ones."""
        live = [pod for pod in self._cache.values() if not (pod.finished or pod.drained or pod.host_network)]
        return [pod for pod in live if ip and pod.ip == ip]

    def in_scope(self, namespace: str) -> bool:
        """Whether it is watched."""
        return self.scope in ("", namespace)

    def seen_deleted(self, uid: PodUid) -> bool:
        """Whether `delete` was watched."""
        return uid in self._deleted

    def fetch(self, namespace: str, name: str) -> PodView | None:
        """The truth's."""
        self.fetches.append(f"{namespace}/{name}")
        if fault := self._fault("fetch"):
            raise fault.error
        if self.foreign:
            raise Unavailable("another cluster's API server", code="ForeignCluster")
        return self._named(namespace, name)

    def patch_labels(self, pod: PodView, labels: Mapping[str, str | None]) -> None:
        """Changes the truth, and the cache as the answer to a patch does."""
        self.guard.check()
        if illegal := [value for value in labels.values() if value is not None and not LABEL_VALUE.fullmatch(value)]:
            raise ObjectInvalid(f"metadata.labels: Invalid value: {illegal[0]!r}", code="Invalid")

        def effect(there: PodView) -> PodView:
            merged = {**there.labels, **labels}
            return replace(there, labels={key: value for key, value in merged.items() if value is not None})

        self._patch("patch_labels", pod, LabelPatch(uid=pod.uid, labels=dict(labels)), effect)

    def patch_condition(self, pod: PodView, *, status: bool, reason: str, message: str) -> None:
        """Changes the truth, and the cache as the answer to a patch does."""
        self.guard.check()
        patch = ConditionPatch(uid=pod.uid, status=status, reason=reason, message=message)
        self._patch("patch_condition", pod, patch, lambda there: replace(there, condition=str(status)))

    def instance_of(self, node: str) -> str | None:
        """From `instances`."""
        if fault := self._fault("instance_of"):
            raise fault.error
        return self.instances.get(node)

    def own_instances(self) -> frozenset[str]:
        """From `instances`."""
        if fault := self._fault("own_instances"):
            raise fault.error
        return frozenset(instance for instance in self.instances.values() if instance)

    def _patch(
        self,
        operation: Operation,
        pod: PodView,
        patch: LabelPatch | ConditionPatch,
        effect: Callable[[PodView], PodView],
    ) -> None:
        fault = self._fault(operation)
        if fault and not fault.lost_reply:
            raise fault.error
        there = self._named(pod.namespace, pod.name)
        if there is None:
            raise ObjectNotFound(f"pods {pod.name!r} not found", code="NotFound")
        if there.uid != pod.uid:
            raise ObjectConflict(f"the UID is {there.uid}", code="Conflict")
        if pod.version not in ("", there.version):
            raise ObjectConflict("the object has been modified", code="Conflict")
        self.patches.append(patch)
        self.put(effect(there))
        if fault:
            raise fault.error

    def _named(self, namespace: str, name: str) -> PodView | None:
        return next((pod for pod in self.pods.values() if (pod.namespace, pod.name) == (namespace, name)), None)

    def _fault(self, operation: Operation) -> Fault | None:
        for fault in self.faults:
            if fault.operation == operation:
                self.faults.remove(fault)
                return fault
        return None


@dataclass(slots=True)
class FakeEvents:
    """Implements `Events`: remembers what was said."""

    said: list[tuple[PodView, PodEvent]] = field(default_factory=list)

    def emit(self, pod: PodView, event: PodEvent) -> None:
        """Remember it."""
        self.said.append((pod, event))

    def reasons(self, uid: PodUid) -> list[str]:
        """What one Pod was told, in order."""
        return [event.reason for pod, event in self.said if pod.uid == uid]
