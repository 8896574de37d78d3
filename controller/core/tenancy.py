"""How much the tenants of a cluster are trusted: one setting, and what it adds to the policy.

`open` is as with the Go controller: whoever may create a Pod may ask for any address. `strict` is for tenants who do
not trust each other: only what is listed is allowed, and each namespace and the install have a limit.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from controller.core import foreign_keys
from controller.core.contract import quoted
from controller.core.modes import SPECS
from controller.core.policy import ALLOW_ALL, AddressLimit, Effect, Policy, Refusal
from state.model import Mode

STRICT_MOST = 50
"""The most addresses of one install, in strict, where no setting says otherwise."""
STRICT_LIMIT = AddressLimit(name="strict", addresses=5)
"""In strict, for each namespace that no limit of the policy matches; a new account may have 5 (Amazon VPC quotas)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenancy:
    """The settings. `pool_keys`: globs of the tag keys that may be pools; none in `open`: any.

    `most`: how many addresses the install may hold; None: as many as EC2 gives. `kept`: how many addresses of the
    account's quota `auto` leaves for others.
    """

    strict: bool = False
    pool_keys: tuple[str, ...] = ()
    most: int | None = None
    kept: int = 0

    @property
    def default(self) -> Effect:
        """The effect where no rule matches and the policy has no default."""
        return Effect.DENY if self.strict else Effect.ALLOW

    def allows_key(self, key: str) -> bool:
        """Whether this tag key may be a pool."""
        return (not self.pool_keys and not self.strict) or any(fnmatchcase(key, glob) for glob in self.pool_keys)

    def names_key(self, key: str, members: int) -> bool:
        """Whether metrics may name this pool, which has so many addresses.

        A key that is not listed literally may be anybody's text, so it is named only once an address carries it.
        """
        return self.allows_key(key) and (members > 0 or key in self.pool_keys)

    def explain(self) -> str:
        """The settings in a sentence, for the log and for people."""
        keys = (
            f"tag keys {', '.join(self.pool_keys)}"
            if self.pool_keys
            else "no tag key"
            if self.strict
            else "any tag key"
        )
        most = f"{self.most} addresses" if self.most is not None else "any number of addresses"
        if self.kept:
            most += f", and auto leaves {self.kept} of the account's quota for others"
        if not self.strict:
            return f"tenancy open: what no rule denies is allowed; {keys} may be a pool; the install may have {most}"
        return (
            f"tenancy strict: what no rule allows is denied; {keys} may be a pool; a namespace may have "
            f"{STRICT_LIMIT.addresses} addresses where no limit says otherwise, the install {most}"
        )


OPEN = Tenancy()


def tenancy_of(*, strict: bool, pool_keys: tuple[str, ...], most: int | None, kept: int = 0) -> Tenancy:
    """The tenancy that these settings make."""
    most = STRICT_MOST if strict and most is None else most
    return Tenancy(strict=strict, pool_keys=pool_keys, most=most, kept=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All that decides about a new claim: the policy in force, and the tenancy."""

    policy: Policy = ALLOW_ALL
    tenancy: Tenancy = OPEN

    @property
    def default(self) -> Effect:
        """The effect where no rule of the policy matches."""
        return self.policy.default or self.tenancy.default

    def refusal(self, namespace: str, mode: Mode, pool: str) -> str | None:
        """Why a Pod of this namespace may not ask for this; None if it may."""
        if (foreign := foreign_keys.refusal(mode, pool)) is not None:
            return foreign
        if not SPECS[mode].allocates and not self.tenancy.allows_key(pool):
            return (
                f"tag key {quoted(pool)} is not among those that this controller may use; "
                "whoever runs it lists them (poolKeys)"
            )
        return self.policy.refusal(namespace, mode, pool, default=self.tenancy.default)

    @property
    def has_limits(self) -> bool:
        """Whether anybody is limited."""
        return bool(self.policy.limits) or self.tenancy.strict or self.tenancy.most is not None

    def limit(self, namespace: str) -> AddressLimit | None:
        """The limit that holds for this namespace, if any."""
        return self.policy.limit(namespace) or (STRICT_LIMIT if self.tenancy.strict else None)

    def full(self, held: int) -> Refusal | None:
        """The refusal where the install, which holds so many addresses, may have no more; None: it may."""
        most = self.tenancy.most
        if most is None or held < most:
            return None
        why = f"this controller may have {most} addresses (maxAddresses), and has them; waiting for one to get free"
        return Refusal(why=why, waits=True, for_any=True)
