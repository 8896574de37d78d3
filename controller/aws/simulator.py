"""IAM's policy simulator, which says what the role may do with an address that does not exist yet.

It is asked at a start and seldom after it, so no client is kept: IAM's model alone takes megabytes.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final, TypeVar

from controller.aws.codes import ec2_errors
from controller.aws.plain_client import plain_client
from controller.core.simulation import CONTROL, Decision, Question, caller_of, control, denials, question
from state.credentials import CredentialKeeper
from state.errors import Refused, Unavailable

MOST_PAGES: Final = 10
T = TypeVar("T")


class RoleSimulator:
    """Asks about the role whose credentials the process has. Each call takes `call_timeout_s` seconds at most.

    `environ`: has AWS_ROLE_ARN with IRSA, which names the role with its path.
    """

    def __init__(
        self,
        *,
        region: str,
        call_timeout_s: float,
        keeper: CredentialKeeper,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._region, self._limit_s, self._keeper = region, call_timeout_s, keeper
        self._role_arn = environ.get("AWS_ROLE_ARN", "")

    def decide(self, tags: Mapping[str, str]) -> tuple[str, list[Decision]]:
        """The ARN of the role, and what it may do with an address of this install, whose tags are `tags`.

        Raises errors of `state.errors`: NoCredentials; Refused and its other kinds where there is no role, no right to
        ask, or no such role by this ARN; Unavailable where IAM or STS is not reached, or its answer proves nothing.
        """
        arn = self._ask("sts", "GetCallerIdentity", lambda api: api.get_caller_identity()).get("Arn", "")
        caller = caller_of(arn, self._role_arn)
        if caller is None:
            raise Refused(f"only a role or a user has policies that can be simulated, not {arn}", code="NotSimulated")
        found = self._simulate(question(caller, self._region, tags))
        if any(denials(found)) and not all(one.allowed for one in self._simulate(control(caller, self._region, tags))):
            raise Unavailable(f"the simulator denies {CONTROL}, too: its denials prove nothing", code="ControlDenied")
        return caller.source_arn, found

    def _simulate(self, asked: Question) -> list[Decision]:
        return self._ask("iam", "SimulatePrincipalPolicy", lambda api: [_decision(one) for one in _pages(api, asked)])

    def _ask(self, service: str, operation: str, call: Callable[[Any], T]) -> T:
        """KeyError: an answer without what it must have; botocore raises it, too, where a proxy sends a page."""
        api = plain_client(service, self._region, self._limit_s, self._keeper)
        with closing(api), ec2_errors(operation, service):
            try:
                return call(api)
            except KeyError as error:
                raise Unavailable(f"{operation} was answered without {error}", code="IncompleteAnswer") from error


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
    """Of the one resource that was asked about; the outer result joins those of all resources."""
    inner: Mapping[str, Any] = next(iter(result.get("ResourceSpecificResults", ())), {})
    return Decision(
        action=result["EvalActionName"],
        decision=inner.get("EvalResourceDecision") or result["EvalDecision"],
        missing=tuple({*result.get("MissingContextValues", ()), *inner.get("MissingContextValues", ())}),
        others=_is_by_the_role(result, inner),
    )


def _is_by_the_role(result: Mapping[str, Any], inner: Mapping[str, Any]) -> bool:
    """Whether nobody else denies it: an organization's statement, which denies, is not among those that matched."""
    organization = result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    boundaries = [one.get("PermissionsBoundaryDecisionDetail", {}) for one in (result, inner)]
    matched = [*result.get("MatchedStatements", ()), *inner.get("MatchedStatements", ())]
    allowed = organization and all(one.get("AllowedByPermissionsBoundary", True) for one in boundaries)
    return bool(allowed and (matched or result["EvalDecision"] != "explicitDeny"))
