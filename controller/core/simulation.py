"""What IAM's policy simulator is asked about the role, and what its answer proves.

A dry run needs an address and an interface that exist. The simulator decides from the role's policies and from tags
that it is given, so it can be asked before there is any Pod (IAM API reference, SimulatePrincipalPolicy). It is asked
about an address of this install alone; an interface's VPC may be another account's, which nobody here knows.

A wrong "denied" would keep an install from becoming ready, so only a denial that is certain counts. It is not where

- a condition looks at a key that the real call has and that is not known here, such as `aws:SourceVpc`;
- the organization denies: the simulator does not evaluate service control policies that have conditions (IAM user
  guide, "IAM policy testing with the IAM policy simulator").
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from controller.core import contract

ACTIONS: Final = ("ec2:AssociateAddress", "ec2:DisassociateAddress", "ec2:ReleaseAddress")
"""What is done with an address that an install has allocated."""

_ASSUMED: Final = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.+")
_USER: Final = re.compile(r"arn:[\w-]+:iam::\d+:user/.+")
_OF_POD: Final = frozenset({contract.TAG_POD.lower(), contract.TAG_POD_UID.lower()})
_TAGS: Final = ("aws:resourcetag/", "ec2:resourcetag/")
_ABSENT: Final = frozenset({"aws:tagkeys", "ec2:vpc", "ec2:createaction"})
_OF_OTHER_CALLS: Final = ("aws:requesttag/", "dynamodb:", "xray:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whose policies are simulated: the ARN of a role or user, and what it is made of."""

    source_arn: str
    partition: str
    account: str


def caller_of(arn: str, role_arn: str = "") -> Caller | None:
    """The caller whom STS names by this ARN; None: one that has no policies to simulate, such as the root user.

    `role_arn`: that of AWS_ROLE_ARN. STS leaves the path of a role out, and IAM knows no role without its path.
    """
    if _USER.fullmatch(arn):
        return Caller(source_arn=arn, partition=arn.split(":")[1], account=arn.split(":")[4])
    found = _ASSUMED.fullmatch(arn)
    if found is None:
        return None
    partition, account, name = found.groups()
    start = f"arn:{partition}:iam::{account}:role/"
    known = role_arn.startswith(start) and role_arn.rpartition("/")[2] == name
    return Caller(source_arn=role_arn if known else start + name, partition=partition, account=account)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May the source do these actions on this resource, in a call with these context keys?"""

    source_arn: str
    resource: str
    context: Mapping[str, str]
    actions: tuple[str, ...] = ACTIONS


def question(caller: Caller, region: str, tags: Mapping[str, str]) -> Question:
    """About an address that this install has allocated, with `tags` as each of its addresses has them."""
    address = f"arn:{caller.partition}:ec2:{region}:{caller.account}:elastic-ip/eipalloc-00000000000000000"
    known = {"aws:RequestedRegion": region, "ec2:Region": region, "ec2:Domain": "vpc", "aws:SecureTransport": "true"}
    tagged = {f"{service}:ResourceTag/{key}": value for service in ("aws", "ec2") for key, value in tags.items()}
    return Question(source_arn=caller.source_arn, resource=address, context={**known, **tagged})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The simulator's words about one action: `allowed`, `implicitDeny` or `explicitDeny`.

    missing: keys that conditions look at, and that it was not given. `organization`, `boundary`: whether the service
    control policies and the permissions boundary allow it, where there are any.
    """

    action: str
    decision: str
    missing: Sequence[str] = field(default=())
    organization: bool = True
    boundary: bool = True

    @property
    def allowed(self) -> bool:
        """Whether the policies allow it, as far as the simulator knows."""
        return self.decision == "allowed"

    @property
    def denied(self) -> bool:
        """Whether it is certain that the role's own policies do not allow it."""
        return not self.allowed and self.organization and not self.doubts

    @property
    def doubts(self) -> list[str]:
        """The keys which the real call may have, and whose values are not known here."""
        return [key for key in self.missing if not _is_absent(key.lower())]

    def words(self, source_arn: str) -> str:
        """A denial in words that are like AWS's own, which name the action and the kind of policy."""
        why = f"because no {'identity-based policy' if self.boundary else 'permissions boundary'} allows it"
        if self.decision == "explicitDeny":
            why = "with an explicit deny in a policy"
        return f"{source_arn} is not authorized to perform: {self.action} on an address of this install {why}"


def _is_absent(key: str) -> bool:
    """Whether a call about such an address has no such key: EC2 has none, or it has one for other resources alone."""
    tag = next((key.removeprefix(start) for start in _TAGS if key.startswith(start)), None)
    if tag is not None:
        return tag not in _OF_POD
    return key in _ABSENT or key.startswith(_OF_OTHER_CALLS)


def denials(decisions: Sequence[Decision]) -> Iterator[Decision]:
    """Those that are certain."""
    return (decision for decision in decisions if decision.denied)
