"""What a Pod needs to have looked up before it can be planned for, and how that is done.

Observing calls no API: where a cache does not hold the answer, the Pod is put aside with its needs. They are met beside
the loop (`engine/looks`), the needs of all Pods of one kind by one look. Then the Pod is observed anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from controller.core.ports import Pods
from controller.engine.ec2view import AddressView
from controller.engine.market import PoolMarket
from controller.engine.placement import Placements
from controller.engine.quota import QuotaGuard

Kind = Literal["addresses", "places", "fresh places", "nodes", "fresh nodes", "pools", "quota"]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to look up: `name` is an IP, a Node or a pool, and empty for all addresses and for the quota.

    `since`: an answer to an earlier question is too old. `detail`: for an IP, the instance of its Node.
    """

    kind: Kind
    name: str = ""
    since: float = field(default=float("-inf"), compare=False)
    detail: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looker:
    """Meets needs; the only part of observing that calls an API. Raises what the ports raise."""

    view: AddressView
    placements: Placements
    market: PoolMarket
    pods: Pods
    quota: QuotaGuard

    def look(self, kind: Kind, needs: Iterable[Need]) -> None:
        """Meet these needs of one kind, with as few calls as the ports allow."""
        match kind:
            case "addresses":
                self.view.look()
            case "places" | "fresh places":
                self.placements.look({need.name: need.detail for need in needs})
            case "nodes" | "fresh nodes":
                for need in needs:
                    self.pods.read_instance(need.name)
            case "pools":
                self.market.read({need.name for need in needs})
            case "quota":
                self.quota.look()
