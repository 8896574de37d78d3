"""What happened in a world, written down from outside: by doors before its servers, by watches, by EC2 itself.

The controller is never asked. All times are those of CLOCK_MONOTONIC, which every process of one machine shares, so
that records of different servers can be put in one order. A write whose answer nobody saw is not sure: it may have
happened, and a judge must be content with either.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

from sandbox.ec2.log import Entry
from sandbox.ec2.model import Address

Service = Literal["ec2", "dynamodb", "kubernetes"]
Key = tuple[str, str]
Item = Mapping[str, Any]
EC2_MUTATIONS = frozenset({"AllocateAddress", "AssociateAddress", "DisassociateAddress", "ReleaseAddress"})
KUBERNETES_WRITES = ("create ", "update ", "patch ", "delete ")
TRANSACTION = "TransactWriteItems"


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One life of one replica: its name, and how often that name was started before."""

    name: str
    life: int = 0

    @property
    def cluster(self) -> str:
        """Its cluster: replicas are named after it and counted."""
        return self.name.rstrip("0123456789")

    def __str__(self) -> str:
        return f"{self.name}.{self.life}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a process. `what` is the action, or `VERB RESOURCE`; `about` says more for people.

    `status` is the server's answer, whether or not it reached the process; None: it was not delivered, or nobody knows.
    `signed`: the end of the second in which its signature says that it was made; infinite: nothing says so.
    """

    service: Service
    who: Process
    what: str
    about: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    began: float = 0.0
    ended: float = 0.0
    signed: float = inf
    status: int | None = None

    @property
    def changes(self) -> bool:
        """Whether it is more than a look."""
        return (
            self.what in EC2_MUTATIONS
            or self.what == TRANSACTION
            or (self.service == "kubernetes" and self.what.startswith(KUBERNETES_WRITES))
        )

    @property
    def renews(self) -> bool:
        """Whether it writes the Lease."""
        return self.service == "kubernetes" and self.what in ("update leases", "create leases")

    @property
    def holder(self) -> str:
        """The holder that a write of the Lease names; empty where it gives the Lease up."""
        return str(self.body.get("spec", {}).get("holderIdentity") or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One transaction that the table accepted, or may have (not `sure`), in the order of the table.

    `raises`: the installs whose epoch it raised. `resets`: a person put other items in place of all.
    """

    who: Process | None = None
    at: float = 0.0
    puts: Mapping[Key, Item] = field(default_factory=dict)
    deletes: frozenset[Key] = frozenset()
    fence: str = ""
    raises: frozenset[str] = frozenset()
    sure: bool = True
    resets: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PodSight:
    """A Pod as a watch showed it from this time on. `mode` is empty where it asks for no address.

    `machine`: the EC2 instance of its Node, by the Node's providerID; empty where nobody knows. `branches`: the branch
    interfaces that the VPC resource controller's annotation names.
    """

    at: float
    uid: str
    name: str
    cluster: str = "a"
    ip: str = ""
    mode: str = ""
    pool: str = ""
    label: str = ""
    gone: bool = False
    machine: str = ""
    branches: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A process was sent a signal."""

    at: float
    who: Process
    kind: Literal["kill", "term", "stop", "cont"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the design promises in seconds, for the settings of this world.

    misplaced_s: how long an address may stand where its owner is not. unclaimed_s: how long an address of our making
    may be in nobody's claim. stale_label_s: how long a label may outlive what it says. failover_s: from a leader's
    death to the next epoch; handover_s: from its release of the Lease to that.
    """

    renew_deadline_s: float = 2.0
    misplaced_s: float = 15.0
    unclaimed_s: float = 20.0
    stale_label_s: float = 15.0
    failover_s: float = 8.0
    handover_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A whole run. `quiet`: from when until when nothing was asked of the controller; None: there was no such time.

    `hopeless`: UIDs of Pods that cannot be served, for what they ask for does not exist. `adoptable`: allocation ids
    that another controller gave out with this cluster's tags.
    """

    calls: tuple[Call, ...] = ()
    writes: tuple[Write, ...] = ()
    journal: tuple[Entry, ...] = ()
    pods: tuple[PodSight, ...] = ()
    signals: tuple[Signal, ...] = ()
    addresses: tuple[Address, ...] = ()
    items: Mapping[Key, Item] = field(default_factory=dict)
    hopeless: frozenset[str] = frozenset()
    adoptable: frozenset[str] = frozenset()
    began: float = 0.0
    ended: float = 0.0
    quiet: tuple[float, float] | None = None
    bounds: Bounds = field(default_factory=Bounds)
