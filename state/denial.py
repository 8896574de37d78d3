"""The advice for a call that AWS denied: the action, and the file of `deploy/iam` that allows it.

AWS's message usually names the action: an allocation may fail for `ec2:CreateTags`, a transaction for
`dynamodb:PutItem`. The cause of the denial is told only where the message proves it. The phrases are those of the IAM
user guide, "Troubleshoot access denied error messages".
"""

import re

NO_CREDENTIALS = "Check the role of the controller's ServiceAccount (IRSA or Pod Identity), or the AWS_* variables"
"""The advice where there are no credentials, or none that AWS accepts."""
CODES = frozenset({"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"})
"""By these AWS denies a call: EC2's own, and those of services that speak XML and JSON."""

_ACTION = re.compile(r"\bto perform:? ([a-z0-9-]+:[A-Za-z]+)")
_PARTITION = re.compile(r"\barn:(aws-cn|aws-us-gov):")
_MAKES_THE_TABLE = frozenset({"dynamodb:CreateTable", "dynamodb:TagResource", "dynamodb:UpdateContinuousBackups"})
_PARTS = {"dynamodb:TransactWriteItems": "dynamodb:PutItem, UpdateItem and DeleteItem"}
"""A transaction has no action of its own; these are the actions of its parts."""

_PROOFS = {
    "explicit deny in a service control policy": "A service control policy of the organization denies it",
    "no service control policy allows": "The organization's service control policies do not allow {action}",
    "explicit deny in a resource control policy": "A resource control policy of the organization denies it",
    "no resource control policy allows": "The organization's resource control policies do not allow {action}",
    "explicit deny": "A policy denies it explicitly: no further permission helps before that statement is changed",
    "no permissions boundary allows": "Add {action} to the permissions boundary of the controller's role",
    "no session policy allows": "Add {action} to the session policy of the controller's role",
    "no vpc endpoint policy allows": "Add {action} to the policy of the VPC endpoint for {service}",
    "no identity-based policy allows": "Add {action} to the IAM policy of the controller's role, as in {file}; "
    "if it is there, its conditions exclude this resource",
}
_UNPROVEN = "{file} allows {action}: compare what the controller's role has"
_SERVICES = {"ec2": "EC2", "dynamodb": "DynamoDB", "iam": "IAM", "sts": "STS"}


def advice(service: str, operation: str, message: str) -> str:
    """What to do about a denied call, made as `operation` of `service` (`ec2`) and answered with `message`."""
    named = _ACTION.search(message)
    action = named[1] if named else f"{service}:{operation}"
    said = message.lower()
    words = next((words for proof, words in _PROOFS.items() if proof in said), _UNPROVEN)
    return words.format(action=_PARTS.get(action, action), service=_SERVICES[service], file=_file(action, message))


def _file(action: str, message: str) -> str:
    partition = _PARTITION.search(message)
    name = "create-table" if action in _MAKES_THE_TABLE else "install"
    return f"deploy/iam/{partition[1] if partition else 'aws'}/{name}.json"
