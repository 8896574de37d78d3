"""How much of the account's quota of addresses `auto` may use: the last ones are kept for whoever else needs some.

NAT gateways and load balancers draw on the same quota (EC2-VPC Elastic IPs, of one account in one Region) and cannot
wait in line. A setting says how many are kept; without it, and where nobody knows the quota, nobody is held back.
Addresses of a public IPv4 pool of one's own, and those that a service of AWS manages, count as none of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.core.actions import Allocate, Plan
from controller.core.contract import AMAZON_POOL
from controller.core.ports import Address
from controller.core.situation import NoOffer

NEAR = 10
"""Where fewer addresses than this are left, others may take the last of them: what is used is looked at anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuota:
    """How many addresses the account has, may have (None: nobody knows), and how many of these are kept for others.

    `trouble`: the code of why it could not be read at the last try; empty if it could.
    """

    used: int
    allowed: int | None
    kept: int
    trouble: str = ""

    @property
    def room(self) -> int | None:
        """How many addresses `auto` may still allocate, below 0 where others have what is kept; None: nobody knows."""
        return None if self.allowed is None else self.allowed - self.kept - self.used

    @property
    def near(self) -> bool:
        """Whether so little is left that an old look does not do."""
        return self.room is not None and self.room < NEAR

    def no_room(self, coming: int) -> NoOffer | None:
        """Why no address may be allocated now, while so many allocations are on their way; None if one may.

        Where only those stand in the way, each may fail yet, or be counted twice as it is done: nothing is said of it.
        """
        if self.room is None or self.room > coming:
            return None
        why = (
            f"the account may have {self.allowed} addresses in this Region, of which {self.kept} are kept for "
            "others (keepQuota), and the rest are used; waiting for one to get free"
        )
        return NoOffer(why=why, soon=self.room > 0)


def counts(public_ipv4_pool: str) -> bool:
    """Whether an address from this pool draws on the quota; where EC2 names no pool, it is taken for Amazon's."""
    return public_ipv4_pool in ("", AMAZON_POOL)


def used(addresses: Iterable[Address]) -> int:
    """How many of these draw on the quota."""
    return sum(counts(address.public_ipv4_pool) for address in addresses)


def draws(plan: Plan) -> bool:
    """Whether this plan allocates an address that does."""
    return any(isinstance(step, Allocate) and counts(step.request.public_ipv4_pool) for step in plan)
