"""IAM's policy simulator, which says what the role may do with an address that does not exist yet.

It is asked at a start and seldom after it, so no client is kept: IAM's model alone takes megabytes.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final, TypeVar

from controller.aws.codes import ec2_errors
from controller.aws.plain_client import plain_client
from controller.core.simulation import Decision, Question, caller_of, question
from state.credentials import CredentialKeeper
from state.errors import Refused, Unavailable

MOST_PAGES: Final = 10
T = TypeVar("T")


class RoleSimulator:
    """Asks about the role whose credentials the process has. Each call takes `call_timeout_s` seconds at most.

    `role_arn`: that of AWS_ROLE_ARN, which has the role's path; empty where it is not set.
    """

    def __init__(self, *, region: str, call_timeout_s: float, keeper: CredentialKeeper, role_arn: str) -> None:
        self._region, self._limit_s, self._keeper, self._role_arn = region, call_timeout_s, keeper, role_arn

    def decide(self, tags: Mapping[str, str]) -> tuple[str, list[Decision]]:
        """The ARN of the role, and what it may do with an address of this install, whose tags are `tags`.

        Raises errors of `state.errors`: Refused and its kinds where there is no role, no right to ask, or no such
        role by this ARN; Unavailable where IAM or STS is not reached.
        """
        arn = self._ask("sts", "GetCallerIdentity", lambda api: api.get_caller_identity()).get("Arn", "")
        caller = caller_of(arn, self._role_arn)
        if caller is None:
            raise Refused(f"only a role or a user has policies that can be simulated, not {arn}", code="NotSimulated")
        asked = question(caller, self._region, tags)
        results = self._ask("iam", "SimulatePrincipalPolicy", lambda api: _pages(api, asked))
        return caller.source_arn, [_decision(result) for result in results]

    def _ask(self, service: str, operation: str, call: Callable[[Any], T]) -> T:
        with closing(plain_client(service, self._region, self._limit_s, self._keeper)) as api, ec2_errors(operation):
            return call(api)


def _pages(api: Any, asked: Question) -> list[Mapping[str, Any]]:
    entries = [
        {"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]}
        for key, value in asked.context.items()
    ]
    found: list[Mapping[str, Any]] = []
    more: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        page = api.simulate_principal_policy(
            PolicySourceArn=asked.source_arn,
            ActionNames=list(asked.actions),
            ResourceArns=[asked.resource],
            ContextEntries=entries,
            **more,
        )
        found += page.get("EvaluationResults", ())
        if not page.get("IsTruncated"):
            return found
        more = {"Marker": page["Marker"]}
    raise Unavailable(f"SimulatePrincipalPolicy has more than {MOST_PAGES} pages", code="TooManyPages")


def _decision(result: Mapping[str, Any]) -> Decision:
    """The one resource's own result where there is one: the outer one joins those of all resources."""
    inner: Sequence[Mapping[str, Any]] = result.get("ResourceSpecificResults", ())
    one = {**result, **inner[0]} if inner else result
    return Decision(
        action=result["EvalActionName"],
        decision=one.get("EvalResourceDecision", result["EvalDecision"]),
        missing=tuple(one.get("MissingContextValues", ())),
        organization=one.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True),
        boundary=one.get("PermissionsBoundaryDecisionDetail", {}).get("AllowedByPermissionsBoundary", True),
    )
