"""What is said of the account as a whole: its credentials, whether EC2 answers, the quota, the clock, X-Ray."""

from collections.abc import Mapping
from dataclasses import dataclass

from controller.core.diagnosis.finding import Check, Finding, broken, fine, listed, not_looked_at, said, warning
from controller.core.quota import AccountQuota
from state.errors import PodEipError, QuotaExceeded

LATE_S = 600.0
"""Credentials are renewed a quarter of an hour before they expire: at ten minutes that has failed for a while."""
_GIVE_A_ROLE = "Give the ServiceAccount a role, by EKS Pod Identity or by IRSA, and look whether its agent runs"

_NOT_KEPT = "Until the quota can be read, auto allocates without regard to --keep-quota"
_TIME_SERVICE = "Mend the time service of this node (chrony, with the Amazon Time Sync Service)"
_TRANSACTION_SEARCH = (
    "Switch it on: `aws xray update-trace-segment-destination --destination CloudWatchLogs`; "
    "or send traces to a collector"
)
_PATH = "Look at DNS, NAT gateways, security groups and network policies"
SKEW_NOTED_S = 30.0
SKEW_LIMIT_S = 300.0
_FEWER = ", or keep fewer (--keep-quota)"


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
    check = Check.CREDENTIALS
    if seen.trouble or not seen.source:
        return broken(check, seen.trouble or "no AWS credentials were found", _GIVE_A_ROLE)
    found = f"from {seen.source}"
    if seen.temporary and not seen.renewable:
        text = f"{found}; they are temporary, and nothing renews them: once they expire, nobody can lead"
        return warning(check, text, _GIVE_A_ROLE)
    if seen.expires_in_s is None:
        return fine(check, f"{found}; they do not expire")
    text = f"{found}; they expire in {_span(seen.expires_in_s)}, and are renewed a quarter of an hour before"
    return warning(check, f"{text}: that has not happened") if seen.expires_in_s < LATE_S else fine(check, text)


def of_call(check: Check, text: str, error: PodEipError | None = None) -> Finding:
    """The finding for a call that must work: `text` if it worked; else AWS's code and the advice for it."""
    return fine(check, text) if error is None else broken(check, said(error), error.advice)


def of_quota(quota: AccountQuota, error: PodEipError | None = None) -> Finding:
    """How much of the account's quota is left for `auto`. If it cannot be read, that is a warning only."""
    check = Check.QUOTA
    unsaid = "EC2 does not say how many addresses the account may have"
    if quota.room is None and error is None and not quota.kept:
        return not_looked_at(check, unsaid)
    if quota.room is None:
        text = said(error) if error else unsaid
        return warning(check, text, ". ".join(part for part in (error.advice if error else "", _NOT_KEPT) if part))
    text = f"{quota.used} of {quota.allowed} addresses are used, {quota.kept} are kept for others"
    if quota.room <= 0:
        return warning(check, f"{text}: none is left for auto", QuotaExceeded.advice + (_FEWER if quota.kept else ""))
    return fine(check, f"{text}: {quota.room} left for auto")


def of_clock(ahead_s: float | None) -> Finding:
    """How far our clock is from AWS's. `ahead_s`: seconds that ours is ahead; None: no answer had a date.

    SigV4 takes a request within 5 minutes of AWS's own clock, which is before ours is (IAM user guide, "Troubleshoot
    signed requests for AWS APIs"). The date of an answer is in whole seconds.
    """
    check = Check.CLOCK
    if ahead_s is None:
        return not_looked_at(check, "no answer of AWS had a date")
    off = abs(ahead_s)
    text = f"this machine's clock is {off:.0f} s {'ahead of' if ahead_s > 0 else 'behind'} that of AWS"
    if off >= SKEW_LIMIT_S:
        return broken(check, f"{text}: AWS refuses signatures that are 5 minutes off", _TIME_SERVICE)
    if off >= SKEW_NOTED_S:
        return warning(check, f"{text}; from 5 minutes on AWS refuses what it signs", _TIME_SERVICE)
    return fine(check, "this machine's clock agrees with that of AWS")


def of_xray(answer: Mapping[str, str]) -> Finding:
    """Whether X-Ray takes traces by OTLP, which needs Transaction Search (X-Ray API, GetTraceSegmentDestination)."""
    destination, status = answer.get("Destination", ""), answer.get("Status", "")
    if destination == "CloudWatchLogs" and status == "ACTIVE":
        return fine(Check.XRAY, "Transaction Search is on: X-Ray takes traces by OTLP")
    if destination == "CloudWatchLogs":
        return warning(Check.XRAY, f"Transaction Search is being switched on ({status}): traces are lost until it is")
    text = f"Transaction Search is off (segments go to {destination or 'an unknown place'}): X-Ray takes no OTLP traces"
    return warning(Check.XRAY, text, _TRANSACTION_SEARCH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One of AWS's services, as it is reached. `trouble`: why it is not; `private`: at an address of the VPC."""

    service: str
    host: str
    trouble: str = ""
    private: bool = False


def of_endpoint(seen: Endpoint, endpoints_of_vpc: frozenset[str] | None = None) -> Finding:
    """Whether a connection can be made. `endpoints_of_vpc`: services that have one in the VPC; None: not known."""
    where = f"{seen.service} at {seen.host}"
    if not seen.trouble:
        through = " through an endpoint of the VPC" if seen.private else ""
        return fine(Check.ENDPOINTS, f"{where} is reached{through}")
    if endpoints_of_vpc is None:
        hint = "a VPC without a way to the Internet needs an endpoint for this service"
    elif any(name.endswith(f".{seen.service}") for name in endpoints_of_vpc):
        hint = "the VPC has an endpoint for it: look at its security group, its private DNS name and its route tables"
    else:
        have = listed(sorted(endpoints_of_vpc)) or "none"
        hint = f"the VPC has no endpoint for it (it has {have}), so it needs a way to the Internet, or an endpoint"
    return broken(Check.ENDPOINTS, f"{where} is not reached: {seen.trouble}", f"{_PATH}; {hint}")


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
