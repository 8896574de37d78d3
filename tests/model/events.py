"""What happens to the world by itself in the plan's model: Pods come, go and move, people do things by hand."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from controller.core import contract
from controller.core.views import PodView
from state.model import AllocationId, Mode, PodUid, Target
from tests.model.stage import ENI

if TYPE_CHECKING:
    from tests.model.world import World

POOL = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One such thing. `change` changes the world that it is given."""

    name: str
    change: Callable[["World"], None]


def pod(uid: str, mode: str = "", ip: str = "10.0.0.5", *, created: str = "1", name: str = "") -> PodView:
    """A live Pod; without a mode it asks for nothing."""
    annotations = {contract.ANNOTATION_TYPE: mode} if mode else {}
    if mode == Mode.FIXED_TAG:
        annotations[contract.ANNOTATION_FIXED_TAG] = POOL
    named = name or uid
    return PodView(
        uid=PodUid(uid), namespace="ns", name=named, ip=ip, node="n", annotations=annotations, created=created
    )


def comes(cluster: str, new: PodView) -> Event:
    """A Pod is created, or changes."""

    def change(world: "World") -> None:
        world.pods = {**world.pods, cluster: {**world.pods[cluster], new.uid: new}}

    return Event(name=f"{cluster}/{new.uid} comes at {new.ip}", change=change)


def goes(cluster: str, uid: str) -> Event:
    """A Pod is deleted."""

    def change(world: "World") -> None:
        left = {key: value for key, value in world.pods[cluster].items() if key != uid}
        world.pods = {**world.pods, cluster: left}

    return Event(name=f"{cluster}/{uid} goes", change=change)


def changes(cluster: str, uid: str, what: str, edit: Callable[[PodView], PodView]) -> Event:
    """A Pod is another from now on, if it is there."""

    def change(world: "World") -> None:
        standing = world.pods[cluster].get(PodUid(uid))
        if standing is not None:
            world.pods = {**world.pods, cluster: {**world.pods[cluster], PodUid(uid): edit(standing)}}

    return Event(name=f"{cluster}/{uid} {what}", change=change)


def moves(cluster: str, uid: str, ip: str) -> Event:
    """A Pod has another IP."""
    return changes(cluster, uid, f"moves to {ip}", lambda pod: replace(pod, ip=ip))


def finishes(cluster: str, uid: str) -> Event:
    """A Pod's containers have ended; it is still there."""
    return changes(cluster, uid, "finishes", lambda pod: replace(pod, finished=True))


def asks_no_more(cluster: str, uid: str) -> Event:
    """A Pod's annotations are taken off."""
    return changes(cluster, uid, "asks no more", lambda pod: replace(pod, annotations={}))


def by_hand(allocation_id: str, ip: str | None) -> Event:
    """Somebody associates an address with this IP, wherever it was; None: disassociates it."""
    target = Target(interface_id=ENI, private_ip=ip) if ip else None
    what = f"associates it with {ip}" if ip else "disassociates it"

    def change(world: "World") -> None:
        if allocation_id in world.account.addresses:
            world.account.by_hand(AllocationId(allocation_id), target, world.now)

    return Event(name=f"{allocation_id}: somebody {what}", change=change)


def retagged(allocation_id: str) -> Event:
    """Somebody says in an address's tags that it is for something else."""

    def change(world: "World") -> None:
        if allocation_id in world.account.addresses:
            world.account.retag(AllocationId(allocation_id), {contract.TAG_TYPE: "mine"}, world.now)

    return Event(name=f"{allocation_id}: somebody tags it anew", change=change)


def a_minute() -> Event:
    """Time passes: EC2's describes show the present again."""

    def change(world: "World") -> None:
        world.now += 61.0

    return Event(name="a minute passes", change=change)


def emptied() -> Event:
    """The table loses all its items. The Lease knows the epoch, and so that the table is another."""

    def change(world: "World") -> None:
        world.table.empty()

    return Event(name="the table is emptied", change=change)


def saved() -> Event:
    """A backup of the table is made."""

    def change(world: "World") -> None:
        world.backup = world.table.copy()

    return Event(name="the table is saved", change=change)


def restored() -> Event:
    """The table is as it was when it was saved. The Lease knows a newer epoch."""

    def change(world: "World") -> None:
        world.table.empty()
        if world.backup is not None:
            world.table.pods, world.table.addresses = world.backup.pods, world.backup.addresses

    return Event(name="the table is restored", change=change)
