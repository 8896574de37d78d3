"""Which addresses without a claim are ours to cut or to release.

A full comparison of EC2 with the ledger finds them: an association that a frozen call made after its claim was
forgotten, an address from an AllocateAddress that arrived late, what the Go controller left behind. Each becomes a
claim in the name of a Pod that is gone, so that the usual teardown (cut, release, forget) takes it away and survives a
crash. What is not certainly ours is reported and left alone.

The tags of an address that is associated with nothing prove nothing: others can write them. Such an address is ours
only where the table knew it: it was an `auto` claim's, an intent of the Pod that the tags name is remembered, or a
person has said so.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from controller.core import contract
from controller.core.adoption import found_tags, may_adopt
from controller.core.desire import Pending, Serve, desire
from controller.core.modes import SPECS, mode_of_tags, was_allocated
from controller.core.pools import in_pool
from controller.core.remembered import remembered_uid, was_ours
from controller.core.situation import Facts
from controller.core.views import Address, PodView
from state.model import AddressRecord, AdoptedTags, AllocationId, Mode, PodRecord, PodUid

_ORPHAN = "orphan:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An address without a claim that gets a claim of its own, so that it is taken away."""

    address: Address
    mode: Mode
    pool: str
    namespace: str = ""
    name: str = ""
    adopted: AdoptedTags | None = None

    @property
    def uid(self) -> PodUid:
        """The UID that stands for the Pod that is gone: one for each address."""
        return PodUid(_ORPHAN + self.address.allocation_id)


def is_orphan(uid: PodUid) -> bool:
    """Whether this UID stands for a Pod that is gone."""
    return uid.startswith(_ORPHAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """An association that the Go controller forgot, at the IP of a live Pod that asks for an address of its own.

    That Pod's own plan takes it away: a claim in the name of a Pod that is gone would block the Pod's own claim.
    """

    address: Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a comparison found: the orphans, the leftovers, and reports in words."""

    orphans: tuple[Orphan, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    reports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the sweep compares with.

    unowned_long: auto addresses that have been seen without an owner for so long that no claim is on its way.
    agreed: addresses that a person has seen, and said that they are to be given back.
    own_instances: called only where the answer matters, for it costs a list of Nodes.
    pods_at: the live Pods with an IP; pod: a Pod as it is now; in_scope: whether a namespace is watched.
    """

    facts: Facts
    records: Mapping[AllocationId, AddressRecord]
    pods: Mapping[PodUid, PodRecord]
    unowned_long: Collection[AllocationId]
    pods_at: Callable[[str], Iterable[PodView]]
    pod: Callable[[PodUid], PodView | None]
    in_scope: Callable[[str], bool]
    own_instances: Callable[[], Collection[str]]
    agreed: Collection[AllocationId] = frozenset()


def sweep(addresses: Iterable[Address], around: Surroundings) -> Findings:
    """Compare these addresses with the ledger and the Pods."""
    orphans: list[Orphan] = []
    leftovers: list[Leftover] = []
    reports: list[str] = []
    for address in addresses:
        record = around.records.get(address.allocation_id)
        if record is not None and record.owner is not None:
            continue
        found = _judge(address, record, around)
        match found:
            case Orphan():
                orphans.append(found)
            case Leftover():
                leftovers.append(found)
            case str():
                reports.append(f"{address.public_ip} ({address.allocation_id}): {found}")
    return Findings(orphans=tuple(orphans), leftovers=tuple(leftovers), reports=tuple(reports))


def is_unowned_auto(address: Address, record: AddressRecord | None, facts: Facts) -> bool:
    """Whether its tags say that we allocated it, nobody owns it and nothing is associated with it."""
    ours = was_allocated(address.tags) and address.tags.get(contract.TAG_CLUSTER_UID) == facts.cluster_uid
    return ours and address.association is None and (record is None or record.owner is None)


def mode_of(address: Address, pool: str, pod: PodView | None, facts: Facts) -> Mode:
    """The mode of a claim whose Pod's side is lost: the mode that the Pod asks for, if it asks for this pool.

    Where the Pod is gone either fixed mode does: what it held is taken away in the same way.
    """
    wanted = desire(pod) if pod is not None else None
    asked = wanted.mode if isinstance(wanted, Serve | Pending) and wanted.pool == pool else None
    holder = f"{pod.namespace}/{pod.name}" if pod is not None else ""
    if asked is not None and in_pool(address, asked, pool, holder, facts.cluster_name):
        return asked
    return mode_of_tags(address.tags)


def _judge(address: Address, record: AddressRecord | None, around: Surroundings) -> Orphan | Leftover | str | None:
    association = address.association
    tags = found_tags(address)
    if association is not None and record is not None and record.knows(association.target):
        orphan = _orphan(address, record.pool, tags)
        # Certainly ours, whatever has become of the Pod that the tags name: it may live and not be served.
        # A live Pod there that asks for an address adopts it, or cuts it, by its own plan.
        return None if _asked_for_at(address, around) else replace(orphan, namespace="", name="")
    if tags is None or not _in_scope(tags, around):
        return None
    if association is None:
        return _judge_free(address, tags, around)
    if _has_live_pod(address, tags, around):
        return None
    if len(tags.pod) >= contract.LONGEST_TAG_VALUE:  # a name that may be cut off proves nothing of its Pod
        return f"associated with {association.target.private_ip}, tagged for a Pod of a very long name, {tags.pod}"
    if record is not None:  # the ledger has its history, and this is no part of it
        return f"associated with {association.target.private_ip}, where we did not put it; tagged for {tags.pod}"
    if association.instance_id is not None and association.instance_id in around.own_instances():
        return _left_here(address, tags, around)
    named = tags.cluster_name == around.facts.cluster_name
    return f"associated with {association.target.private_ip}, tagged for {tags.pod}, which is gone" if named else None


def _left_here(address: Address, tags: AdoptedTags, around: Surroundings) -> Orphan | Leftover | str:
    """The Go controller's by its tags, on a node of ours, for a Pod that is gone, and unknown to the ledger."""
    if not around.facts.adopt_leftovers:
        return (
            f"at a node of this cluster, tagged for {tags.pod}, which is gone; it is taken where adoptLeftovers is on"
        )
    return Leftover(address=address) if _asked_for_at(address, around) else _orphan(address, "", tags)


def _judge_free(address: Address, tags: AdoptedTags, around: Surroundings) -> Orphan | str | None:
    if not was_allocated(address.tags):
        return None
    if address.tags.get(contract.TAG_CLUSTER_UID) == around.facts.cluster_uid:
        return _judge_own(address, tags, around)
    named = not tags.pod_uid and tags.cluster_name == around.facts.cluster_name
    return (
        f"allocated by another controller for {tags.pod}, not associated; release it if nobody needs it"
        if named
        else None
    )


def _judge_own(address: Address, tags: AdoptedTags, around: Surroundings) -> Orphan | str | None:
    """An address that is tagged as allocated by us. If the table knew it, it goes, unless its Pod may still take it."""
    uid = PodUid(tags.pod_uid)
    held, expected = around.pods.get(uid), remembered_uid(uid) in around.pods
    superfluous = held is not None and held.allocation_id not in (None, address.allocation_id)
    wanted = held is not None or _asks_for_auto(around.pod(uid))
    long = address.allocation_id in around.unowned_long
    known = expected or was_ours(around.records.get(address.allocation_id))
    if address.allocation_id in around.agreed or (known and (superfluous or (not wanted and (expected or long)))):
        return _orphan(address, contract.AMAZON_POOL, tags)
    if known or not long:
        return None
    return (
        f"free, tagged as allocated by this cluster for {tags.pod}, and this table does not know it; "
        "if nobody needs it: release-orphans"
    )


def _asks_for_auto(pod: PodView | None) -> bool:
    """Whether an address that was allocated for this Pod may yet be taken by it."""
    wanted = desire(pod) if pod is not None else None
    return isinstance(wanted, Serve | Pending) and SPECS[wanted.mode].allocates


def _has_live_pod(address: Address, tags: AdoptedTags, around: Surroundings) -> bool:
    """Whether a live Pod is behind the association that may claim it, or that the tags name."""
    assert address.association is not None
    for pod in around.pods_at(address.association.target.private_ip):
        if contract.pod_tag(pod.namespace, pod.name) == tags.pod and tags.pod_uid in ("", pod.uid):
            return True
    return _may_be_adopted(address, around)


def _may_be_adopted(address: Address, around: Surroundings) -> bool:
    assert address.association is not None
    for pod in around.pods_at(address.association.target.private_ip):
        wanted = desire(pod)
        if isinstance(wanted, Serve) and may_adopt(address, around.facts, pod, wanted.mode, wanted.pool):
            return True
    return False


def _asked_for_at(address: Address, around: Surroundings) -> bool:
    """Whether a live Pod at the address's private IP asks for one."""
    assert address.association is not None
    return any(isinstance(desire(pod), Serve) for pod in around.pods_at(address.association.target.private_ip))


def _in_scope(tags: AdoptedTags, around: Surroundings) -> bool:
    return around.in_scope(tags.pod.partition("/")[0])


def _orphan(address: Address, pool: str, tags: AdoptedTags | None) -> Orphan:
    mode = mode_of_tags(address.tags)
    namespace, _, name = (tags.pod if tags else "").partition("/")
    return Orphan(
        address=address,
        mode=mode,
        pool=pool,
        namespace=namespace,
        name=name,
        adopted=tags if SPECS[mode].releases else None,
    )
