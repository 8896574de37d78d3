"""Which free address of a pool each waiting Pod is offered, so that neither Pods nor clusters reach for the same one.

Within one install the answer is exact: an address is offered once. Installs tell each other who waits for a pool, but
not who is about to take what. So each address has one winner among the live installs, by rendezvous hashing; an install
first uses the addresses that it wins, so that with room in the pool no conditional write is lost. The same Pod name
gets its former address back, where that is free; an address that another name had is offered last.
"""

from collections import Counter as Tally
from collections.abc import Collection, Iterable, Iterator
from hashlib import blake2b
from itertools import chain

from controller.core import pool_words
from controller.core.inventory import Inventory, PoolRequest, PoolView
from controller.core.modes import SPECS, AddressSource
from controller.core.pools import in_pool, is_kept_for_one
from controller.core.situation import Lack, NoOffer, Offer
from controller.core.turns import WaitingInstall, left_to_others
from controller.core.views import Address
from state.model import AddressRecord, AllocationId, InstallKey, InstallRecord, Mode, PodUid


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
            offers[request.uid] = NoOffer(why=pool_words.on_its_way(held, request), lack=Lack.COMING, soon=True)
    for request, view in waiting:
        if request.uid not in offers:
            offers[request.uid] = _offer(inventory, view, request, taken)
    return offers


def wins(install: InstallKey, installs: Collection[InstallKey], allocation_id: AllocationId) -> bool:
    """Whether this install has the highest hash for the address among the live ones."""
    mine = _weight(install, allocation_id)
    return all(mine >= _weight(other, allocation_id) for other in installs)


def _with_views(inventory: Inventory, requests: Iterable[PoolRequest]) -> Iterator[tuple[PoolRequest, PoolView]]:
    views: dict[tuple[Mode, str, str], PoolView] = {}
    for request in requests:
        whose = request.holder if SPECS[request.mode].source is AddressSource.OWN_VALUE else ""
        key = (request.mode, request.pool, whose)
        if key not in views:
            views[key] = _view_of_pool(inventory, request)
        yield request, views[key]


def _view_of_pool(inventory: Inventory, request: PoolRequest) -> PoolView:
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
    return PoolView(
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


def _offer(inventory: Inventory, view: PoolView, request: PoolRequest, taken: set[AllocationId]) -> Offer | NoOffer:
    before = (a for a in view.of_silent.values() if _last_holder(inventory, a) == request.holder)
    left = _left_to_others(inventory, view, request)
    free = (a for a in view.free.values() if a.allocation_id not in left)
    choices = (a for a in chain(free, before, view.of_silent.values()) if _is_open(a, request, taken))
    choice = _first(choices, request.cooling_down)
    if choice is not None:
        return _take(inventory, view, choice, taken)
    if left:
        return NoOffer(why=pool_words.left(request), lack=Lack.TURN)
    return pool_words.why_not(inventory, view, request)


def _first(choices: Iterable[Address], cooling_down: Collection[AllocationId]) -> Address | None:
    """The first that EC2 did not refuse to this Pod; where it refused all, the first: its own backoff keeps the pace.

    The rest is not looked at: a thousand Pods choose from a thousand addresses in one tick.
    """
    refused = None
    for address in choices:
        if address.allocation_id not in cooling_down:
            return address
        refused = refused or address
    return refused


def _kept_for(inventory: Inventory, view: PoolView, request: PoolRequest, taken: set[AllocationId]) -> Address | None:
    """A free address of the pool whose value names this very Pod: the Go controller gave it so, too."""
    values = (request.holder, f"{inventory.cluster}:{request.holder}")
    named = chain(*(view.kept.get(value, ()) for value in values))
    free = (a for a in named if is_free(a, inventory.records.get(a.allocation_id)) and _is_open(a, request, taken))
    return next((a for a in free if a.allocation_id not in request.cooling_down), None)


def _left_to_others(inventory: Inventory, view: PoolView, request: PoolRequest) -> frozenset[AllocationId]:
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


def _take(inventory: Inventory, view: PoolView, address: Address, taken: set[AllocationId]) -> Offer:
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
