"""What a Pod that gets no address of its pool is told: who has the addresses, and what to do about it."""

from controller.core.contract import LONGEST_TAG_VALUE, quoted
from controller.core.inventory import Inventory, PoolRequest, PoolView
from controller.core.modes import SPECS, AddressSource
from controller.core.situation import Lack, NoOffer
from controller.core.views import Address
from state.model import ClusterUid

_OTHERS = "others"


def on_its_way(held: Address, request: PoolRequest) -> str:
    """The address that this Pod's namesake had is not free yet."""
    which = f"address {held.public_ip} ({held.allocation_id}), which {request.holder} had before"
    return f"{which}, is still being taken from the Pod of that name that is gone; waiting for it"


def left(request: PoolRequest) -> str:
    """Free addresses are left to Pods of other clusters."""
    return (
        f"pool {quoted(request.pool)} has addresses that just got free, and leaves them to Pods of other clusters, "
        "which have waited longer; waiting for its turn"
    )


def why_not(inventory: Inventory, view: PoolView, request: PoolRequest) -> NoOffer:
    """The pool has no free address for this Pod."""
    if not view.members and view.kept:
        return NoOffer(why=_kept(request), lack=Lack.KEPT)
    if not view.members:
        return NoOffer(why=_no_such_pool(request, inventory.cluster), lack=Lack.UNTAGGED)
    if request.border_group is not None and all(a.border_group != request.border_group for a in view.members):
        groups = ", ".join(sorted({a.border_group for a in view.members}))
        why = (
            f"pool {quoted(request.pool)} has addresses, but of network border group {groups}; "
            f"this Pod's interface is in {request.border_group}: tag an address of that group"
        )
        return NoOffer(why=why, lack=Lack.BORDER_GROUP)
    view.held = view.held or _held(inventory, view)
    pool, kept = quoted(request.pool), " or kept for Pods that their values name" if view.kept else ""
    why = f"pool {pool} has no free address: its addresses are held by {view.held}{kept}; waiting for one to get free"
    return NoOffer(why=why, lack=Lack.HELD)


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


def _held(inventory: Inventory, view: PoolView) -> str:
    """Who has the pool, without numbers: a text that changed with each address that moves would be a new event."""
    return ", ".join(sorted({who for a in view.members if (who := _who(inventory, view, a))})) or _OTHERS


def _who(inventory: Inventory, view: PoolView, address: Address) -> str:
    """The cluster that holds it; "" if it is free. What has no owner and is not free is just being given out here."""
    record = inventory.records.get(address.allocation_id)
    if record and record.owner:
        return _cluster(inventory, record.owner.cluster_uid)
    if address.association is not None:
        return _OTHERS
    return "" if address.allocation_id in view.free else _cluster(inventory, inventory.install.cluster_uid)
