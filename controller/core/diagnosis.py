"""What `doctor` says: for each check a finding, its grade, and what to do about it. Nothing here calls an API."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from controller.core.quota import AccountQuota
from state.errors import PodEipError, QuotaExceeded

LATE_S = 600.0
"""Credentials are renewed a quarter of an hour before they expire: at ten minutes that has failed for a while."""
_GIVE_A_ROLE = "Give the ServiceAccount a role, by EKS Pod Identity or by IRSA, and look whether its agent runs"

_NOT_KEPT = "Until the quota can be read, auto allocates without regard to --keep-quota"
_MORE = f"{QuotaExceeded.advice}, or keep fewer (--keep-quota)"


class Grade(IntEnum):
    """How serious a finding is; the most serious one is the exit code."""

    FINE = 0
    WARNING = 1
    BROKEN = 2


_MARKS = {Grade.FINE: "√", Grade.WARNING: "‼", Grade.BROKEN: "×"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. `advice` says what to do; it is empty where nothing has to be done."""

    check: str
    grade: Grade
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The credentials that were found. `source`: botocore's name of their provider; `trouble`: why there are none.

    `expires_in_s`: None where they do not expire, or where the time is not known.
    """

    source: str = ""
    temporary: bool = False
    renewable: bool = False
    expires_in_s: float | None = None
    trouble: str = ""


def of_credentials(seen: Credentials) -> Finding:
    """Whether calls can be signed, and for how long."""
    if seen.trouble or not seen.source:
        text = seen.trouble or "no AWS credentials were found"
        return Finding(check="credentials", grade=Grade.BROKEN, text=text, advice=_GIVE_A_ROLE)
    found = f"from {seen.source}"
    if seen.temporary and not seen.renewable:
        text = f"{found}; they are temporary, and nothing renews them: once they expire, nobody can lead"
        return Finding(check="credentials", grade=Grade.WARNING, text=text, advice=_GIVE_A_ROLE)
    if seen.expires_in_s is None:
        return Finding(check="credentials", grade=Grade.FINE, text=f"{found}; they do not expire")
    text = f"{found}; they expire in {_span(seen.expires_in_s)}, and are renewed a quarter of an hour before"
    if seen.expires_in_s < LATE_S:
        return Finding(check="credentials", grade=Grade.WARNING, text=f"{text}: that has not happened")
    return Finding(check="credentials", grade=Grade.FINE, text=text)


def of_call(check: str, text: str, error: PodEipError | None = None) -> Finding:
    """The finding for a call that must work: `text` if it worked; else AWS's code and the advice for it."""
    if error is None:
        return Finding(check=check, grade=Grade.FINE, text=text)
    said = f"{error.code}: {error.message}" if error.code not in error.message else error.message
    return Finding(check=check, grade=Grade.BROKEN, text=said, advice=error.advice)


def of_quota(quota: AccountQuota, error: PodEipError | None = None) -> Finding:
    """How much of the account's quota is left for `auto`. If it cannot be read, that is a warning only."""
    if quota.room is None:
        said = of_call("quota", "", error) if error else None
        text = said.text if said else "EC2 does not say how many addresses the account may have"
        advice = ". ".join(part for part in (said.advice if said else "", _NOT_KEPT) if part)
        return Finding(check="quota", grade=Grade.WARNING, text=text, advice=advice)
    text = f"{quota.used} of {quota.allowed} addresses are used, {quota.kept} are kept for others"
    if quota.room <= 0:
        return Finding(check="quota", grade=Grade.WARNING, text=f"{text}: none is left for auto", advice=_MORE)
    return Finding(check="quota", grade=Grade.FINE, text=f"{text}: {quota.room} left for auto")


def lines(finding: Finding) -> Iterator[str]:
    """The finding on a line, and what to do about it on another."""
    yield f"{_MARKS[finding.grade]} {finding.check}: {finding.text}"
    if finding.advice:
        yield f"    {finding.advice}"


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
