"""What IAM's policy simulator is asked about the role, and what its answer proves.

A dry run needs an address and an interface that exist. The simulator decides from the role's policies and from tags
that it is given, so it can be asked before there is any Pod (IAM API reference, SimulatePrincipalPolicy). It is asked
about an address of this install alone; an interface's VPC may be another account's, which nobody here knows.

A wrong "denied" would keep an install from becoming ready, so only a denial that is certain counts. It is not where

- a condition looks at a key that the real call may have and that is not known here, such as `aws:SourceVpc`. IAM names
  such keys in `MissingContextValues`, with those of statements that have nothing to do with the action;
- the organization or the permissions boundary denies: the keys of their conditions are not among those (IAM API
  reference, EvaluationResult), so nobody sees which were missing;
- the simulator denies what EC2 has just allowed: see `CONTROL`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controller.core import contract

ACTIONS: Final = ("ec2:AssociateAddress", "ec2:DisassociateAddress", "ec2:ReleaseAddress")
"""What is done with an address that an install has allocated."""

CONTROL: Final = "ec2:AllocateAddress"
"""A dry run tells whether this is allowed. Where the simulator denies it as well, its other denials prove nothing."""

_DENIALS: Final = ("implicitDeny", "explicitDeny")
_ASSUMED: Final = re.compile(r"arn:([\w-]+):sts::(\d+):assumed-role/([^/]+)/.+")
_USER: Final = re.compile(r"arn:[\w-]+:iam::\d+:user/.+")
_SERVICE: Final = re.compile(r"(?!(?:aws|ec2|sts|saml):)[a-z0-9-]+:.+")
"""A key of another service; those of a call to EC2 are of `aws`, `ec2`, or of where the session comes from."""
_OF_POD: Final = frozenset({f"aws:resourcetag/{tag.lower()}" for tag in (contract.TAG_POD, contract.TAG_POD_UID)})
_ABSENT: Final = ("aws:resourcetag/", "aws:requesttag/", "aws:tagkeys")
_OF_ADDRESS: Final = ("ec2:allocationid", "ec2:publicipaddress", "ec2:attribute", "ec2:resourcetag/")
_OF_SESSION: Final = ("ec2:roledelivery", "ec2:sourceinstancearn")


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
    actions: tuple[str, ...]


def question(caller: Caller, region: str, tags: Mapping[str, str]) -> Question:
    """About an address that this install has allocated, with `tags` as each of its addresses has them."""
    return _about_address(caller, region, {f"aws:ResourceTag/{key}": value for key, value in tags.items()}, ACTIONS)


def control(caller: Caller, region: str, tags: Mapping[str, str]) -> Question:
    """About an address that is to be allocated with these tags."""
    return _about_address(caller, region, {f"aws:RequestTag/{key}": value for key, value in tags.items()}, (CONTROL,))


def _about_address(caller: Caller, region: str, tags: Mapping[str, str], actions: tuple[str, ...]) -> Question:
    address = f"arn:{caller.partition}:ec2:{region}:{caller.account}:elastic-ip/eipalloc-00000000000000000"
    known = {"aws:RequestedRegion": region, "ec2:Region": region, "ec2:Domain": "vpc"}
    return Question(source_arn=caller.source_arn, resource=address, context={**known, **tags}, actions=actions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The simulator's words about one action: `allowed`, `implicitDeny` or `explicitDeny`.

    missing: keys that conditions look at, and that it was not given. `others`: whether the organization's policies and
    the permissions boundary allow it, where there are any.
    """

    action: str
    decision: str
    missing: Sequence[str] = ()
    others: bool = True

    @property
    def allowed(self) -> bool:
        """Whether it is certain that the role's policies allow it."""
        return self.decision == "allowed" and not self.doubts

    @property
    def denied(self) -> bool:
        """Whether it is certain that the role's own policies do not allow it."""
        return self.decision in _DENIALS and not self.doubts

    @property
    def doubts(self) -> list[str]:
        """What the real call may depend on, and is not known here; empty: the answer is certain."""
        others = [] if self.others else ["the organization's policies and the permissions boundary as they are"]
        return [*others, *(key for key in self.missing if not _is_absent(key.lower()))]

    def words(self, who: str) -> str:
        """A denial of `who` in words that are like AWS's own, which name the action and the kind of policy."""
        explicit = self.decision == "explicitDeny"
        why = "with an explicit deny in a policy" if explicit else "because no identity-based policy allows it"
        return f"{who} is not authorized to perform: {self.action} on an address of this install {why}"


def _is_absent(key: str) -> bool:
    """Whether a call about such an address has no such key: EC2 has none, or it has one for other resources alone."""
    if _SERVICE.fullmatch(key):
        return True
    if key.startswith("ec2:"):
        return not key.startswith((*_OF_ADDRESS, *_OF_SESSION))
    return key.startswith(_ABSENT) and key not in _OF_POD


def denials(decisions: Sequence[Decision]) -> Iterator[Decision]:
    """Those that are certain."""
    return (decision for decision in decisions if decision.denied)
