"""How much of the account's quota of addresses `auto` may use: the last ones are kept for others.

NAT gateways and load balancers use the same quota (EC2-VPC Elastic IPs, of one account in one Region), and fail where
it is used up. A setting says how many addresses are kept. Without it, and where the quota is not known, no Pod waits.
Addresses of a public IPv4 pool of one's own, and those that a service of AWS manages, do not use the quota.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.core.contract import AMAZON_POOL
from controller.core.situation import Lack, NoOffer
from controller.core.views import Address

NEAR = 10
"""Where fewer addresses than this are left, others may take the last ones, so all addresses are described again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuota:
    """How many addresses the account has, may have (None: not known), and how many of these are kept for others.

    `trouble`: the code of why it could not be read at the last try; empty if it could.
    """

    used: int
    allowed: int | None
    kept: int
    trouble: str = ""

    @property
    def room(self) -> int | None:
        """How many addresses `auto` may still allocate; below 0 where others use what is kept; None: not known."""
        return None if self.allowed is None else self.allowed - self.kept - self.used

    @property
    def near(self) -> bool:
        """Whether so few are left that a fresh describe is needed."""
        return self.room is not None and self.room < NEAR

    def no_room(self, coming: int) -> NoOffer | None:
        """Why no address may be allocated now, while so many allocations are on their way; None if one may.

        Where there would be room without those on their way, the Pod is told nothing yet: each of them may still fail,
        or be counted twice for a moment as it ends.
        """
        if self.room is None or self.room > coming:
            return None
        why = (
            f"the account may have {self.allowed} addresses in this Region, of which {self.kept} are kept for "
            "others (keepQuota), and the rest are used; waiting for one to get free"
        )
        return NoOffer(why=why, lack=Lack.QUOTA, soon=self.room > 0)


def counts(public_ipv4_pool: str) -> bool:
    """Whether an address from this pool uses the quota; where EC2 names no pool, Amazon's is assumed."""
    return public_ipv4_pool in ("", AMAZON_POOL)


def used(addresses: Iterable[Address]) -> int:
    """How many of these use the quota."""
    return sum(counts(address.public_ipv4_pool) for address in addresses)
