"""The doors through which a leader in the plan's model sees the world: the product's ports, over one world of many.

The engine's objects hold these doors; the doors look at the world that is on the stage at the moment. So a copy of a
world shares all of them, and only the leader that acts is copied. `fault` says what becomes of the next call that
changes something: "lost" (it never arrived), "unknown" (its answer was lost), "late" (it is still on its way).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from controller.core import contract
from controller.core.phases import EDGES, Edge, edge_of
from controller.core.views import Address, Allocation, AllocationRequest, Interface
from state.errors import ConditionLost, Fenced, ItemUnreadable, PodEipError, Unavailable
from state.model import (
    AddressRecord,
    AllocationId,
    AssociationId,
    Change,
    ClusterUid,
    Epoch,
    InstallKey,
    InstallRecord,
    InterfaceId,
    PodRecord,
    PodUid,
    PoolQueue,
    Target,
)
from tests.model.account import NODE

if TYPE_CHECKING:
    from tests.model.leader_model import LeaderModel
    from tests.model.world import World

T = TypeVar("T")
_K = TypeVar("_K")
_V = TypeVar("_V")

ENI = InterfaceId("eni-1")
IPS = frozenset(f"10.0.0.{n}" for n in range(1, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Flying:
    """A call that has left a leader and has not arrived. `land` gives it its effect on the world.

    name: all that tells it from others; of a transaction that is `change`, too.
    """

    name: str
    land: Callable[["World"], object]
    change: Change | None = None


class Stage:
    """Which world is played now, and what goes wrong next. One for each model; nothing here is part of a state."""

    def __init__(self) -> None:
        self.world: World
        self.fault = ""
        self.late = self.tokenless = False
        self.edges: set[Edge] = set()

    def clock(self) -> float:
        """Now."""
        return self.world.now

    def accuse(self, what: str) -> None:
        """This must never be."""
        self.world.account.accuse(what)

    def call(self, name: str, effect: Callable[["World"], T], change: Change | None = None) -> T:
        """A call that changes something, and what the fault makes of it."""
        fault, self.fault = self.fault, ""
        if fault == "late":
            self.world.flying = (*self.world.flying, Flying(name=name, land=effect, change=change))
        if fault in ("late", "lost"):
            raise Unavailable(name, code="ReadTimeoutError")
        done = effect(self.world)
        if fault:
            raise Unavailable(name, code="ConnectionClosedError")
        return done


class StageEc2:
    """EC2's port of one leader."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self._name = stage, name

    def describe_addresses(self) -> Sequence[Address]:
        """All addresses; late ones if the stage says so."""
        world = self._stage.world
        return list(world.account.seen(world.now, late=self._stage.late).values())

    def address_quota(self) -> int | None:
        """Nobody says."""
        return None

    def describe_interfaces_by_ip(self, private_ips: Iterable[str]) -> Sequence[Interface]:
        """The one interface that there is."""
        return [Interface(interface_id=ENI, private_ips=IPS, instance_id=NODE)]

    def describe_interfaces_by_instance(self, instance_ids: Iterable[str]) -> Sequence[Interface]:
        """None more."""
        return []

    def allocate(self, request: AllocationRequest) -> Allocation:
        """AllocateAddress. One that is not late, of a leader that still leads, is in order, and needs a reason."""
        world = self._stage.world
        orderly = self._stage.fault != "late" and not world.deposed(world.leaders[self._name])
        if orderly:
            _question(world, request)

        def effect(world: "World") -> Allocation:
            new = world.account.allocate(request, world.now)
            world.account.in_order |= {new.allocation_id} if orderly else frozenset()
            return new

        return self._stage.call(f"AllocateAddress for {request.tags[contract.TAG_POD_UID]}", effect)

    def associate(self, allocation_id: AllocationId, target: Target) -> AssociationId:
        """AssociateAddress."""
        name = f"AssociateAddress {allocation_id} {target.private_ip}"
        return self._stage.call(name, lambda world: world.account.associate(allocation_id, target, world.now))

    def disassociate(self, association_id: AssociationId) -> None:
        """DisassociateAddress."""
        self._stage.call(f"DisassociateAddress {association_id}", lambda world: _cut(world, association_id))

    def release(self, allocation_id: AllocationId, border_group: str) -> None:
        """ReleaseAddress."""
        self._stage.call(f"ReleaseAddress {allocation_id}", lambda world: _release(world, allocation_id))


def _question(world: "World", request: AllocationRequest) -> None:
    """One that was allocated in order for this very Pod, and that nobody has taken, would have had to be found."""
    for key in world.account.in_order & world.account.addresses.keys():
        side, tags = world.table.addresses.get(key), world.account.addresses[key].tags
        free = side is None or side.owner is None
        if free and tags.get(contract.TAG_POD_UID) == request.tags[contract.TAG_POD_UID]:
            world.account.accuse(f"a second address is allocated for {tags[contract.TAG_POD]}, which has {key}")


def _cut(world: "World", association_id: AssociationId) -> None:
    adopted = any(record.association_id == association_id for record in world.table.pods.values())
    world.account.disassociate(association_id, adopted, world.now)


def _release(world: "World", allocation_id: AllocationId) -> None:
    # A table that was restored may hold claims that had been given up.
    claims = {} if world.table.ever_lost else world.table.claims()
    world.account.release(allocation_id, claims, world.now)


class StageLedger:
    """The ledger's port of one leader: the table, through a cache that is exact while nobody else writes."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self._name = stage, name

    @property
    def _leader(self) -> "LeaderModel":
        return self._stage.world.leaders[self._name]

    @property
    def restored(self) -> bool:
        """Whether the table had been lost when this leader began."""
        return self._leader.restored

    def pods(self) -> Mapping[PodUid, PodRecord]:
        """Our claims."""
        return self._leader.records

    def pod(self, uid: PodUid) -> PodRecord | None:
        """One of them."""
        return self._leader.records.get(uid)

    def address(self, allocation_id: AllocationId) -> AddressRecord | None:
        """An address's side, as read or written."""
        return self._leader.sides.get(allocation_id)

    def addresses(self) -> Mapping[AllocationId, AddressRecord]:
        """All that were read or written."""
        return self._leader.sides

    def refresh(self, allocation_ids: Iterable[AllocationId]) -> None:
        """Read these anew."""
        table = self._stage.world.table
        for allocation_id in allocation_ids:
            _put(self._leader.sides, allocation_id, table.addresses.get(allocation_id))

    def commit(self, change: Change) -> None:
        """One transaction, on an edge that a claim may take."""
        assert edge_of(change) in EDGES, edge_of(change)
        self._stage.edges.add(edge_of(change))
        leader = self._leader
        cluster, epoch = leader.cluster, leader.epoch
        try:
            name = f"TransactWriteItems of {cluster} in epoch {epoch}"
            written = self._stage.call(name, lambda world: world.table.apply(cluster, epoch, change), change)
        except ConditionLost:
            self._see(change)
            raise
        except Fenced:
            leader.over = True
            raise
        leader.wrote_at = self._stage.world.now
        if pod := written.pod_after or written.pod_before:
            _put(leader.records, pod.uid, written.pod_after)
        if side := written.address_after or written.address_before:
            _put(leader.sides, side.allocation_id, written.address_after)

    def take_over(self, silent: InstallRecord, change: Change | None = None) -> None:
        """Nobody is silent here."""
        raise AssertionError(silent, change)

    def unreadable(self) -> Mapping[tuple[str, str], ItemUnreadable]:
        """Nothing."""
        return {}

    def installs(self) -> Sequence[InstallRecord]:
        """One for each cluster, as it was told last."""
        table = self._stage.world.table
        return [
            _install(cluster, table.beats.get(cluster, 0), *table.told.get(cluster, (0, ())))
            for cluster in self._stage.world.pods
        ]

    def heartbeat(self, queues: Sequence[PoolQueue] | None = None) -> None:
        """Learn whether the epoch is still ours, and tell who waits."""
        self.commit(Change())
        self._stage.world.table.beat(self._leader.cluster, queues)

    def seconds_since_write(self) -> float:
        """Since this leader's last write."""
        return self._stage.world.now - self._leader.wrote_at

    def _see(self, change: Change) -> None:
        """A lost condition tells what stands there."""
        leader, table = self._leader, self._stage.world.table
        if pod := change.pod_after or change.pod_before:
            _put(leader.records, pod.uid, table.pods.get((leader.cluster, pod.uid)))
        if side := change.address_after or change.address_before:
            _put(leader.sides, side.allocation_id, table.addresses.get(side.allocation_id))


def install_in(cluster: ClusterUid) -> InstallKey:
    """The one install of a cluster."""
    return InstallKey(cluster_uid=cluster, lease_namespace="ns", lease_name="lease")


@cache
def _install(cluster: str, beats: int, told_at: int, queues: tuple[PoolQueue, ...]) -> InstallRecord:
    return InstallRecord(
        key=install_in(ClusterUid(cluster)),
        epoch=Epoch(1),
        heartbeat=beats,
        leader="",
        cluster_name=cluster,
        scope="",
        silence_s=3600,
        version="",
        word=str(told_at),
        queues=queues,
    )


def landed(call: Flying, world: "World") -> str:
    """Let a call arrive at last; what it was answered, if anybody still listened."""
    try:
        call.land(world)
    except PodEipError as error:
        return error.code
    return ""


def _put(items: dict[_K, _V], key: _K, value: _V | None) -> None:
    if value is None:
        items.pop(key, None)
    else:
        items[key] = value
