"""The ledger's values: what a claim is, whose it is, and what it is for.

All of them are frozen and independent of DynamoDB, EC2 and Kubernetes. Each kind of identifier has a type of its own,
although all are strings: an allocation id in the place of an association id would cut somebody's traffic.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

AllocationId = NewType("AllocationId", str)
AssociationId = NewType("AssociationId", str)
InterfaceId = NewType("InterfaceId", str)
PodUid = NewType("PodUid", str)
ClusterUid = NewType("ClusterUid", str)
Epoch = NewType("Epoch", int)
Rev = NewType("Rev", int)


class Mode(StrEnum):
    """How a Pod asks for its address; the values are those of the annotation."""

    AUTO = "auto"
    FIXED_TAG = "fixed-tag"
    FIXED_TAG_VALUE = "fixed-tag-value"


class Phase(StrEnum):
    """How far the serving of a Pod has come, as the ledger knows it."""

    INTENT = "intent"
    CLAIMED = "claimed"
    ASSOCIATED = "associated"
    RELEASING = "releasing"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Target:
    """Where traffic to an address goes: one private IP of one network interface."""

    interface_id: InterfaceId
    private_ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallKey:
    """One installation of the controller: the UID of the cluster's kube-system namespace, and its Lease.

    Its text is `UID#NAMESPACE/LEASE`. No UID can hold a `#`, and no namespace a slash.
    """

    cluster_uid: ClusterUid
    lease_namespace: str
    lease_name: str

    @property
    def install(self) -> str:
        """`NAMESPACE/LEASE`: the name of the install within its cluster."""
        return f"{self.lease_namespace}/{self.lease_name}"

    def __str__(self) -> str:
        return f"{self.cluster_uid}#{self.install}"

    @classmethod
    def parse(cls, text: str) -> "InstallKey":
        """The install with this text. Raises ValueError if it is none."""
        cluster_uid, _, install = text.partition("#")
        return cls.within(ClusterUid(cluster_uid), install)

    @classmethod
    def within(cls, cluster_uid: ClusterUid, install: str) -> "InstallKey":
        """The install that has this name (`NAMESPACE/LEASE`) in this cluster. Raises ValueError if it is none."""
        namespace, _, name = install.partition("/")
        if not (cluster_uid and namespace and name):
            raise ValueError(f"'{install}' of cluster '{cluster_uid}' is no install")
        return cls(cluster_uid=cluster_uid, lease_namespace=namespace, lease_name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The one Pod that an address belongs to, and the epoch in which it got it."""

    install: InstallKey
    pod_uid: PodUid
    epoch: Epoch

    @property
    def cluster_uid(self) -> ClusterUid:
        """The cluster of the Pod."""
        return self.install.cluster_uid


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptedTags:
    """The tags of an `auto` address that was adopted: it may be released only while they still say the same.

    `pod_uid` is empty on addresses that the Go controller gave out.
    """

    cluster_name: str
    pod: str
    pod_uid: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodRecord:
    """The Pod's side of a claim. `pool` is the public IPv4 pool of `auto`, else the tag key.

    `since`: when it came into its phase, by the wall clock of the leader then (RFC 3339); empty where an earlier
    release wrote it. It is to be shown only, and never compared.
    `since`, `rev` and `nonce` are the ledger's. The last two: the revision that was read, and the write that made it.
    (A record that was deleted and made again starts with the same rev. The nonce keeps a late write from taking it for
    the old one.)
    """

    uid: PodUid
    namespace: str
    name: str
    mode: Mode
    pool: str
    phase: Phase
    allocation_id: AllocationId | None = None
    public_ip: str | None = None
    target: Target | None = None
    association_id: AssociationId | None = None
    adopted: AdoptedTags | None = None
    traceparent: str = ""
    since: str = field(default="", compare=False)
    rev: Rev = Rev(0)
    nonce: str = field(default="", compare=False, repr=False)

    @property
    def holder(self) -> str:
        """`namespace/podname`, as tags and candidates name a Pod."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRecord:
    """The address's side of a claim. `recent`: earlier targets; a late call of ours may still associate it with one.

    `last_holder` and `last_mode` are of the claim that has it, or had it last; None where an earlier release wrote it.
    `rev` and `nonce` as in PodRecord.
    """

    allocation_id: AllocationId
    pool: str
    public_ip: str = ""
    owner: Owner | None = None
    target: Target | None = None
    recent: tuple[Target, ...] = ()
    last_holder: str = ""
    last_mode: Mode | None = None
    rev: Rev = Rev(0)
    nonce: str = field(default="", compare=False, repr=False)

    def knows(self, target: Target) -> bool:
        """Whether this is one of its targets, so that an association with it is ours."""
        return target == self.target or target in self.recent


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One claim's transition, both sides at once: from what was read (None: absent) to what shall be (None: deleted).

    The ledger makes each side conditional on the `rev` of `before`, or on absence, and gives `after` the next rev.
    A side whose before and after are both None is not touched.
    """

    pod_before: PodRecord | None = None
    pod_after: PodRecord | None = None
    address_before: AddressRecord | None = None
    address_after: AddressRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolQueue:
    """The Pods of one install that wait for a pool: how long the first has waited, and how many about as long.

    `border_group`: that of their interfaces, "" where it is not known. `waited_s` is a duration and not a point in
    time, since the clocks of two machines are never compared.
    """

    pool: str
    border_group: str
    waiting: int
    waited_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRecord:
    """One install as the table has it. `heartbeat` only grows; `silence_s` is its setting of `--silence`.

    `fenced`: another install, or itself, raised its epoch, and it has begun no term since; so it writes nothing.
    `queues`: its waiting Pods, as it told last. `word`: an id of that message, since equal queues may be of other Pods.
    """

    key: InstallKey
    epoch: Epoch
    heartbeat: int
    leader: str
    cluster_name: str
    scope: str
    silence_s: int
    version: str
    fenced: bool = False
    word: str = ""
    queues: tuple[PoolQueue, ...] = ()
