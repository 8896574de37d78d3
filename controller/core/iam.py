"""The IAM policies in `deploy/iam`, as a table, so that no file can be forgotten when a call or a tag is added.

Each statement follows a row of AWS's service authorization reference, named beside it. A condition on a key that AWS
does not know for that action and kind of resource would deny everything, and AWS would not say why. The operator
replaces the words in capitals (ACCOUNT, REGION, VPC, CLUSTER-UID, ...), as `deploy/iam/README.md` says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from controller.core import contract
from controller.core.modes import ALLOCATING

PARTITIONS: Final = ("aws", "aws-cn", "aws-us-gov")
PLACEHOLDERS: Final = ("ACCOUNT", "REGION", "VPC", "CLUSTER-UID", "CLUSTER-NAME", "POOL-KEY", "ROLE", "TABLE")

Condition = Mapping[str, Mapping[str, str | tuple[str, ...]]]

_ADDRESS: Final = "arn:{partition}:ec2:REGION:ACCOUNT:elastic-ip/*"
_INTERFACE: Final = "arn:{partition}:ec2:REGION:ACCOUNT:network-interface/*"
_PUBLIC_POOL: Final = "arn:{partition}:ec2:REGION:ACCOUNT:ipv4pool-ec2/*"
_VPC: Final = "arn:{partition}:ec2:REGION:ACCOUNT:vpc/VPC"
_TABLE: Final = "arn:{partition}:dynamodb:REGION:ACCOUNT:table/TABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One thing that is allowed. `{partition}` in its ARNs is replaced by the partition."""

    sid: str
    actions: tuple[str, ...]
    resource: str
    condition: Condition = field(default_factory=dict)


def _any_of(values: tuple[str, ...]) -> str | tuple[str, ...]:
    """The value of a condition as the files write it: a string for one, a list for several."""
    return values[0] if len(values) == 1 else values


def _tags(source: str, **wanted: str | tuple[str, ...]) -> dict[str, str | tuple[str, ...]]:
    names = {"type": contract.TAG_TYPE, "name": contract.TAG_CLUSTER_NAME, "uid": contract.TAG_CLUSTER_UID}
    return {f"aws:{source}/{names[name]}": value for name, value in wanted.items()}


_ALLOCATED: Final = _any_of(tuple(map(str, ALLOCATING)))
# What allocation.py writes, and adoption.py looks for: an address of ours, and one that the Go controller tagged.
_OWN: Final[Condition] = {"StringEquals": _tags("ResourceTag", type=_ALLOCATED, uid="CLUSTER-UID")}
_ADOPTED: Final[Condition] = {
    "StringEquals": _tags("ResourceTag", type=_ALLOCATED, name="CLUSTER-NAME"),
    "Null": _tags("ResourceTag", uid="true"),
}
# What pools.py calls a pool: the key with any value, but never on an `auto` address.
_POOL: Final[Condition] = {
    "StringLike": {"aws:ResourceTag/POOL-KEY": "*"},
    "StringNotEquals": _tags("ResourceTag", type=_ALLOCATED),
}
_BORN: Final = _tags("RequestTag", type=_ALLOCATED, uid="CLUSTER-UID")
_IN_A_TRANSACTION: Final[Condition] = {
    "ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ("TransactWriteItems",)}
}
_OWN_KEYS: Final[Condition] = {
    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ("cluster#CLUSTER-UID", "eip#*", "installs")}
}

_MOVES: Final = ("ec2:AssociateAddress", "ec2:DisassociateAddress")
_WRITES: Final = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem")

# Describes know no resource and no condition but ec2:Region.
SEE: Final = Statement(sid="See", actions=("ec2:DescribeAddresses", "ec2:DescribeNetworkInterfaces"), resource="*")
# Only asked where --keep-quota keeps something; it tells the account's limits, and knows no resource either.
SEE_QUOTA: Final = Statement(sid="SeeTheQuota", actions=("ec2:DescribeAccountAttributes",), resource="*")
# Both actions know the interface, with ec2:Vpc (an ARN), and the address, with aws:ResourceTag. Our calls name an
# address (or association) and an interface, and no instance: the parameters decide which resources are asked for.
MOVE_IN_VPC: Final = Statement(
    sid="MoveInTheVpc", actions=_MOVES, resource=_INTERFACE, condition={"ArnEquals": {"ec2:Vpc": _VPC}}
)
MOVE_OWN: Final = Statement(sid="MoveOwn", actions=_MOVES, resource=_ADDRESS, condition=_OWN)
MOVE_ADOPTED: Final = Statement(sid="MoveAdopted", actions=_MOVES, resource=_ADDRESS, condition=_ADOPTED)
MOVE_POOL: Final = Statement(sid="MovePool", actions=_MOVES, resource=_ADDRESS, condition=_POOL)
# AllocateAddress knows aws:RequestTag on the address that is to be, and not on the public pool that it is taken from.
ALLOCATE: Final = Statement(
    sid="Allocate", actions=("ec2:AllocateAddress",), resource=_ADDRESS, condition={"StringEquals": _BORN}
)
ALLOCATE_FROM_POOL: Final = Statement(
    sid="AllocateFromPublicPools", actions=("ec2:AllocateAddress",), resource=_PUBLIC_POOL
)
# Tags that come with a new resource are authorized as CreateTags, whose ec2:CreateAction then names the call; a
# CreateTags by itself has none, so nothing that exists can be tagged.
TAG_AT_BIRTH: Final = Statement(
    sid="TagWhatIsAllocated",
    actions=("ec2:CreateTags",),
    resource=_ADDRESS,
    condition={"StringEquals": {"ec2:CreateAction": "AllocateAddress", **_BORN}},
)
# ReleaseAddress knows aws:ResourceTag on the address.
RELEASE_OWN: Final = Statement(sid="ReleaseOwn", actions=("ec2:ReleaseAddress",), resource=_ADDRESS, condition=_OWN)
RELEASE_ADOPTED: Final = Statement(
    sid="ReleaseAdopted", actions=("ec2:ReleaseAddress",), resource=_ADDRESS, condition=_ADOPTED
)
# Optional: before there is a Pod, the controller asks IAM's simulator about its own role, and about no other one.
SIMULATE: Final = Statement(
    sid="AskWhatThisRoleMay",
    actions=("iam:SimulatePrincipalPolicy",),
    resource="arn:{partition}:iam::ACCOUNT:role/ROLE",
)
CHECK_TABLE: Final = Statement(sid="CheckTheTable", actions=("dynamodb:DescribeTable",), resource=_TABLE)
# Reads cover all clusters: who else shares the pools, who waits, who has been silent.
READ: Final = Statement(sid="ReadTheLedger", actions=("dynamodb:Query", "dynamodb:BatchGetItem"), resource=_TABLE)
# A transaction has no action of its own; those of its parts know dynamodb:EnclosingOperation (DynamoDB developer
# guide, "Using IAM with DynamoDB transactions", example 2) and dynamodb:LeadingKeys.
WRITE: Final = Statement(sid="WriteTheLedger", actions=_WRITES, resource=_TABLE, condition=_IN_A_TRANSACTION)
WRITE_OWN_KEYS: Final = Statement(
    sid="WriteTheLedger", actions=_WRITES, resource=_TABLE, condition={**_IN_A_TRANSACTION, **_OWN_KEYS}
)
# Tags of a table that is made are authorized as TagResource.
MAKE_TABLE: Final = Statement(
    sid="MakeTheTable",
    actions=("dynamodb:CreateTable", "dynamodb:TagResource", "dynamodb:UpdateContinuousBackups"),
    resource=_TABLE,
)

# X-Ray's receiver of OTLP refuses a role without PutTraceSegments by that name. AWS's reference has PutSpans and
# PutSpansForIndexing for spans of OpenTelemetry, so they are here, too. None knows a resource or a condition of its own
# ("Actions, resources, and condition keys for AWS X-Ray").
SEND_TRACES: Final = Statement(
    sid="SendTraces", actions=("xray:PutTraceSegments", "xray:PutSpans", "xray:PutSpansForIndexing"), resource="*"
)
# What `doctor` alone reads: none of it knows a resource, but for the table's backups.
SEE_NETWORK: Final = Statement(
    sid="SeeWhatIsAroundTheNodes",
    actions=(
        "ec2:DescribeInstances",
        "ec2:DescribeRouteTables",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeVpcEndpoints",
    ),
    resource="*",
)
SEE_BACKUPS: Final = Statement(
    sid="SeeWhetherTheTableCanBeRestored", actions=("dynamodb:DescribeContinuousBackups",), resource=_TABLE
)
SEE_TRACES: Final = Statement(sid="SeeWhereTracesGo", actions=("xray:GetTraceSegmentDestination",), resource="*")

_AUTO: Final = (
    SEE_QUOTA,
    MOVE_OWN,
    MOVE_ADOPTED,
    ALLOCATE,
    ALLOCATE_FROM_POOL,
    TAG_AT_BIRTH,
    RELEASE_OWN,
    RELEASE_ADOPTED,
    SIMULATE,
)
_POOLS: Final = (SEE, MOVE_IN_VPC, MOVE_POOL)

FILES: Final[Mapping[str, tuple[Statement, ...]]] = {
    "install": (*_POOLS, *_AUTO, CHECK_TABLE, READ, WRITE),
    "install-no-take-over": (*_POOLS, *_AUTO, CHECK_TABLE, READ, WRITE_OWN_KEYS),
    "fixed-pools": (*_POOLS, CHECK_TABLE, READ, WRITE),
    "fixed-pools-no-take-over": (*_POOLS, CHECK_TABLE, READ, WRITE_OWN_KEYS),
    "read-only": (SEE, SEE_QUOTA, CHECK_TABLE, READ),
    "create-table": (CHECK_TABLE, MAKE_TABLE),
    "traces": (SEND_TRACES,),
    "doctor": (SEE_QUOTA, SEE_NETWORK, SEE_BACKUPS, SEE_TRACES),
}


def policy(name: str, partition: str) -> dict[str, Any]:
    """The policy document of one file, its placeholders still in it."""
    return {"Version": "2012-10-17", "Statement": [_rendered(statement, partition) for statement in FILES[name]]}


def _rendered(statement: Statement, partition: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Sid": statement.sid,
        "Effect": "Allow",
        "Action": list(statement.actions),
        "Resource": statement.resource.format(partition=partition),
    }
    if statement.condition:
        found["Condition"] = {
            operator: {key: _value(value, partition) for key, value in keys.items()}
            for operator, keys in statement.condition.items()
        }
    return found


def _value(value: str | tuple[str, ...], partition: str) -> str | list[str]:
    return value.format(partition=partition) if isinstance(value, str) else list(value)
