"""Which free address of a pool each waiting Pod is offered, so that neither Pods nor clusters reach for the same one.

Within one install the answer is exact: an address is offered once. Between installs, who do not talk to each other,
each address has one winner among the live installs, by rendezvous hashing; an install first uses the addresses that
it wins, so that with room in the pool no conditional write is lost. The same Pod name gets its former address back,
where that is free; an address that another name had is offered last.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from controller.core.adoption import in_pool
from controller.core.ports import Address
from controller.core.situation import NoOffer, Offer
from state.model import AddressRecord, AllocationId, Mode, PodUid


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """A Pod that wants an address of a pool; applicants are served in the order given."""

    uid: PodUid
    holder: str
    mode: Mode
    pool: str
    border_group: str | None
    barred: frozenset[AllocationId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What there is to give: EC2's view, the ledger's side of each address, and what is spoken for already."""

    addresses: Sequence[Address]
    records: Mapping[AllocationId, AddressRecord]
    reserved: Collection[AllocationId]
    install: str
    installs: Collection[str]


def allot(market: Market, applicants: Iterable[Applicant]) -> dict[PodUid, Offer | NoOffer]:
    """An offer for each applicant, no address twice; former holders first, so that nobody takes theirs meanwhile."""
    taken = set(market.reserved)
    offers: dict[PodUid, Offer | NoOffer] = {}
    waiting = list(applicants)
    for applicant in waiting:
        former = [a for a in _members(market, applicant) if _last_holder(market, a) == applicant.holder]
        free = [a for a in _open_to(market, applicant, taken) if a in former]
        if free:
            offers[applicant.uid] = _take(market, free[0], taken)
        elif any(_is_held_here(market, a) for a in former):
            offers[applicant.uid] = NoOffer()
    for applicant in waiting:
        if applicant.uid not in offers:
            offers[applicant.uid] = _offer(market, applicant, taken)
    return offers


def wins(install: str, installs: Collection[str], allocation_id: AllocationId) -> bool:
    """Whether this install has the highest hash for the address among the live ones."""
    return all(_weight(install, allocation_id) >= _weight(other, allocation_id) for other in installs)


def _offer(market: Market, applicant: Applicant, taken: set[AllocationId]) -> Offer | NoOffer:
    choice = min(_open_to(market, applicant, taken), key=lambda a: _preference(market, a), default=None)
    return NoOffer(why=_why_not(market, applicant)) if choice is None else _take(market, choice, taken)


def _take(market: Market, address: Address, taken: set[AllocationId]) -> Offer:
    taken.add(address.allocation_id)
    return Offer(address=address, before=market.records.get(address.allocation_id))


def _open_to(market: Market, applicant: Applicant, taken: set[AllocationId]) -> list[Address]:
    return [
        a
        for a in _members(market, applicant)
        if is_free(a, market.records.get(a.allocation_id))
        and a.allocation_id not in taken
        and a.allocation_id not in applicant.barred
        and applicant.border_group in (None, a.border_group)
    ]


def is_free(address: Address, record: AddressRecord | None) -> bool:
    """Free in EC2 and in the ledger."""
    return address.association is None and (record is None or record.owner is None)


def _members(market: Market, applicant: Applicant) -> list[Address]:
    return [a for a in market.addresses if in_pool(a, applicant.mode, applicant.pool, applicant.holder)]


def _last_holder(market: Market, address: Address) -> str:
    record = market.records.get(address.allocation_id)
    return record.last_holder if record else ""


def _is_held_here(market: Market, address: Address) -> bool:
    """Whether this install holds it: under the applicant's own name, that is its predecessor, on the way down."""
    record = market.records.get(address.allocation_id)
    owner = record.owner if record else None
    return owner is not None and f"{owner.cluster_uid}#{owner.install}" == market.install


def _preference(market: Market, address: Address) -> tuple[bool, bool, int]:
    won = wins(market.install, market.installs, address.allocation_id)
    return (not won, _last_holder(market, address) != "", -_weight(market.install, address.allocation_id))


def _weight(install: str, allocation_id: AllocationId) -> int:
    return int.from_bytes(blake2b(f"{install}|{allocation_id}".encode(), digest_size=8).digest(), "big")


def _why_not(market: Market, applicant: Applicant) -> str:
    members = _members(market, applicant)
    if not members:
        return _no_such_pool(applicant)
    if applicant.border_group is not None and all(a.border_group != applicant.border_group for a in members):
        groups = ", ".join(sorted({a.border_group for a in members}))
        return (
            f"pool {applicant.pool!r} has {len(members)} addresses, but of network border group {groups}; "
            f"this Pod's interface is in {applicant.border_group}: tag an address of that group"
        )
    return f"pool {applicant.pool!r} has no free address: {_held(market, members)}; waiting for one to get free"


def _no_such_pool(applicant: Applicant) -> str:
    if applicant.mode is Mode.FIXED_TAG_VALUE:
        return (
            f"no address carries the tag {applicant.pool!r} with the value {applicant.holder!r}; "
            "tag one with exactly that value"
        )
    return f"no address carries the tag key {applicant.pool!r}; tag at least one Elastic IP of this Region with it"


def _held(market: Market, members: Sequence[Address]) -> str:
    holders: dict[str, int] = {}
    for address in members:
        record = market.records.get(address.allocation_id)
        who = f"cluster {record.owner.cluster_uid}" if record and record.owner else "others"
        holders[who] = holders.get(who, 0) + 1
    parts = ", ".join(f"{count} by {who}" for who, count in sorted(holders.items()))
    return f"{len(members)} addresses, held {parts}"
