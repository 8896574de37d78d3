"""Kubernetes for tests of the engine: what stands at the API server, and what a cache makes of it, kept apart.

The state is the Pods; a patch changes them as the real one does, with UID and version as preconditions, and one that
changes nothing leaves the version. The cache is the product's own, with what it calls news: it follows at once, or
while it is `stale` only by the answers to our own patches. What it misses meanwhile the watch tells by `catch_up`, or a
list by `relist`; a deletion can be seen by the watch or missed. Calls can fail before or after their effect, and the
world can change in the middle of one (`amid`). Time does not pass here. The Lease has a fake of its own.
"""

import re
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from controller.core.ports import Guard
from controller.core.views import PodEvent, PodView
from controller.kube.cache import PodCache, Seen
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
    amid: Callable[[Operation], None] = lambda _: None
    _cache: PodCache = field(init=False)
    _missed: list[PodView] = field(default_factory=list)
    clock: Callable[[], float] = time.monotonic
    _read: dict[str, tuple[float, str | None]] = field(default_factory=dict)
    _version: int = 0

    def __post_init__(self) -> None:
        self._version = max((int(pod.version or 0) for pod in self.pods.values()), default=0)
        self._cache = PodCache(lambda: self.clock())
        self._cache.replace(_seen(pod) for pod in self.pods.values() if not self.stale)

    # what the world does

    def put(self, pod: PodView) -> PodView:
        """The Pod is made, or is now like this."""
        pod = self._store(pod)
        if not self.stale:
            self.catch_up()
        return pod

    def delete(self, uid: PodUid, *, watched: bool = True) -> None:
        """The Pod is gone. Unless `watched`, the cache still has it, and after `relist` it is merely missing."""
        del self.pods[uid]
        if watched and not self.stale:
            self._cache.remove(uid)
            self.on_change({uid})

    def catch_up(self) -> None:
        """The watch tells what it has not told yet."""
        told, self._missed = self._missed, []
        if changed := {pod.uid for pod in told if self._cache.apply(_seen(pod))}:
            self.on_change(changed)

    def relist(self) -> None:
        """The informer lists anew: the cache is exact again, and what is missing was not seen to be deleted."""
        self.stale, self.synced, self._missed = False, True, []
        if changed := self._cache.replace(_seen(pod) for pod in self.pods.values() if self.in_scope(pod.namespace)):
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
        return self._cache.annotated()

    def at_ip(self, ip: str) -> Sequence[PodView]:
        """The cache's live ones."""
        return self._cache.at_ip(ip)

    def ip_version(self, uid: PodUid) -> int:
        """From the cache."""
        return self._cache.ip_version(uid)

    def in_scope(self, namespace: str) -> bool:
        """Whether it is watched."""
        return self.scope in ("", namespace)

    def seen_deleted(self, uid: PodUid) -> bool:
        """Whether `delete` was watched."""
        return self._cache.seen_deleted(uid)

    def fetch(self, namespace: str, name: str) -> PodView | None:
        """The truth's."""
        self.amid("fetch")
        self.fetches.append(f"{namespace}/{name}")
        if fault := self._fault("fetch"):
            raise fault.error
        if self.foreign:
            raise Unavailable("another cluster's API server", code="ForeignCluster")
        return self._named(namespace, name)

    def patch_labels(self, pod: PodView, labels: Mapping[str, str | None]) -> PodView:
        """Changes the truth, and the cache as the answer to a patch does."""
        self.guard.check()
        if illegal := [value for value in labels.values() if value is not None and not LABEL_VALUE.fullmatch(value)]:
            raise ObjectInvalid(f"metadata.labels: Invalid value: {illegal[0]!r}", code="Invalid")

        def effect(there: PodView) -> PodView:
            merged = {**there.labels, **labels}
            return replace(there, labels={key: value for key, value in merged.items() if value is not None})

        return self._patch("patch_labels", pod, LabelPatch(uid=pod.uid, labels=dict(labels)), effect)

    def patch_condition(self, pod: PodView, *, status: bool, reason: str, message: str) -> PodView:
        """Changes the truth, and the cache as the answer to a patch does."""
        self.guard.check()
        patch = ConditionPatch(uid=pod.uid, status=status, reason=reason, message=message)
        return self._patch("patch_condition", pod, patch, lambda there: replace(there, condition=str(status)))

    def assume(self, pod: PodView) -> None:
        """The cache takes this for the Pod."""
        self._cache.assume(pod)

    def instance_of(self, node: str, since: float) -> tuple[bool, str | None]:
        """As it was read, if that is late enough."""
        read_at, instance = self._read.get(node, (float("-inf"), None))
        return (True, instance) if read_at > since else (False, None)

    def read_instance(self, node: str) -> None:
        """From `instances`."""
        if fault := self._fault("instance_of"):
            raise fault.error
        self._read[node] = (self.clock(), self.instances.get(node))

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
    ) -> PodView:
        fault = self._fault(operation)
        if fault and not fault.lost_reply:
            raise fault.error
        self.amid(operation)
        there = self._named(pod.namespace, pod.name)
        if there is None:
            raise ObjectNotFound(f"pods {pod.name!r} not found", code="NotFound")
        if there.uid != pod.uid:
            raise ObjectConflict(f"the UID is {there.uid}", code="Conflict")
        if pod.version not in ("", there.version):
            raise ObjectConflict("the object has been modified", code="Conflict")
        self.patches.append(patch)
        new = effect(there)
        answer = there if new == there else self._store(new)
        if fault:
            raise fault.error
        self._cache.learn(_seen(answer))
        if not self.stale:
            self.catch_up()
        return answer

    def _store(self, pod: PodView) -> PodView:
        """At the API server alone: the watch has not told it yet."""
        self._version += 1
        pod = self.pods[pod.uid] = replace(pod, version=str(self._version))
        if self.in_scope(pod.namespace):
            self._missed.append(pod)
        return pod

    def _named(self, namespace: str, name: str) -> PodView | None:
        return next((pod for pod in self.pods.values() if (pod.namespace, pod.name) == (namespace, name)), None)

    def _fault(self, operation: Operation) -> Fault | None:
        for fault in self.faults:
            if fault.operation == operation:
                self.faults.remove(fault)
                return fault
        return None


def _seen(pod: PodView) -> Seen:
    return Seen(pod, int(pod.version or 0))


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
