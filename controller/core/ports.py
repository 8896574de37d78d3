"""The ports of the core: what the engine asks of EC2, Kubernetes and the ledger, as Protocols.

Adapters implement them and raise the errors of `state.errors`, nothing else. What the ports take and return stands in
`core/views`, so that neither adapter knows the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from controller.core.views import Address, Allocation, AllocationRequest, Interface, PodEvent, PodView
from state.errors import ItemUnreadable
from state.model import (
    AddressRecord,
    AllocationId,
    AssociationId,
    Change,
    InstallRecord,
    PodRecord,
    PodUid,
    PoolQueue,
    Target,
)


class Ec2(Protocol):
    """The calls to EC2. Mutations raise NotLeading instead of starting too late, and are never retried."""

    def describe_addresses(self) -> Sequence[Address]:
        """All addresses of the account and Region, one call."""
        ...

    def address_quota(self) -> int | None:
        """How many addresses the account may have in this Region; None where EC2 does not say."""
        ...

    def describe_interfaces_by_ip(self, private_ips: Iterable[str]) -> Sequence[Interface]:
        """The VPC's interfaces that carry one of these IPs as primary or secondary, 200 IPs a call."""
        ...

    def describe_interfaces_by_instance(self, instance_ids: Iterable[str]) -> Sequence[Interface]:
        """The VPC's interfaces that are attached to one of these instances, with their delegated prefixes."""
        ...

    def allocate(self, request: AllocationRequest) -> Allocation:
        """Allocate and tag at once. Unavailable means that an address may exist: find it by its tags."""
        ...

    def associate(self, allocation_id: AllocationId, target: Target) -> AssociationId:
        """Associate with AllowReassociation=false. Returns the association id; the same call again, the same id."""
        ...

    def disassociate(self, association_id: AssociationId) -> None:
        """Cut exactly this association; raises AssociationNotFound or InterfaceNotFound where it is not there."""
        ...

    def release(self, allocation_id: AllocationId, border_group: str) -> None:
        """Give the address back; raises AddressNotFound where it is not there, AddressInUse where it is associated."""
        ...


class Pods(Protocol):
    """The Kubernetes side: the informer's cache (never blocks) and the few calls that leave the process."""

    @property
    def synced(self) -> bool:
        """Whether the cache has seen a whole list since the start."""
        ...

    def get(self, uid: PodUid) -> PodView | None:
        """The Pod as the cache has it."""
        ...

    def annotated(self) -> Sequence[PodView]:
        """All cached Pods that carry an annotation or a label of ours."""
        ...

    def at_ip(self, ip: str) -> Sequence[PodView]:
        """The live (not finished, not drained) Pods that have this IP.

        All hostNetwork Pods of a node have the node's IP: of them, only those with an annotation or label of ours.
        """
        ...

    def ip_version(self, uid: PodUid) -> int:
        """The version of the Pod at which its IP was first seen; 0 where versions are no numbers.

        Of two Pods that show one IP, the one with the greater version was given it later.
        """
        ...

    def in_scope(self, namespace: str) -> bool:
        """Whether this namespace is watched. If not, a Pod's absence from the cache proves nothing."""
        ...

    def seen_deleted(self, uid: PodUid) -> bool:
        """Whether the watch itself reported this Pod's deletion."""
        ...

    def fetch(self, namespace: str, name: str) -> PodView | None:
        """An uncached GET; None is a 404. Raises Unavailable where the API server is not that of our cluster."""
        ...

    def patch_labels(self, pod: PodView, labels: Mapping[str, str | None]) -> PodView:
        """Set and remove (None) labels of the Pod with this UID and, if given, this version. Returns the new Pod.

        ObjectNotFound: there is no Pod of this name. ObjectConflict: the Pod has another UID, or another version.
        """
        ...

    def patch_condition(self, pod: PodView, *, status: bool, reason: str, message: str) -> PodView:
        """Write the readiness condition `aws-samples.github.com/eip-associated`, on the same terms as the labels."""
        ...

    def assume(self, pod: PodView) -> None:
        """Have the cache take this for the Pod until the watch, or an answer, shows another version.

        It is what the caller saw by a `fetch`, or stands for a Pod that the API server refuses. It counts as no news.
        """
        ...

    def instance_of(self, node: str, since: float) -> tuple[bool, str | None]:
        """Whether the node was read after `since` (monotonic), and the EC2 instance id of its providerID, if any."""
        ...

    def read_instance(self, node: str) -> None:
        """Read this node now; a node that is not there counts as one without an instance."""
        ...

    def own_instances(self) -> frozenset[str]:
        """The instance ids of all Nodes of this cluster, read anew."""
        ...


class Events(Protocol):
    """Kubernetes events, for the authors of Pods. Never raises, never blocks; nothing depends on an event."""

    def emit(self, pod: PodView, event: PodEvent) -> None:
        """Queue an event for this Pod."""
        ...


class Ledger(Protocol):
    """The claims of this install, and what it knows of other installs' claims. All reads are strong."""

    def pods(self) -> Mapping[PodUid, PodRecord]:
        """Every claim of this install, from the cache, which is exact while we lead."""
        ...

    def pod(self, uid: PodUid) -> PodRecord | None:
        """One claim of this install, from that cache."""
        ...

    def address(self, allocation_id: AllocationId) -> AddressRecord | None:
        """The address's side as it was last read or written."""
        ...

    def addresses(self) -> Mapping[AllocationId, AddressRecord]:
        """Every address's side that was read or written in this term."""
        ...

    def refresh(self, allocation_ids: Iterable[AllocationId]) -> None:
        """Read these addresses' sides anew (one BatchGetItem for each 100)."""
        ...

    def commit(self, change: Change) -> None:
        """Write both sides, fenced by the epoch. Raises ConditionLost, Fenced, Unavailable (outcome read back)."""
        ...

    def take_over(self, silent: InstallRecord, change: Change | None = None) -> None:
        """`commit`, and in the same transaction fence `silent`; ConditionLost, too, where its heartbeat has moved."""
        ...

    def unreadable(self) -> Mapping[tuple[str, str], ItemUnreadable]:
        """The items, by their keys, that this release cannot read and leaves alone."""
        ...

    def installs(self) -> Sequence[InstallRecord]:
        """Every install that shares the table, read anew."""
        ...


class Heartbeat(Protocol):
    """The install's own heartbeat in the table."""

    def heartbeat(self, queues: Sequence[PoolQueue] | None = None) -> None:
        """Move this install's counter, and tell the others which Pods wait (None: as was told before)."""
        ...

    def seconds_since_write(self) -> float:
        """Seconds since a write of this term was accepted, counted from when it was sent."""
        ...


class Guard(Protocol):
    """Whether a mutation may be sent; asked as the last thing before it is."""

    def check(self) -> None:
        """Raise NotLeading unless a call that starts now ends, at its time limit, before the leader's deadline."""
        ...


class Clock(Protocol):
    """Monotonic seconds."""

    def __call__(self) -> float:
        """Now."""
        ...


class Telemetry(Protocol):
    """What telemetry is told. It never raises."""

    def call(self, service: str, operation: str, seconds: float, code: str) -> None:
        """A call to an API has ended (code "" for success)."""
        ...

    def event_dropped(self, reason: str, count: int = 1) -> None:
        """So many events about Pods were dropped, for this reason; 0: none yet."""
        ...

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """So many spans were `sent`, `refused` (by the receiver), `undelivered` or `dropped` (the queue was full)."""
        ...
