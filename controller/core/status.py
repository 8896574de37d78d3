"""The status document: what `/api/v1/status`, the status page and the `status` command show, as one value.

It is a snapshot: showing it calls no API. Times are RFC 3339 in UTC, for people to read and never compared. None means
that a value is not known, or does not apply.
"""

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from controller.core.hangs import Waits
from controller.core.quota import AccountQuota


class ShownPhase(StrEnum):
    """How far the serving of a Pod has come, in the words that users see."""

    PENDING = "pending"
    WAITING = "waiting"
    CLAIMED = "claimed"
    ASSOCIATED = "associated"
    RELEASING = "releasing"
    INVALID = "invalid"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderStatus:
    """Who leads, as this replica knows it; an empty identity means nobody."""

    identity: str = ""
    is_me: bool = False
    epoch: int | None = None
    since: str | None = None


@dataclass(frozen=True, kw_only=True)  # without slots: see Status.to_json
class PodStatus:
    """One Pod that asks for an address, or still has one.

    pool: the one that its address is of, or that it asks for: the public IPv4 pool of `auto`, else the tag key.
    created: when the Pod was, as the API server says. trace_id: of the trace of its serving.
    attempts: failed tries in a row, as the workqueue counts them. next_try: when it is looked at again; None: at once,
    or when something changes. Only the leader knows these two.
    """

    namespace: str
    name: str
    uid: str
    mode: str
    phase: ShownPhase
    public_ip: str | None = None
    private_ip: str | None = None
    allocation_id: str | None = None
    since: str | None = None
    error: str | None = None
    node: str | None = None
    created: str | None = None
    attempts: int | None = None
    next_try: str | None = None
    trace_id: str | None = None
    pool: str | None = None


@dataclass(frozen=True, kw_only=True)  # without slots: see Status.to_json
class HolderStatus:
    """Who has an address of a pool: the cluster's name (or UID) and `namespace/podname`."""

    public_ip: str
    cluster: str
    pod: str


@dataclass(frozen=True, kw_only=True)  # without slots: see Status.to_json
class PoolStatus:
    """The addresses that carry one tag key, how many Pods of this install wait for one, and since when the first.

    Only the leader looks at EC2 and knows who waits; None on others, and until its first look.
    `ours`: how many of the holders are Pods of this install. `named`: metrics may name it. Such keys are few: the
    operator listed them, or an address carries them.
    """

    tag_key: str
    total: int | None = None
    free: int | None = None
    waiting: int | None = None
    longest_wait_s: int | None = None
    named: bool = False
    ours: int | None = None
    holders: tuple[HolderStatus, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """An install that shares the table: seconds since its heartbeat moved, how many addresses it holds, and how many
    of its Pods wait for one, as its item says.

    `same_name`: it belongs to another cluster that lives and has our cluster's name. Of these, a standby knows
    the names and who waits: it reads the table too seldom for more.
    """

    uid: str
    name: str
    silent_s: float | None
    addresses: int | None
    install: str = ""
    waiting: int = 0
    same_name: bool | None = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStatus:
    """The policy in force: its default, how many rules and limits, since when. `error`: what is wrong with the file."""

    default: str
    rules: int
    limits: int
    since: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredBy:
    """Whose knowledge the document is, how old it is, and in plain words what a reader must know of it."""

    identity: str = ""
    leads: bool = False
    age_s: float | None = 0.0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentError:
    """What failed: when last, at which step or call, with which code, in words, and how often."""

    at: str
    where: str
    code: str
    text: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaStatus:
    """A Pod that the controller itself runs in: whether it leads, is ready, how often its container began anew, and
    how many seconds ago the API server said so.
    """

    identity: str
    leads: bool = False
    ready: bool = False
    restarts: int = 0
    node: str | None = None
    seen_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All that one replica knows. `as_of` is when the snapshot was taken: an old one is a sign of trouble.

    `waits`: how long the replica's parts have waited for an API.
    `quota`: the account's, where some of it is kept; only the leader knows it, once it has allocated.
    `contested`: the number of Pods whose labels of ours something else changes each time after we set them.
    `left_alone`: addresses that look like ours without proof, in words, as of the leader's last comparison; None: there
    was none.
    `errors`: the newest first; of the replica whose knowledge it is.
    `replicas`: by name; None where the replica cannot see them.
    """

    cluster: str
    identity: str = ""
    version: str = ""
    as_of: str | None = None
    leader: LeaderStatus = LeaderStatus()
    pods: tuple[PodStatus, ...] = ()
    pools: tuple[PoolStatus, ...] = ()
    clusters: tuple[ClusterStatus, ...] = ()
    policy: PolicyStatus | None = None
    quota: AccountQuota | None = None
    contested: int | None = None
    left_alone: tuple[str, ...] | None = None
    waits: Waits = field(default_factory=Waits)
    answered_by: AnsweredBy = AnsweredBy()
    errors: tuple[RecentError, ...] = ()
    replicas: tuple[ReplicaStatus, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """The document as plain dictionaries and tuples, ready for JSON.

        There may be thousands of Pods and holders, and asdict copies each deeply, in the time of the loop: so theirs
        are the values' own fields, to be read and never changed.
        """
        document = asdict(replace(self, pods=(), pools=()))
        document["pods"] = tuple(map(vars, self.pods))
        document["pools"] = tuple({**vars(pool), "holders": tuple(map(vars, pool.holders))} for pool in self.pools)
        return document


def starting(cluster: str, version: str) -> Status:
    """The status of a replica that is still starting, and knows nothing."""
    note = "This replica is starting: it knows nothing yet."
    return Status(cluster=cluster, version=version, answered_by=AnsweredBy(age_s=None, note=note))
