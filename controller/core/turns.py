"""Whose turn it is when several clusters wait for one pool: the longest wait first, then the fewest addresses.

A cluster sees first what gets free in it, so its own Pods would get it each time. Its leader therefore leaves such an
address for a while to the clusters whose Pods come first; they find it at their next look at the pool. Then the address
is open to all, so a cluster that cannot use it costs the others a pause and no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.core.views import Address
from state.model import AllocationId, PoolQueue

MARGIN_S = 30.0
"""Seconds. Waiting is compared in steps of the time between two heartbeats: who is a step ahead has told so by then."""
LEFT_S = 20.0
"""Seconds: the longest time between two looks at a pool, 15 s, and the time of one look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingInstall:
    """The Pods of another install that wait for this pool, and how many of its addresses that install has."""

    queue: PoolQueue
    held: int


def left_to_others(
    others: Sequence[WaitingInstall], *, waited_s: float, held: int, free: Sequence[Address]
) -> frozenset[AllocationId]:
    """Those of `free` that a Pod which has waited so long leaves to others; it leaves the last ones of `free` first.

    `free`: in the order in which the Pod prefers them. `held`: how many addresses of the pool its install has.
    """
    left: dict[AllocationId, None] = {}
    for other in others:
        theirs = [a for a in reversed(free) if a.allocation_id not in left and _suits(a, other.queue)]
        left.update(dict.fromkeys(a.allocation_id for a in theirs[: _ahead(other, waited_s, held)]))
    return frozenset(left)


def _ahead(other: WaitingInstall, waited_s: float, held: int) -> int:
    """How many of the other's Pods come first. The order is total, so installs do not all leave it to each other."""
    rank, own = other.queue.waited_s // MARGIN_S, waited_s // MARGIN_S
    if rank != own or rank == 0:
        return other.queue.waiting if rank > own else 0
    return max(0, min(other.queue.waiting, (held + 1 - other.held) // 2))


def _suits(address: Address, queue: PoolQueue) -> bool:
    return queue.border_group in ("", address.border_group)
