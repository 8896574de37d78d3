"""What a stolen role must not be able to do is denied, and by the condition that is there for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from controller.core import contract, iam
from sandbox.iam.evaluator import Check, Policy, allows
from tests.iam.questions import NAME, POOL, TABLE, UID, Account, of_dynamodb, of_ec2, policy

OWN = {contract.TAG_TYPE: "auto", contract.TAG_CLUSTER_UID: UID, contract.TAG_CLUSTER_NAME: NAME}
ACCOUNT = Account(
    tags={
        "eipalloc-nat": {"Name": "nat"},
        "eipalloc-pool": {POOL: ""},
        "eipalloc-own": OWN,
        "eipalloc-other": {**OWN, contract.TAG_CLUSTER_UID: "another"},
        "eipalloc-other-in-pool": {**OWN, contract.TAG_CLUSTER_UID: "another", POOL: ""},
        "eipalloc-other-adopted": {contract.TAG_TYPE: "auto", contract.TAG_CLUSTER_NAME: "another"},
        "eipalloc-other-pool": {"other-pool": ""},
        "eipalloc-go-pool": {contract.TAG_TYPE: "fixed-tag", contract.TAG_CLUSTER_NAME: NAME, "other-pool": ""},
        "eipalloc-odd": {contract.TAG_TYPE: "fixed-tag", contract.TAG_CLUSTER_UID: UID},
    },
    vpcs={"eni-ours": "vpc-1", "eni-foreign": "vpc-2", "eni-longer": "vpc-12"},
    associations={"eipassoc-nat": ("eipalloc-nat", "eni-ours")},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A call that must be denied. `rests_on`: the statements whose conditions deny it; none: no statement is for it."""

    checks: Sequence[Check]
    rests_on: tuple[str, ...] = ()


def ec2(action: str, *rests_on: str, **params: str) -> Plant:
    """A foreign call to EC2."""
    return Plant(checks=of_ec2(action, params, ACCOUNT), rests_on=rests_on)


def move(allocation_id: str, interface_id: str, *rests_on: str) -> Plant:
    """An association that is not ours to make."""
    return ec2("AssociateAddress", *rests_on, AllocationId=allocation_id, NetworkInterfaceId=interface_id)


def allocate(sid: str = "", tags: Mapping[str, str] | None = None) -> Plant:
    """What is asked about an allocation with these tags; with `sid`, only what that statement answers."""
    pairs = list(enumerate((tags or {}).items(), 1))
    keys = {f"TagSpecification.1.Tag.{n}.Key": key for n, (key, _) in pairs}
    whole = ec2("AllocateAddress", "Allocate", **keys, **{k[:-3] + "Value": tags[keys[k]] for k in keys if tags})
    if not sid:
        return whole
    (action,) = next(statement for statement in iam.FILES["install"] if statement.sid == sid).actions
    return Plant(checks=[check for check in whole.checks if check.action == action], rests_on=(sid,))


def tag(allocation_id: str) -> Plant:
    """Our tags, put on what exists."""
    pairs = list(enumerate(OWN.items(), 1))
    keys = {f"Tag.{n}.Key": key for n, (key, _) in pairs} | {f"Tag.{n}.Value": value for n, (_, value) in pairs}
    return ec2("CreateTags", "TagWhatIsAllocated", **{"ResourceId.1": allocation_id}, **keys)


def dynamodb(operation: str, *rests_on: str, **body: Any) -> Plant:
    """A foreign call to DynamoDB."""
    return Plant(checks=of_dynamodb(operation, body, ACCOUNT), rests_on=rests_on)


def put(pk: str, table: str = TABLE) -> dict[str, Any]:
    """A Put of an item."""
    return {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": "claim"}}}


PLANTS: Mapping[str, Plant] = {
    "associate an address without our tags or key": move("eipalloc-nat", "eni-ours", "MovePool"),
    "associate another cluster's address": move("eipalloc-other", "eni-ours", "MoveOwn"),
    "associate another cluster's address with a pool's key": move("eipalloc-other-in-pool", "eni-ours", "MovePool"),
    "associate what was adopted elsewhere": move("eipalloc-other-adopted", "eni-ours", "MoveAdopted"),
    "associate another pool's": move("eipalloc-other-pool", "eni-ours", "MovePool"),
    "associate in another VPC": move("eipalloc-own", "eni-foreign", "MoveInTheVpc"),
    "associate in a VPC of a longer name": move("eipalloc-pool", "eni-longer", "MoveInTheVpc"),
    "associate an address of a pool that the Go controller tagged": move("eipalloc-go-pool", "eni-ours", "MoveAdopted"),
    "associate what has our UID and is no auto address": move("eipalloc-odd", "eni-ours", "MoveOwn"),
    "release an address of a pool that the Go controller tagged": ec2(
        "ReleaseAddress", "ReleaseAdopted", AllocationId="eipalloc-go-pool"
    ),
    "release what has our UID and is no auto address": ec2("ReleaseAddress", "ReleaseOwn", AllocationId="eipalloc-odd"),
    "cut a NAT gateway's": ec2("DisassociateAddress", "MovePool", AssociationId="eipassoc-nat"),
    "release another cluster's": ec2("ReleaseAddress", "ReleaseOwn", AllocationId="eipalloc-other"),
    "release what was adopted elsewhere": ec2(
        "ReleaseAddress", "ReleaseAdopted", AllocationId="eipalloc-other-adopted"
    ),
    "release a pool's": ec2("ReleaseAddress", "ReleaseOwn", AllocationId="eipalloc-pool"),
    "allocate without tags": allocate(),
    "allocate for another cluster": allocate("Allocate", {**OWN, contract.TAG_CLUSTER_UID: "another"}),
    "allocate what is no auto address": allocate("Allocate", {**OWN, contract.TAG_TYPE: "fixed-tag"}),
    "tag for another cluster at birth": allocate("TagWhatIsAllocated", {**OWN, contract.TAG_CLUSTER_UID: "another"}),
    "tag as no auto address at birth": allocate("TagWhatIsAllocated", {**OWN, contract.TAG_TYPE: "fixed-tag"}),
    "tag what exists": tag("eipalloc-nat"),
    "start a machine": ec2("RunInstances"),
    "untag": ec2("DeleteTags"),
    "put outside of a transaction": dynamodb("PutItem", "WriteTheLedger", **put(f"cluster#{UID}")),
    "delete outside of a transaction": dynamodb(
        "DeleteItem", "WriteTheLedger", TableName=TABLE, Key={"pk": {"S": "eip#eipalloc-1"}, "sk": {"S": "claim"}}
    ),
    "put into another table": dynamodb("TransactWriteItems", TransactItems=[{"Put": put("eip#1", "other")}]),
    "delete the table": dynamodb("DeleteTable", TableName=TABLE),
    "scan": dynamodb("Scan", TableName=TABLE),
}
FOREIGN_KEY = dynamodb(
    "TransactWriteItems", "WriteTheLedger", TransactItems=[{"Put": put("eip#1")}, {"Put": put("cluster#another")}]
)
NO_TAKE_OVER = ("install-no-take-over", "fixed-pools-no-take-over")


def allowed(document: Policy, plant: Plant) -> bool:
    """Whether the call goes through: each question must be answered with yes."""
    return all(allows(document, check) for check in plant.checks)


def without_conditions(document: Policy, sids: Sequence[str]) -> Policy:
    """The policy with the conditions of these statements taken out."""
    statements = [
        {name: part for name, part in statement.items() if name != "Condition" or statement["Sid"] not in sids}
        for statement in document["Statement"]
    ]
    return {**document, "Statement": statements}


def conditions(name: str) -> Iterator[tuple[str, str, str]]:
    """Every single condition of a file: statement, operator and key."""
    for statement in policy(name)["Statement"]:
        for operator, keys in statement.get("Condition", {}).items():
            yield from ((statement["Sid"], operator, key) for key in keys)


@pytest.mark.parametrize("name", iam.FILES)
@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS.keys())
def test_what_is_foreign_is_denied(plant: Plant, name: str) -> None:
    assert plant.checks
    assert not allowed(policy(name), plant)


@pytest.mark.parametrize("name", NO_TAKE_OVER)
def test_another_clusters_partition_is_denied_without_take_over(name: str) -> None:
    assert not allowed(policy(name), FOREIGN_KEY)
    assert allowed(without_conditions(policy(name), FOREIGN_KEY.rests_on), FOREIGN_KEY)


@pytest.mark.parametrize(
    "plant", [p for p in PLANTS.values() if p.rests_on], ids=[n for n, p in PLANTS.items() if p.rests_on]
)
def test_without_its_condition_it_would_be_allowed(plant: Plant) -> None:
    assert allowed(without_conditions(policy("install"), plant.rests_on), plant)


def without(document: Policy, sid: str, operator: str, key: str) -> Policy:
    """The policy with one key of one statement's conditions taken out."""
    statements = []
    for statement in document["Statement"]:
        if statement["Sid"] == sid:
            kept = {name: value for name, value in statement["Condition"][operator].items() if name != key}
            statement = {**statement, "Condition": {**statement["Condition"], operator: kept}}
        statements.append(statement)
    return {**document, "Statement": statements}


@pytest.mark.parametrize(("sid", "operator", "key"), list(conditions("install-no-take-over")))
def test_every_single_key_denies_something(sid: str, operator: str, key: str) -> None:
    weaker = without(policy("install-no-take-over"), sid, operator, key)
    assert [name for name, plant in {**PLANTS, "foreign key": FOREIGN_KEY}.items() if allowed(weaker, plant)]


@pytest.mark.parametrize(
    "broken",
    [
        {"Effect": "Perhaps"},
        {"NotAction": "ec2:*"},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"ForSomeValues:StringLike": {"aws:TagKeys": "x"}}},
    ],
)
def test_what_the_evaluator_does_not_know_is_an_error(broken: dict[str, Any]) -> None:
    statement = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*", **broken}
    with pytest.raises(ValueError, match="not known"):
        allows({"Statement": [statement]}, Check(action="ec2:RunInstances", resource="*"))
