"""What AWS asks IAM about a call, as the service authorization reference says it: which resources, with which keys.

An EC2 call is asked about for each resource that its parameters name; where the reference leaves open whether a
resource is asked for (DisassociateAddress names neither address nor interface), all that it lists are. A transaction of
DynamoDB is asked about as the writes inside it.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.core import iam
from sandbox.ec2.control import Ec2Control
from sandbox.iam.evaluator import Check, Policy, Values, allows

ACCOUNT, REGION, VPC, TABLE = "111122223333", "us-west-2", "vpc-1", "eips"
UID, NAME, POOL = "9b1d-uid", "prod", "team-pool"
VALUES = {
    "ACCOUNT": ACCOUNT,
    "REGION": REGION,
    "VPC": VPC,
    "CLUSTER-UID": UID,
    "CLUSTER-NAME": NAME,
    "POOL-KEY": POOL,
    "ROLE": "eip",
    "TABLE": TABLE,
}
_WRITES = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What a call meets: tags of addresses, VPCs of interfaces, (address, interface) of associations."""

    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    vpcs: Mapping[str, str] = field(default_factory=dict)
    associations: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    partition: str = "aws"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account."""
        return f"arn:{self.partition}:{service}:{REGION}:{ACCOUNT}:{resource}"


def filled(text: str, values: Mapping[str, str] = VALUES) -> str:
    """A file with its placeholders replaced, as an operator does it."""
    assert values.keys() == set(iam.PLACEHOLDERS)
    return re.sub("|".join(sorted(values, key=len, reverse=True)), lambda found: values[found[0]], text)


def policy(name: str, partition: str = "aws", **values: str) -> Policy:
    """A file, filled in for the cluster of these tests, or with other `values` (`CLUSTER_UID`)."""
    given = {word.replace("_", "-"): value for word, value in values.items()}
    found: Policy = json.loads(filled(json.dumps(iam.policy(name, partition)), {**VALUES, **given}))
    return found


def denied(name: str, checks: Iterable[Check], partition: str = "aws", **values: str) -> list[Check]:
    """What a file does not allow."""
    document = policy(name, partition, **values)
    return [check for check in checks if not allows(document, check)]


def of_ec2(action: str, params: Mapping[str, str], account: Account) -> list[Check]:
    """What is asked about an EC2 call with these parameters, as they stand in the query."""
    match action:
        case "AllocateAddress":
            return list(_allocation(params, account))
        case "AssociateAddress":
            return _move(action, params["AllocationId"], params["NetworkInterfaceId"], account)
        case "DisassociateAddress":
            return _move(action, *account.associations[params["AssociationId"]], account)
        case "ReleaseAddress":
            return [_on_address(action, params["AllocationId"], account)]
        case "CreateTags":
            keys = _tags_of("Tag", params, "aws:RequestTag")
            existing = _on_address(action, params["ResourceId.1"], account)
            return [Check(action=existing.action, resource=existing.resource, context={**existing.context, **keys})]
        case _:
            return [Check(action=f"ec2:{action}", resource="*")]


def of_log(control: Ec2Control, partition: str = "aws") -> dict[str, list[Check]]:
    """What is asked about every call in the log, by action; tags and associations are as the journal knows them."""
    effects = [entry.effect for entry in control.journal()]
    associated = {e.association_id: (e.allocation_id, e.interface_id) for e in effects if e.association_id}
    account = Account(
        tags={effect.allocation_id: effect.tags for effect in effects if effect.kind == "allocated"},
        vpcs={interface: VPC for _, interface in associated.values()},
        associations=associated,
        partition=partition,
    )
    found: dict[str, list[Check]] = {}
    for record in control.log():
        if not record.action.startswith("sandbox:"):
            found.setdefault(record.action, []).extend(of_ec2(record.action, record.params, account))
    return found


def of_dynamodb(operation: str, body: Mapping[str, Any], account: Account) -> list[Check]:
    """What is asked about a DynamoDB call with this body."""
    if operation == "TransactWriteItems":
        return [_write(part, account) for part in body["TransactItems"]]
    if operation == "BatchGetItem":
        return [
            _on_table(operation, name, account, {"dynamodb:LeadingKeys": [key["pk"]["S"] for key in asked["Keys"]]})
            for name, asked in body["RequestItems"].items()
        ]
    checks = [_on_table(operation, body["TableName"], account, _leading(body))]
    return checks + ([_on_table("TagResource", body["TableName"], account, {})] if body.get("Tags") else [])


def _allocation(params: Mapping[str, str], account: Account) -> Iterator[Check]:
    address = account.arn("ec2", "elastic-ip/*")
    tags = _tags_of("TagSpecification.1.Tag", params, "aws:RequestTag")
    yield Check(action="ec2:AllocateAddress", resource=address, context=tags)
    if pool := params.get("PublicIpv4Pool"):
        yield Check(action="ec2:AllocateAddress", resource=account.arn("ec2", f"ipv4pool-ec2/{pool}"))
    if tags:
        born = {**tags, "ec2:CreateAction": ["AllocateAddress"]}
        yield Check(action="ec2:CreateTags", resource=address, context=born)


def _tags_of(prefix: str, params: Mapping[str, str], source: str) -> dict[str, Values]:
    keys = {name: value for name, value in params.items() if re.fullmatch(rf"{re.escape(prefix)}\.\d+\.Key", name)}
    return {f"{source}/{key}": [params.get(name.removesuffix("Key") + "Value", "")] for name, key in keys.items()}


def _move(action: str, allocation_id: str, interface_id: str, account: Account) -> list[Check]:
    vpc = account.arn("ec2", f"vpc/{account.vpcs[interface_id]}")
    interface = account.arn("ec2", f"network-interface/{interface_id}")
    return [
        _on_address(action, allocation_id, account),
        Check(action=f"ec2:{action}", resource=interface, context={"ec2:Vpc": [vpc]}),
    ]


def _on_address(action: str, allocation_id: str, account: Account) -> Check:
    tags = {f"aws:ResourceTag/{key}": [value] for key, value in account.tags.get(allocation_id, {}).items()}
    return Check(action=f"ec2:{action}", resource=account.arn("ec2", f"elastic-ip/{allocation_id}"), context=tags)


def _write(part: Mapping[str, Any], account: Account) -> Check:
    ((kind, request),) = part.items()
    context = {**_leading(request), "dynamodb:EnclosingOperation": ["TransactWriteItems"]}
    return _on_table(_WRITES[kind], request["TableName"], account, context)


def _leading(request: Mapping[str, Any]) -> dict[str, Values]:
    item = request.get("Key") or request.get("Item")
    if item:
        return {"dynamodb:LeadingKeys": [item["pk"]["S"]]}
    values = request.get("ExpressionAttributeValues", {})
    return {"dynamodb:LeadingKeys": [value["S"] for value in values.values() if "S" in value][:1]} if values else {}


def _on_table(operation: str, table: str, account: Account, context: Mapping[str, Values]) -> Check:
    return Check(action=f"dynamodb:{operation}", resource=account.arn("dynamodb", f"table/{table}"), context=context)
