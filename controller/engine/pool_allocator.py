"""What the pools have to give: EC2's view, the claims of everybody, and who else waits, brought together.

The claims of other installs are read once for each view of EC2, since they are not known better than that.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.core.candidates import assign_offers
from controller.core.desire import Serve
from controller.core.inventory import Inventory, PoolRequest
from controller.core.ports import Clock, Ledger
from controller.core.situation import Facts, NoOffer, Offer, Placed
from controller.core.turns import LEFT_S
from controller.core.views import Address, PodView
from controller.engine.ec2view import AddressView
from controller.engine.memory import TermMemory
from controller.engine.peers import Peers
from controller.engine.placement import Placements
from controller.engine.plain import Plain
from state.model import AllocationId, ClusterUid, InstallKey, InstallRecord, PodUid, PoolQueue


@dataclass(slots=True, kw_only=True)
class Others(Plain):
    """What is known of the other installs.

    read: for which view of EC2 (monotonic) everybody's claims on a pool's addresses were read.
    installs, silent: those that live, and those that count as gone. names: of clusters. queues: who waits for pools.
    """

    read: dict[str, float] = field(default_factory=dict)
    installs: frozenset[InstallKey] = frozenset()
    silent: Mapping[InstallKey, InstallRecord] = field(default_factory=dict)
    names: Mapping[ClusterUid, str] = field(default_factory=dict)
    queues: Mapping[InstallKey, Sequence[PoolQueue]] = field(default_factory=dict)


class PoolAllocator:
    """The pools as one term of leadership sees them; looked at by the loop, read anew beside it."""

    def __init__(
        self,
        *,
        facts: Facts,
        ledger: Ledger,
        view: AddressView,
        placements: Placements,
        memory: TermMemory,
        clock: Clock,
        others: Others,
    ) -> None:
        self._facts, self._ledger, self._view = facts, ledger, view
        self._placements, self._memory, self._clock = placements, memory, clock
        self._others = others

    def learn(self, peers: Peers, silence_s: float) -> None:
        """What is known of the other installs."""
        others = self._others
        others.installs, others.silent = peers.live(silence_s), peers.silent(silence_s)
        others.names, others.queues = peers.names(), peers.queues(except_of=self._facts.install)

    def forget_claims(self, pool: str) -> None:
        """A claim in this pool was lost to another install: what is known of the others' claims is too old."""
        self._others.read.pop(pool, None)

    def assign_offers(
        self, seekers: Sequence[tuple[PodView, Serve]], reserved: frozenset[AllocationId]
    ) -> Mapping[PodUid, Offer | NoOffer]:
        """An offer for each of these Pods, the first served first; their pools have been read."""
        return assign_offers(self._inventory(reserved), [self._request(pod, wanted) for pod, wanted in seekers])

    def read_at(self, pool: str) -> float:
        """For which view of EC2 everybody's claims on this pool's addresses were read."""
        return self._others.read.get(pool, float("-inf"))

    def read(self, pools: Collection[str]) -> None:
        """Read everybody's claims on these pools' addresses. Raises what the ledger raises."""
        asked_at = self._view.asked_at
        members = [a.allocation_id for a in self._view.all() if not a.tags.keys().isdisjoint(pools)]
        self._ledger.refresh(members)
        self._others.read.update(dict.fromkeys(pools, asked_at))

    def _inventory(self, reserved: frozenset[AllocationId]) -> Inventory:
        addresses, alive, own = self._view.all(), self._memory.alive, self._facts.install
        records = {a.allocation_id: r for a in addresses if (r := self._ledger.address(a.allocation_id))}
        return Inventory(
            addresses=addresses,
            records=records,
            reserved=reserved | self._unreadable(),
            install=own,
            cluster=self._facts.cluster_name,
            installs=self._others.installs | {own},
            discreet=self._facts.discreet,
            silent={k: r for k, r in self._others.silent.items() if k != own and (k, r.heartbeat) not in alive},
            names=self._others.names,
            queues=self._others.queues,
            fresh=self._fresh(addresses),
        )

    def _unreadable(self) -> frozenset[AllocationId]:
        """The addresses whose side of the ledger this release cannot read: they are nobody's to give."""
        return frozenset(AllocationId(pk.removeprefix("eip#")) for pk, _ in self._ledger.unreadable())

    def _fresh(self, addresses: Iterable[Address]) -> frozenset[AllocationId]:
        """The addresses that those who wait elsewhere may not have seen free yet."""
        after = self._clock() - LEFT_S
        return frozenset(
            a.allocation_id for a in addresses if self._others.queues and self._view.free_since(a.allocation_id) > after
        )

    def _request(self, pod: PodView, wanted: Serve) -> PoolRequest:
        placed = self._placements.place(wanted.ip)
        return PoolRequest(
            uid=pod.uid,
            holder=f"{pod.namespace}/{pod.name}",
            mode=wanted.mode,
            pool=wanted.pool,
            border_group=placed.border_group if isinstance(placed, Placed) else None,
            cooling_down=self._memory.cooling_down(pod.uid),
            waited_s=self._memory.queues.waited_s(pod.uid),
        )
