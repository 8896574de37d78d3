"""STS and IAM on the port of EC2: the AWS Query protocol, whose lists are `Name.member.1`.

A fault by the name of their action strikes here as it does there. An EC2 action that is denied for good is one that the
role lacks, so the simulator denies it, too.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from sandbox.ec2.faults import FaultBook
from sandbox.ec2.log import Caller
from sandbox.ec2.protocol import Params
from sandbox.iam.role import Role, Simulated, simulate

NAMESPACES: Final = {
    "2010-05-08": "https://iam.amazonaws.com/doc/2010-05-08/",
    "2011-06-15": "https://sts.amazonaws.com/doc/2011-06-15/",
}
"""By the API version of the request: that of IAM, and that of STS."""

Tree = Mapping[str, "Tree | str | Sequence[Tree | str]"]


class IamError(Exception):
    """A refusal with its code, message and HTTP status."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def is_for_iam(params: Params) -> bool:
    """Whether this request is for IAM or STS."""
    return params.get("Version") in NAMESPACES


def answer(params: Params, caller: Caller, role: Role, faults: FaultBook) -> tuple[int, bytes]:
    """The HTTP status and the document."""
    action, namespace = params.get("Action", ""), NAMESPACES[params["Version"]]
    request_id = str(uuid.uuid4())
    try:
        fault = faults.take(action, (caller.access_key, caller.user_agent))
        if fault is not None:
            raise IamError(fault.code, fault.message, fault.status or 500)
        result = _result(action, params, role, faults)
    except IamError as error:
        said = _render({"Type": "Sender", "Code": error.code, "Message": error.message})
        body = f"<Error>{said}</Error><RequestId>{request_id}</RequestId>"
        return error.status, f'<ErrorResponse xmlns="{namespace}">{body}</ErrorResponse>'.encode()
    body = _render({f"{action}Result": result, "ResponseMetadata": {"RequestId": request_id}})
    return 200, f'<{action}Response xmlns="{namespace}">{body}</{action}Response>'.encode()


def _result(action: str, params: Params, role: Role, faults: FaultBook) -> Tree:
    match action:
        case "GetCallerIdentity":
            return {"Arn": role.caller_arn, "UserId": "AROAEXAMPLE:i-1", "Account": role.account}
        case "SimulatePrincipalPolicy":
            return _simulation(params, role, faults)
    raise IamError("InvalidAction", f"Could not find operation {action}", 400)


def _simulation(params: Params, role: Role, faults: FaultBook) -> Tree:
    source = params.get("PolicySourceArn", "")
    if source != role.arn:
        raise IamError("NoSuchEntity", f"The role with name {source.rpartition('/')[2]} cannot be found.", 404)
    lacking = [f for f in faults.waiting() if f.code == "UnauthorizedOperation" and f.count is None]
    context = _context(params)
    results = [
        simulate(role, action, resource, context, {f"ec2:{fault.action}" for fault in lacking})
        for action in _members(params, "ActionNames")
        for resource in _members(params, "ResourceArns") or ["*"]
    ]
    return {"EvaluationResults": [_result_tree(one, role) for one in results], "IsTruncated": "false"}


def _result_tree(one: Simulated, role: Role) -> Tree:
    specific = {
        "EvalResourceName": one.resource,
        "EvalResourceDecision": one.decision,
        "MissingContextValues": one.missing,
    }
    return {
        "EvalActionName": one.action,
        "EvalResourceName": "arn:${Partition}:ec2:${Region}:${Account}:elastic-ip/${AllocationId}",
        "EvalDecision": one.decision,
        "MatchedStatements": [{"SourcePolicyId": "inline"}] if one.decision == "explicitDeny" else [],
        "MissingContextValues": one.missing,
        "OrganizationsDecisionDetail": {"AllowedByOrganizations": str(role.organization_allows).lower()},
        "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": str(role.boundary_allows).lower()},
        "ResourceSpecificResults": [specific],
    }


def _context(params: Params) -> dict[str, list[str]]:
    starts = {m[1] for name in params if (m := re.match(r"(ContextEntries\.member\.\d+)\.", name))}
    return {params[f"{one}.ContextKeyName"]: _members(params, f"{one}.ContextKeyValues") for one in starts}


def _members(params: Params, name: str) -> list[str]:
    found = {int(m[1]): v for n, v in params.items() if (m := re.fullmatch(rf"{re.escape(name)}\.member\.(\d+)", n))}
    return [found[number] for number in sorted(found)]


def _render(tree: Tree) -> str:
    return "".join(f"<{name}>{_text(value)}</{name}>" for name, value in tree.items())


def _text(value: Tree | str | Sequence[Tree | str]) -> str:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return _render(value)
    return "".join(f"<member>{_text(one)}</member>" for one in value)
