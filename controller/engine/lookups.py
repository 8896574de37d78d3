"""What a Pod needs to have looked up before it can be planned for, and how that is done.

Observing calls no API: where a cache does not hold the answer, the Pod is put aside. Its lookups are done beside
the loop (`engine/lookup_queue`), the needs of all Pods of one kind by one look. Then the Pod is observed anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from controller.core.ports import Pods
from controller.engine.ec2view import AddressView
from controller.engine.placement import Placements
from controller.engine.pool_allocator import PoolAllocator
from controller.engine.quota import QuotaGuard

Kind = Literal["addresses", "places", "fresh places", "nodes", "fresh nodes", "pools", "quota"]


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
