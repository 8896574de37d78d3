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
from controller.core.modes import TRAITS, Source
from controller.core.pools import in_pool, is_kept_for_one
from controller.core.ports import Address
from controller.core.situation import NoOffer, Offer
from controller.core.turns import Rival, left_to_rivals
from state.model import AddressRecord, AllocationId, ClusterUid, InstallKey, InstallRecord, Mode, PodUid, PoolQueue

_OTHERS = "others"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """A Pod that wants an address of a pool; applicants are served in the order given.

    barred: the addresses that EC2 refused to this Pod lately, which it is offered last.
    """

    uid: PodUid
    holder: str
    mode: Mode
    pool: str
    border_group: str | None
    barred: frozenset[AllocationId] = frozenset()
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
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


def allot(market: Market, applicants: Iterable[Applicant]) -> dict[PodUid, Offer | NoOffer]:
    """An offer for each applicant, no address twice; former holders first, so that nobody takes theirs meanwhile.

    Each pool is looked through once for all of its applicants: a thousand of them must not hold up the loop.
    """
    waiting = list(_at_shelves(market, applicants))
    taken = set(market.reserved)
    offers: dict[PodUid, Offer | NoOffer] = {}
    for applicant, shelf in waiting:
        own = _kept_for(market, shelf, applicant, taken)
        if own is not None:
            offers[applicant.uid] = _take(market, shelf, own, taken)
            continue
        former = shelf.former.get(applicant.holder, ())
        open_ = (a for a in former if a.allocation_id in shelf.free and _is_open(a, applicant, taken))
        free = next((a for a in open_ if a.allocation_id not in applicant.barred), None)
        held = next((a for a in former if _is_held_here(market, a)), None)
        if free:
            offers[applicant.uid] = _take(market, shelf, free, taken)
        elif held:
            offers[applicant.uid] = NoOffer(why=_on_its_way(held, applicant), soon=True)
    for applicant, shelf in waiting:
        if applicant.uid not in offers:
            offers[applicant.uid] = _offer(market, shelf, applicant, taken)
    return offers


def wins(install: InstallKey, installs: Collection[InstallKey], allocation_id: AllocationId) -> bool:
    """Whether this install has the highest hash for the address among the live ones."""
    mine = _weight(install, allocation_id)
    return all(mine >= _weight(other, allocation_id) for other in installs)


@dataclass(slots=True, kw_only=True)
class _Shelf:
    """One pool's addresses: all, the free ones in the order in which they are offered, and by their last holder.

    `kept`: those whose values keep them for single Pods, by value. `holdings`: how many each install has, with what is
    offered here.
    """

    members: list[Address]
    kept: dict[str, list[Address]]
    free: dict[AllocationId, Address]
    former: dict[str, list[Address]]
    abandoned: dict[AllocationId, Address]
    holdings: Tally[InstallKey]
    held: str = ""


def _at_shelves(market: Market, applicants: Iterable[Applicant]) -> Iterator[tuple[Applicant, _Shelf]]:
    shelves: dict[tuple[Mode, str, str], _Shelf] = {}
    for applicant in applicants:
        whose = applicant.holder if TRAITS[applicant.mode].source is Source.OWN_VALUE else ""
        key = (applicant.mode, applicant.pool, whose)
        if key not in shelves:
            shelves[key] = _shelf(market, applicant)
        yield applicant, shelves[key]


def _shelf(market: Market, applicant: Applicant) -> _Shelf:
    asked = (applicant.mode, applicant.pool)
    everybody = [a for a in market.addresses if in_pool(a, *asked, applicant.holder, market.cluster)]
    kept: dict[str, list[Address]] = {}
    for address in everybody:
        if is_kept_for_one(address, *asked):
            kept.setdefault(address.tags[applicant.pool], []).append(address)
    members = [a for a in everybody if not is_kept_for_one(a, *asked)]
    former: dict[str, list[Address]] = {}
    for address in members:
        former.setdefault(_last_holder(market, address), []).append(address)
    former.pop("", None)
    spoken_for = frozenset(market.reserved)
    free = [a for a in members if is_free(a, market.records.get(a.allocation_id)) and a.allocation_id not in spoken_for]
    free.sort(key=lambda a: _preference(market, a))
    abandoned = [a for a in members if a.association is None and _silent_holder(market, a)]
    abandoned.sort(key=lambda a: _preference(market, a))
    return _Shelf(
        members=members,
        kept=kept,
        free={a.allocation_id: a for a in free},
        former=former,
        abandoned={a.allocation_id: a for a in abandoned},
        holdings=Tally(holder for a in members if (holder := _holder(market, a))),
    )


def _silent_holder(market: Market, address: Address) -> InstallRecord | None:
    """The install that holds it, if that counts as gone."""
    holder = _holder(market, address)
    return market.silent.get(holder) if holder else None


def _offer(market: Market, shelf: _Shelf, applicant: Applicant, taken: set[AllocationId]) -> Offer | NoOffer:
    before = (a for a in shelf.abandoned.values() if _last_holder(market, a) == applicant.holder)
    left = _left_to_rivals(market, shelf, applicant)
    free = (a for a in shelf.free.values() if a.allocation_id not in left)
    choices = (a for a in chain(free, before, shelf.abandoned.values()) if _is_open(a, applicant, taken))
    choice = _first(choices, applicant.barred)
    if choice is not None:
        return _take(market, shelf, choice, taken)
    return NoOffer(why=_left(applicant) if left else _why_not(market, shelf, applicant))


def _first(choices: Iterable[Address], barred: Collection[AllocationId]) -> Address | None:
    """The first that EC2 did not refuse to this Pod; where it refused all, the first: its own backoff keeps the pace.

    The rest is not looked at: a thousand Pods choose from a thousand addresses in one turn.
    """
    refused = None
    for address in choices:
        if address.allocation_id not in barred:
            return address
        refused = refused or address
    return refused


def _kept_for(market: Market, shelf: _Shelf, applicant: Applicant, taken: set[AllocationId]) -> Address | None:
    """A free address of the pool whose value names this very Pod: the Go controller gave it so, too."""
    values = (applicant.holder, f"{market.cluster}:{applicant.holder}")
    named = chain(*(shelf.kept.get(value, ()) for value in values))
    free = (a for a in named if is_free(a, market.records.get(a.allocation_id)) and _is_open(a, applicant, taken))
    return next((a for a in free if a.allocation_id not in applicant.barred), None)


def _left_to_rivals(market: Market, shelf: _Shelf, applicant: Applicant) -> frozenset[AllocationId]:
    """What this Pod leaves to those of other clusters; a value of a tag names one Pod, so nobody queues for that."""
    if not market.queues or TRAITS[applicant.mode].source is not Source.ANY:
        return frozenset()
    rivals = [
        Rival(queue=queue, held=shelf.holdings[install])
        for install, queues in market.queues.items()
        for queue in queues
        if queue.pool == applicant.pool
    ]
    free = [a for a in shelf.free.values() if a.allocation_id in market.fresh]
    return left_to_rivals(rivals, waited_s=applicant.waited_s, held=shelf.holdings[market.install], free=free)


def _take(market: Market, shelf: _Shelf, address: Address, taken: set[AllocationId]) -> Offer:
    taken.add(address.allocation_id)
    shelf.free.pop(address.allocation_id, None)
    shelf.abandoned.pop(address.allocation_id, None)
    shelf.holdings[market.install] += 1
    before = market.records.get(address.allocation_id)
    return Offer(address=address, before=before, silent=_silent_holder(market, address))


def _is_open(address: Address, applicant: Applicant, taken: set[AllocationId]) -> bool:
    return address.allocation_id not in taken and applicant.border_group in (None, address.border_group)


def is_free(address: Address, record: AddressRecord | None) -> bool:
    """Free in EC2 and in the ledger."""
    return address.association is None and (record is None or record.owner is None)


def _last_holder(market: Market, address: Address) -> str:
    record = market.records.get(address.allocation_id)
    return record.last_holder if record else ""


def _is_held_here(market: Market, address: Address) -> bool:
    """Whether this install holds it: under the applicant's own name, that is its predecessor, on the way down."""
    return _holder(market, address) == market.install


def _holder(market: Market, address: Address) -> InstallKey | None:
    """The install that holds it, if one does."""
    record = market.records.get(address.allocation_id)
    return record.owner.install if record and record.owner else None


def _preference(market: Market, address: Address) -> tuple[bool, bool, int]:
    won = wins(market.install, market.installs, address.allocation_id)
    return (not won, _last_holder(market, address) != "", -_weight(market.install, address.allocation_id))


def _weight(install: InstallKey, allocation_id: AllocationId) -> int:
    return int.from_bytes(blake2b(f"{install}|{allocation_id}".encode(), digest_size=8).digest(), "big")


def _on_its_way(held: Address, applicant: Applicant) -> str:
    which = f"address {held.public_ip} ({held.allocation_id}), which {applicant.holder} had before"
    return f"{which}, is still being taken from the Pod of that name that is gone; waiting for it"


def _left(applicant: Applicant) -> str:
    return (
        f"pool {quoted(applicant.pool)} has addresses that just got free, and leaves them to Pods of other clusters, "
        "which have waited longer; waiting for its turn"
    )


def _why_not(market: Market, shelf: _Shelf, applicant: Applicant) -> str:
    if not shelf.members:
        return _kept(applicant) if shelf.kept else _no_such_pool(applicant, market.cluster)
    if applicant.border_group is not None and all(a.border_group != applicant.border_group for a in shelf.members):
        groups = ", ".join(sorted({a.border_group for a in shelf.members}))
        return (
            f"pool {quoted(applicant.pool)} has addresses, but of network border group {groups}; "
            f"this Pod's interface is in {applicant.border_group}: tag an address of that group"
        )
    shelf.held = shelf.held or _held(market, shelf)
    pool, kept = quoted(applicant.pool), " or kept for Pods that their values name" if shelf.kept else ""
    return f"pool {pool} has no free address: its addresses are held by {shelf.held}{kept}; waiting for one to get free"


def _no_such_pool(applicant: Applicant, cluster: str) -> str:
    key, value = quoted(applicant.pool), quoted(applicant.holder)
    if TRAITS[applicant.mode].source is not Source.OWN_VALUE:
        return f"no address carries the tag key {key}; tag at least one Elastic IP of this Region with it"
    if len(applicant.holder) > LONGEST_TAG_VALUE:
        return f"no address can carry the value {value}: a tag's value has 256 characters at most; use a shorter name"
    other = quoted(f"{cluster}:{applicant.holder}")
    return f"no address carries the tag {key} with the value {value} or {other}; tag one with exactly that value"


def _kept(applicant: Applicant) -> str:
    return (
        f"pool {quoted(applicant.pool)} has addresses, but the value of each names a Pod, so they are kept for mode "
        "fixed-tag-value; tag one with another value, such as an empty one"
    )


def _cluster(market: Market, uid: ClusterUid) -> str:
    if market.discreet and uid != market.install.cluster_uid:
        return _OTHERS
    name = market.names.get(uid)
    return f"cluster {quoted(name)} ({uid})" if name else f"cluster {uid}"


def _held(market: Market, shelf: _Shelf) -> str:
    """Who has the pool, without numbers: a text that changed with each address that moves would be a new event."""
    return ", ".join(sorted({who for a in shelf.members if (who := _who(market, shelf, a))})) or _OTHERS


def _who(market: Market, shelf: _Shelf, address: Address) -> str:
    """The cluster that holds it; "" if it is free. What has no owner and is not free is just being given out here."""
    record = market.records.get(address.allocation_id)
    if record and record.owner:
        return _cluster(market, record.owner.cluster_uid)
    if address.association is not None:
        return _OTHERS
    return "" if address.allocation_id in shelf.free else _cluster(market, market.install.cluster_uid)
