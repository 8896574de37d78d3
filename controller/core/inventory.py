"""What pools have to give, what Pods ask of them, and one pool as `candidates` sees it: values."""

from collections import Counter as Tally
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from controller.core.views import Address
from state.model import AddressRecord, AllocationId, ClusterUid, InstallKey, InstallRecord, Mode, PodUid, PoolQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolRequest:
    """What a Pod asks of a pool; requests are served in the order given.

    cooling_down: the addresses that EC2 refused to this Pod lately, which it is offered last.
    """

    uid: PodUid
    holder: str
    mode: Mode
    pool: str
    border_group: str | None
    cooling_down: frozenset[AllocationId] = frozenset()
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """What there is to give: EC2's view, the ledger's side of each address, and what is spoken for already.

    silent: the installs that count as gone; what they hold is given last, if it is associated with nothing.
    cluster, names: what this cluster, and all of them, are called; `discreet`: the others are not named.
    queues: the Pods that wait in other installs, by install; `fresh`: the addresses that those may not have seen free.
    """

    addresses: Sequence[Address]
    records: Mapping[AllocationId, AddressRecord]
    reserved: Collection[AllocationId]
    install: InstallKey
    cluster: str
    installs: Collection[InstallKey]
    discreet: bool = False
    silent: Mapping[InstallKey, InstallRecord] = field(default_factory=dict)
    names: Mapping[ClusterUid, str] = field(default_factory=dict)
    queues: Mapping[InstallKey, Sequence[PoolQueue]] = field(default_factory=dict)
    fresh: Collection[AllocationId] = frozenset()


@dataclass(slots=True, kw_only=True)
class PoolView:
    """One pool's addresses: all, the free ones in the order in which they are offered, and by their last holder.

    `kept`: those whose values keep them for single Pods, by value. `holdings`: how many each install has, with what is
    offered here.
    """

    members: list[Address]
    kept: dict[str, list[Address]]
    free: dict[AllocationId, Address]
    former: dict[str, list[Address]]
    of_silent: dict[AllocationId, Address]
    holdings: Tally[InstallKey]
    held: str = ""
