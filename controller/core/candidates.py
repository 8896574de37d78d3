"""Which free address of a pool each waiting Pod is offered, so that neither Pods nor clusters reach for the same one.

Within one install the answer is exact: an address is offered once. Installs tell each other who waits for a pool, but
not who is about to take what. So each address has one winner among the live installs, by rendezvous hashing; an install
first uses the addresses that it wins, so that with room in the pool no conditional write is lost. The same Pod name
gets its former address back, where that is free; an address that another name had is offered last.
"""

from collections import Counter as Tally
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import chain

from controller.core.contract import LONGEST_TAG_VALUE, quoted
from controller.core.modes import SPECS, AddressSource
from controller.core.pools import in_pool, is_kept_for_one
from controller.core.ports import Address
from controller.core.situation import NoOffer, Offer
from controller.core.turns import WaitingInstall, left_to_others
from state.model import AddressRecord, AllocationId, ClusterUid, InstallKey, InstallRecord, Mode, PodUid, PoolQueue

_OTHERS = "others"


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


def assign_offers(inventory: Inventory, requests: Iterable[PoolRequest]) -> dict[PodUid, Offer | NoOffer]:
    """An offer for each request, no address twice; former holders first, so that nobody takes theirs meanwhile.

    Each pool is looked through once for all of its requests: a thousand of them must not hold up the loop.
    """
    waiting = list(_with_views(inventory, requests))
    taken = set(inventory.reserved)
    offers: dict[PodUid, Offer | NoOffer] = {}
    for request, view in waiting:
        own = _kept_for(inventory, view, request, taken)
        if own is not None:
            offers[request.uid] = _take(inventory, view, own, taken)
            continue
        former = view.former.get(request.holder, ())
        open_ = (a for a in former if a.allocation_id in view.free and _is_open(a, request, taken))
        free = next((a for a in open_ if a.allocation_id not in request.cooling_down), None)
        held = next((a for a in former if _is_held_here(inventory, a)), None)
        if free:
            offers[request.uid] = _take(inventory, view, free, taken)
        elif held:
            offers[request.uid] = NoOffer(why=_on_its_way(held, request), soon=True)
    for request, view in waiting:
        if request.uid not in offers:
            offers[request.uid] = _offer(inventory, view, request, taken)
    return offers


def wins(install: InstallKey, installs: Collection[InstallKey], allocation_id: AllocationId) -> bool:
    """Whether this install has the highest hash for the address among the live ones."""
    mine = _weight(install, allocation_id)
    return all(mine >= _weight(other, allocation_id) for other in installs)


@dataclass(slots=True, kw_only=True)
class _PoolView:
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


def _with_views(inventory: Inventory, requests: Iterable[PoolRequest]) -> Iterator[tuple[PoolRequest, _PoolView]]:
    views: dict[tuple[Mode, str, str], _PoolView] = {}
    for request in requests:
        whose = request.holder if SPECS[request.mode].source is AddressSource.OWN_VALUE else ""
        key = (request.mode, request.pool, whose)
        if key not in views:
            views[key] = _view_of_pool(inventory, request)
        yield request, views[key]


def _view_of_pool(inventory: Inventory, request: PoolRequest) -> _PoolView:
    asked = (request.mode, request.pool)
    everybody = [a for a in inventory.addresses if in_pool(a, *asked, request.holder, inventory.cluster)]
    kept: dict[str, list[Address]] = {}
    for address in everybody:
        if is_kept_for_one(address, *asked):
            kept.setdefault(address.tags[request.pool], []).append(address)
    members = [a for a in everybody if not is_kept_for_one(a, *asked)]
    former: dict[str, list[Address]] = {}
    for address in members:
        former.setdefault(_last_holder(inventory, address), []).append(address)
    former.pop("", None)
    taken = frozenset(inventory.reserved)
    free = [a for a in members if is_free(a, inventory.records.get(a.allocation_id)) and a.allocation_id not in taken]
    free.sort(key=lambda a: _preference(inventory, a))
    of_silent = [a for a in members if a.association is None and _silent_holder(inventory, a)]
    of_silent.sort(key=lambda a: _preference(inventory, a))
    return _PoolView(
        members=members,
        kept=kept,
        free={a.allocation_id: a for a in free},
        former=former,
        of_silent={a.allocation_id: a for a in of_silent},
        holdings=Tally(holder for a in members if (holder := _holder(inventory, a))),
    )


def _silent_holder(inventory: Inventory, address: Address) -> InstallRecord | None:
    """The install that holds it, if that counts as gone."""
    holder = _holder(inventory, address)
    return inventory.silent.get(holder) if holder else None


def _offer(inventory: Inventory, view: _PoolView, request: PoolRequest, taken: set[AllocationId]) -> Offer | NoOffer:
    before = (a for a in view.of_silent.values() if _last_holder(inventory, a) == request.holder)
    left = _left_to_others(inventory, view, request)
    free = (a for a in view.free.values() if a.allocation_id not in left)
    choices = (a for a in chain(free, before, view.of_silent.values()) if _is_open(a, request, taken))
    choice = _first(choices, request.cooling_down)
    if choice is not None:
        return _take(inventory, view, choice, taken)
    return NoOffer(why=_left(request) if left else _why_not(inventory, view, request))


def _first(choices: Iterable[Address], cooling_down: Collection[AllocationId]) -> Address | None:
    """The first that EC2 did not refuse to this Pod; where it refused all, the first: its own backoff keeps the pace.

    The rest is not looked at: a thousand Pods choose from a thousand addresses in one turn.
    """
    refused = None
    for address in choices:
        if address.allocation_id not in cooling_down:
            return address
        refused = refused or address
    return refused


def _kept_for(inventory: Inventory, view: _PoolView, request: PoolRequest, taken: set[AllocationId]) -> Address | None:
    """A free address of the pool whose value names this very Pod: the Go controller gave it so, too."""
    values = (request.holder, f"{inventory.cluster}:{request.holder}")
    named = chain(*(view.kept.get(value, ()) for value in values))
    free = (a for a in named if is_free(a, inventory.records.get(a.allocation_id)) and _is_open(a, request, taken))
    return next((a for a in free if a.allocation_id not in request.cooling_down), None)


def _left_to_others(inventory: Inventory, view: _PoolView, request: PoolRequest) -> frozenset[AllocationId]:
    """What this Pod leaves to those of other clusters; a value of a tag names one Pod, so nobody queues for that."""
    if not inventory.queues or SPECS[request.mode].source is not AddressSource.ANY:
        return frozenset()
    others = [
        WaitingInstall(queue=queue, held=view.holdings[install])
        for install, queues in inventory.queues.items()
        for queue in queues
        if queue.pool == request.pool
    ]
    free = [a for a in view.free.values() if a.allocation_id in inventory.fresh]
    return left_to_others(others, waited_s=request.waited_s, held=view.holdings[inventory.install], free=free)


def _take(inventory: Inventory, view: _PoolView, address: Address, taken: set[AllocationId]) -> Offer:
    taken.add(address.allocation_id)
    view.free.pop(address.allocation_id, None)
    view.of_silent.pop(address.allocation_id, None)
    view.holdings[inventory.install] += 1
    before = inventory.records.get(address.allocation_id)
    return Offer(address=address, before=before, silent=_silent_holder(inventory, address))


def _is_open(address: Address, request: PoolRequest, taken: set[AllocationId]) -> bool:
    return address.allocation_id not in taken and request.border_group in (None, address.border_group)


def is_free(address: Address, record: AddressRecord | None) -> bool:
    """Free in EC2 and in the ledger."""
    return address.association is None and (record is None or record.owner is None)


def _last_holder(inventory: Inventory, address: Address) -> str:
    record = inventory.records.get(address.allocation_id)
    return record.last_holder if record else ""


def _is_held_here(inventory: Inventory, address: Address) -> bool:
    """Whether this install holds it: under the request's own name, that is its predecessor, which is torn down."""
    return _holder(inventory, address) == inventory.install


def _holder(inventory: Inventory, address: Address) -> InstallKey | None:
    """The install that holds it, if one does."""
    record = inventory.records.get(address.allocation_id)
    return record.owner.install if record and record.owner else None


def _preference(inventory: Inventory, address: Address) -> tuple[bool, bool, int]:
    won = wins(inventory.install, inventory.installs, address.allocation_id)
    return (not won, _last_holder(inventory, address) != "", -_weight(inventory.install, address.allocation_id))


def _weight(install: InstallKey, allocation_id: AllocationId) -> int:
    return int.from_bytes(blake2b(f"{install}|{allocation_id}".encode(), digest_size=8).digest(), "big")


def _on_its_way(held: Address, request: PoolRequest) -> str:
    which = f"address {held.public_ip} ({held.allocation_id}), which {request.holder} had before"
    return f"{which}, is still being taken from the Pod of that name that is gone; waiting for it"


def _left(request: PoolRequest) -> str:
    return (
        f"pool {quoted(request.pool)} has addresses that just got free, and leaves them to Pods of other clusters, "
        "which have waited longer; waiting for its turn"
    )


def _why_not(inventory: Inventory, view: _PoolView, request: PoolRequest) -> str:
    if not view.members:
        return _kept(request) if view.kept else _no_such_pool(request, inventory.cluster)
    if request.border_group is not None and all(a.border_group != request.border_group for a in view.members):
        groups = ", ".join(sorted({a.border_group for a in view.members}))
        return (
            f"pool {quoted(request.pool)} has addresses, but of network border group {groups}; "
            f"this Pod's interface is in {request.border_group}: tag an address of that group"
        )
    view.held = view.held or _held(inventory, view)
    pool, kept = quoted(request.pool), " or kept for Pods that their values name" if view.kept else ""
    return f"pool {pool} has no free address: its addresses are held by {view.held}{kept}; waiting for one to get free"


def _no_such_pool(request: PoolRequest, cluster: str) -> str:
    key, value = quoted(request.pool), quoted(request.holder)
    if SPECS[request.mode].source is not AddressSource.OWN_VALUE:
        return f"no address carries the tag key {key}; tag at least one Elastic IP of this Region with it"
    if len(request.holder) > LONGEST_TAG_VALUE:
        return f"no address can carry the value {value}: a tag's value has 256 characters at most; use a shorter name"
    other = quoted(f"{cluster}:{request.holder}")
    return f"no address carries the tag {key} with the value {value} or {other}; tag one with exactly that value"


def _kept(request: PoolRequest) -> str:
    return (
        f"pool {quoted(request.pool)} has addresses, but the value of each names a Pod, so they are kept for mode "
        "fixed-tag-value; tag one with another value, such as an empty one"
    )


def _cluster(inventory: Inventory, uid: ClusterUid) -> str:
    if inventory.discreet and uid != inventory.install.cluster_uid:
        return _OTHERS
    name = inventory.names.get(uid)
    return f"cluster {quoted(name)} ({uid})" if name else f"cluster {uid}"


def _held(inventory: Inventory, view: _PoolView) -> str:
    """Who has the pool, without numbers: a text that changed with each address that moves would be a new event."""
    return ", ".join(sorted({who for a in view.members if (who := _who(inventory, view, a))})) or _OTHERS


def _who(inventory: Inventory, view: _PoolView, address: Address) -> str:
    """The cluster that holds it; "" if it is free. What has no owner and is not free is just being given out here."""
    record = inventory.records.get(address.allocation_id)
    if record and record.owner:
        return _cluster(inventory, record.owner.cluster_uid)
    if address.association is not None:
        return _OTHERS
    return "" if address.allocation_id in view.free else _cluster(inventory, inventory.install.cluster_uid)
