"""Which addresses `release-orphans` may show: free, tagged as a cluster's own, and known to no claim of the table.

The controller only reports them, since tags can be forged. Addresses that the table knew (from an `auto` claim, an
intent, or a remembered intent) are left to the controller.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from controller.core import contract
from controller.core.modes import was_allocated
from controller.core.remembered import remembered_uid, was_ours
from controller.core.views import Address
from state.model import AddressRecord, AllocationId, ClusterUid, PodRecord, PodUid


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the table says. `own`: the chosen cluster's Pods' sides; `claimed`: what any Pod's side names.

    unreadable: the keys of the items that this release cannot read; what they are about counts as known.
    """

    sides: Mapping[AllocationId, AddressRecord] = field(default_factory=dict)
    own: Mapping[PodUid, PodRecord] = field(default_factory=dict)
    claimed: Collection[AllocationId] = frozenset()
    unreadable: Collection[tuple[str, str]] = frozenset()


def unknown(cluster_uid: ClusterUid, addresses: Iterable[Address], known: Known) -> list[Address]:
    """Those of the addresses, in their order."""
    return [a for a in addresses if _is_tagged(a, cluster_uid) and not _is_known(a, known)]


def candidates(cluster_uid: ClusterUid, addresses: Iterable[Address]) -> list[AllocationId]:
    """The addresses whose sides of the table must be read to tell."""
    return [a.allocation_id for a in addresses if _is_tagged(a, cluster_uid)]


def describe(address: Address) -> Iterator[str]:
    """The address and its tags, a line for each; EC2 does not tell when an address was allocated."""
    yield f"{address.public_ip} {address.allocation_id}"
    for key, value in sorted(address.tags.items()):
        yield f"    {key} = {value}"


def _is_tagged(address: Address, cluster_uid: ClusterUid) -> bool:
    own = address.tags.get(contract.TAG_CLUSTER_UID) == cluster_uid
    return own and was_allocated(address.tags) and address.association is None and address.readable


def _is_known(address: Address, known: Known) -> bool:
    side, named = known.sides.get(address.allocation_id), PodUid(address.tags.get(contract.TAG_POD_UID, ""))
    owned = (side is not None and side.owner is not None) or address.allocation_id in known.claimed
    held = known.own.get(named)
    expected = (held is not None and held.allocation_id is None) or remembered_uid(named) in known.own
    read = {sk for _, sk in known.unreadable} | {pk for pk, _ in known.unreadable}
    hidden = {f"eip#{address.allocation_id}", f"pod#{named}", f"pod#{remembered_uid(named)}"} & read
    return owned or expected or was_ours(side) or bool(hidden)
