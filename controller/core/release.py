"""What `release-cluster` may do: which installs a person's request means, and what would become of their addresses.

Nothing here calls an API. A person says that a cluster is dead; that is checked. The request must mean exactly one
cluster. Each line says beforehand what will become of an address, by the controller's own rules.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from controller.core import contract
from controller.core.modes import SPECS, was_allocated
from controller.core.views import Address
from state.errors import Misconfigured, Refused
from state.model import AddressRecord, AllocationId, ClusterUid, InstallKey, InstallRecord, PodRecord

_RELEASE = "release"
NOBODY = InstallKey(cluster_uid=ClusterUid(""), lease_namespace="", lease_name="")
"""The key for reading the table without an install of one's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asks for: a cluster by UID or name, perhaps one install of it, perhaps without confirmation."""

    cluster: str
    lease: str | None = None
    yes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One address of a cluster, who has it, and what will be done with it."""

    public_ip: str
    allocation_id: str
    mode: str
    holder: str
    preview: str


def choose(installs: Iterable[InstallRecord], wanted: str, lease: str | None) -> list[InstallRecord]:
    """The installs of the one cluster that has this UID or name, or the one of them with this `NAMESPACE/LEASE`.

    Raises Misconfigured, with a list of all installs, where no cluster or more than one matches.
    """
    known = sorted(installs, key=lambda record: str(record.key))
    found = [record for record in known if wanted in (record.key.cluster_uid, record.cluster_name)]
    found = [record for record in found if lease in (None, record.key.install)]
    if len({record.key.cluster_uid for record in found}) == 1:
        return found
    named = f"{wanted!r}" + (f" with the Lease {lease}" if lease else "")
    fault = f"{named} is {'not one cluster only' if found else 'no cluster of this table'}; choose by the UID"
    raise Misconfigured([fault, *(describe(record) for record in found or known)])


def check_still(meant: Iterable[InstallRecord], installs: Iterable[InstallRecord]) -> None:
    """Raise Refused where one of the chosen installs has written since; the installs are as read just now."""
    now = {record.key: record for record in installs}
    for record in meant:
        seen = now.get(record.key)
        if seen is not None and (seen.heartbeat, seen.epoch) != (record.heartbeat, record.epoch):
            raise Refused(
                f"install {record.key} beats: its heartbeat moved from {record.heartbeat} to {seen.heartbeat}",
                code="InstallLives",
                advice="Stop it first, with `helm uninstall` or by scaling it to 0; nothing was changed",
            )


def is_whole(meant: Sequence[InstallRecord], installs: Iterable[InstallRecord]) -> bool:
    """Whether no other install of the cluster may still write. Only then nobody uses an address without a claim."""
    keys, uid = {record.key for record in meant}, meant[0].key.cluster_uid
    return all(record.fenced for record in installs if record.key.cluster_uid == uid and record.key not in keys)


def describe(record: InstallRecord) -> str:
    """One install on a line."""
    scope = f"namespace {record.scope}" if record.scope else "all namespaces"
    return (
        f"{record.key.cluster_uid} {record.cluster_name} (Lease {record.key.install}, {scope}, led by {record.leader})"
    )


def preview(
    claims: Iterable[PodRecord], sides: Mapping[AllocationId, AddressRecord], addresses: Sequence[Address]
) -> list[Line]:
    """What would become of each claim's address."""
    shown = {address.allocation_id: address for address in addresses}
    return [
        Line(
            public_ip=claim.public_ip or "-",
            allocation_id=claim.allocation_id or "-",
            mode=str(claim.mode),
            holder=claim.holder if claim.name else "-",
            preview=_preview_of(claim, sides, shown),
        )
        for claim in sorted(claims, key=lambda claim: (claim.holder, claim.uid))
    ]


def _preview_of(
    claim: PodRecord, sides: Mapping[AllocationId, AddressRecord], shown: Mapping[AllocationId, Address]
) -> str:
    if claim.allocation_id is None:
        return "release what was allocated for it, if anything was"
    address, side = shown.get(claim.allocation_id), sides.get(claim.allocation_id)
    if address is None:
        return "forget: the address is not in this account any more"
    association = address.association
    if association is not None and (side is None or not side.knows(association.target)):
        return f"forget: somebody else associated it with {association.target.private_ip}"
    cut = f"cut from {association.target.private_ip}, " if association is not None else ""
    return cut + (_RELEASE if SPECS[claim.mode].releases else "leave in its pool")


def unrecorded(cluster_uid: ClusterUid, addresses: Iterable[Address], recorded: Collection[str]) -> list[Line]:
    """The `auto` addresses that this cluster allocated, by their tags, and that are not among the recorded ones."""
    return [
        Line(
            public_ip=address.public_ip,
            allocation_id=address.allocation_id,
            mode=address.tags[contract.TAG_TYPE],
            holder=address.tags.get(contract.TAG_POD, "-"),
            preview=_RELEASE if address.association is None else "leave: associated, and recorded nowhere",
        )
        for address in addresses
        if was_allocated(address.tags)
        and address.tags.get(contract.TAG_CLUSTER_UID) == cluster_uid
        and address.allocation_id not in recorded
    ]


def agreed(shown: Iterable[Line]) -> frozenset[AllocationId]:
    """The addresses of which a person was told that they will be released as they are."""
    return frozenset(AllocationId(line.allocation_id) for line in shown if line.preview == _RELEASE)
