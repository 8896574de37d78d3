"""The role whose credentials the clients have, and what IAM's simulator says of it.

Sources: IAM API reference, SimulatePrincipalPolicy and EvaluationResult; STS API reference, GetCallerIdentity. The
pages leave open whether `MissingContextValues` names the keys of all policies or of the statements that fit. Users
report all (boto/boto3 issue 3111), and that is the harder case for whoever reads it.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.iam.evaluator import Check, Decision, Values, decide, keys_of

ALL: Mapping[str, Any] = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """`name` has the role's path, if it has one: STS leaves that out. `policy`: the document of what is allowed."""

    account: str = "123456789012"
    name: str = "eip"
    policy: Mapping[str, Any] = field(default_factory=lambda: ALL)
    organization_allows: bool = True
    boundary_allows: bool = True

    @property
    def arn(self) -> str:
        """As IAM names it."""
        return f"arn:aws:iam::{self.account}:role/{self.name}"

    @property
    def caller_arn(self) -> str:
        """As STS names who uses it."""
        return f"arn:aws:sts::{self.account}:assumed-role/{self.name.rpartition('/')[2]}/i-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One action on one resource."""

    action: str
    resource: str
    decision: Decision
    missing: tuple[str, ...]


def simulate(
    role: Role, action: str, resource: str, context: Mapping[str, Values], denied: Collection[str]
) -> Simulated:
    """What the simulator says. `denied`: actions that the role lacks, whatever its policy says."""
    found = decide(role.policy, Check(action=action, resource=resource, context=context))
    if found == "allowed" and (action in denied or not (role.organization_allows and role.boundary_allows)):
        found = "implicitDeny"
    given = {key.lower() for key in context}
    missing = sorted(key for key in keys_of(role.policy) if key.lower() not in given)
    return Simulated(action=action, resource=resource, decision=found, missing=tuple(missing))
