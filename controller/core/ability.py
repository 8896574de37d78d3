"""What a replica is able to do, as far as it was told: a refusal for missing rights counts, an outage does not.

A replica that was never able is red from the first refusal on, so that an install with missing rights fails at once.
One that was able is red only after a second refusal in a row. What says nothing about rights (a time-out, a 5xx, a
throttled call, credentials that are renewed) changes nothing: it may pass, and another replica would fare no better.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from controller.core.contract import for_tenants
from state.errors import AccessDenied, NoCredentials, PodEipError, TableMissing, TableNotUsable

CERTAIN = 2
"""Refusals in a row that prove that rights which were there are gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One check: whether it ever passed, how often it was refused since, and the last refusal in words.

    unknown: credentials were missing at the last try, so it was not asked at all.
    """

    was_able: bool = False
    refusals: int = 0
    words: str = ""
    unknown: bool = False

    @property
    def refused(self) -> bool:
        """Whether it is certain that this is not allowed."""
        return self.refusals >= (CERTAIN if self.was_able else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """All checks that have been tried, by name, in the order in which they were tried first."""

    standings: Mapping[str, Standing] = field(default_factory=dict)

    def heard(self, check: str, error: PodEipError | None) -> "Ability":
        """After this check passed (None), or failed with this."""
        was = self.standings.get(check, Standing())
        if error is None:
            now = Standing(was_able=True)
        elif is_refusal(error):
            now = Standing(was_able=was.was_able, refusals=was.refusals + 1, words=for_tenants(error.explain()))
        else:
            now = replace(was, unknown=isinstance(error, NoCredentials))
        return Ability(standings={**self.standings, check: now})

    @property
    def trouble(self) -> str:
        """What is certainly not allowed, in words; empty: nothing."""
        return self.trouble_but(())

    def trouble_but(self, left_out: Collection[str]) -> str:
        """The same, without these checks."""
        refused = {name: s.words for name, s in self.standings.items() if s.refused and name not in left_out}
        return "; ".join(f"{name}: {words}" for name, words in refused.items())

    @property
    def doubtful(self) -> bool:
        """Whether something was refused, certainly or not, or could not be asked: it is asked again soon."""
        return any(standing.refusals or standing.unknown for standing in self.standings.values())


def is_refusal(error: PodEipError) -> bool:
    """Whether this says that rights, or the table, are missing. Credentials that are missing are shown elsewhere."""
    missing = isinstance(error, AccessDenied) and not isinstance(error, NoCredentials) and error.code != "Unauthorized"
    return missing or isinstance(error, TableMissing | TableNotUsable)
