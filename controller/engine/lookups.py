"""What a Pod needs to have looked up before it can be planned for, and how that is done.

Observing calls no API: where a cache does not hold the answer, the Pod is put aside. Its lookups are done beside
the loop (`engine/lookup_queue`), the needs of all Pods of one kind by one look. Then the Pod is observed anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, assert_never, get_args

from controller.core.ports import Pods
from controller.engine.ec2view import AddressView
from controller.engine.placement import Placements
from controller.engine.pool_allocator import PoolAllocator
from controller.engine.quota import QuotaGuard

Kind = Literal["addresses", "places", "fresh places", "nodes", "fresh nodes", "pools", "quota"]


KINDS: tuple[Kind, ...] = get_args(Kind)


def words(kind: str) -> str:
    """What is looked up, for a person; raises ValueError where there is no such kind."""
    if kind not in KINDS:
        raise ValueError(kind)
    return _words(next(one for one in KINDS if one == kind))


def _words(kind: Kind) -> str:
    match kind:
        case "addresses":
            return "a look at all addresses of the account"
        case "places" | "fresh places":
            return "a look at the interface of its private IP"
        case "nodes" | "fresh nodes":
            return "its Node's EC2 instance"
        case "pools":
            return "everybody's claims on the pool"
        case "quota":
            return "the account's quota of addresses"
        case _:
            assert_never(kind)


@dataclass(frozen=True, slots=True)
class Lookup:
    """One thing to look up: `name` is an IP, a Node or a pool, and empty for all addresses and for the quota.

    `since`: an answer to an earlier question is too old. `detail`: for an IP, the instance of its Node.
    """

    kind: Kind
    name: str = ""
    since: float = field(default=float("-inf"), compare=False)
    detail: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRunner:
    """Does lookups; the only part of observing that calls an API. Raises what the ports raise."""

    view: AddressView
    placements: Placements
    pools: PoolAllocator
    pods: Pods
    quota: QuotaGuard

    def look(self, kind: Kind, lookups: Iterable[Lookup]) -> None:
        """Do these lookups of one kind, with as few calls as the ports allow."""
        match kind:
            case "addresses":
                self.view.look()
            case "places" | "fresh places":
                self.placements.look({lookup.name: lookup.detail for lookup in lookups})
            case "nodes" | "fresh nodes":
                for lookup in lookups:
                    self.pods.read_instance(lookup.name)
            case "pools":
                self.pools.read({lookup.name for lookup in lookups})
            case "quota":
                self.quota.look()
