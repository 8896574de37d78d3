"""Each condition is on a key that AWS knows for that action and kind of resource: any other would deny everything.

The table is spelled out from AWS's service authorization reference ("Actions, resources, and condition keys for Amazon
EC2", "... for Amazon DynamoDB", "... for AWS Identity and Access Management"), and not made from ours. `*`: the action
knows no kind of resource.
"""

import pytest

from controller.core import iam

RESOURCE_TAG, REQUEST_TAG = "aws:ResourceTag/", "aws:RequestTag/"
MOVES = {
    "elastic-ip": {
        RESOURCE_TAG,
        "ec2:AllocationId",
        "ec2:Domain",
        "ec2:PublicIpAddress",
        "ec2:ResourceTag/",
        "ec2:Region",
    },
    "network-interface": {
        RESOURCE_TAG,
        "ec2:AvailabilityZone",
        "ec2:NetworkInterfaceID",
        "ec2:ResourceTag/",
        "ec2:Subnet",
        "ec2:Vpc",
        "ec2:Region",
    },
}
WRITES = {
    "table": {
        "dynamodb:Attributes",
        "dynamodb:EnclosingOperation",
        "dynamodb:LeadingKeys",
        "dynamodb:ReturnConsumedCapacity",
        "dynamodb:ReturnValues",
    }
}
KNOWN: dict[str, dict[str, set[str]]] = {
    "ec2:AssociateAddress": MOVES,
    "ec2:DisassociateAddress": MOVES,
    "ec2:ReleaseAddress": {"elastic-ip": MOVES["elastic-ip"]},
    "ec2:AllocateAddress": {
        "elastic-ip": {REQUEST_TAG, "aws:TagKeys", "ec2:Region"},
        "ipv4pool-ec2": {RESOURCE_TAG, "ec2:ResourceTag/", "ec2:Region"},
    },
    "ec2:CreateTags": {"elastic-ip": {*MOVES["elastic-ip"], REQUEST_TAG, "aws:TagKeys", "ec2:CreateAction"}},
    "ec2:DescribeAccountAttributes": {"*": {"ec2:Region"}},
    "ec2:DescribeAddresses": {"*": {"ec2:Region"}},
    "ec2:DescribeNetworkInterfaces": {"*": {"ec2:Region"}},
    "dynamodb:PutItem": WRITES,
    "dynamodb:UpdateItem": WRITES,
    "dynamodb:DeleteItem": WRITES,
    "dynamodb:Query": {"table": {"dynamodb:LeadingKeys", "dynamodb:Attributes", "dynamodb:Select"}},
    "dynamodb:BatchGetItem": {"table": {"dynamodb:LeadingKeys", "dynamodb:Attributes", "dynamodb:Select"}},
    "dynamodb:DescribeTable": {"table": set()},
    "dynamodb:CreateTable": {"table": {REQUEST_TAG, "aws:TagKeys"}},
    "dynamodb:TagResource": {"table": {REQUEST_TAG, "aws:TagKeys"}},
    "dynamodb:UpdateContinuousBackups": {"table": set()},
    "iam:SimulatePrincipalPolicy": {"role": {RESOURCE_TAG, "iam:ResourceTag/"}},
    "xray:PutTraceSegments": {"*": set()},
    "xray:PutSpans": {"*": set()},
    "xray:PutSpansForIndexing": {"*": set()},
    "dynamodb:DescribeContinuousBackups": {"table": set()},
    "ec2:DescribeInstances": {"*": {"ec2:Region"}},
    "ec2:DescribeRouteTables": {"*": {"ec2:Region"}},
    "ec2:DescribeSecurityGroups": {"*": {"ec2:Region"}},
    "ec2:DescribeVpcEndpoints": {"*": {"ec2:Region"}},
    "xray:GetTraceSegmentDestination": {"*": set()},
}
STATEMENTS = sorted({(name, s.sid) for name, statements in iam.FILES.items() for s in statements})


def kind(arn: str) -> str:
    """`elastic-ip` of an ARN of addresses."""
    return arn.split(":")[-1].split("/")[0]


def bare(key: str) -> str:
    """A condition key without the tag's own key."""
    service, _, rest = key.partition(":")
    return f"{service}:{rest.partition('/')[0]}/" if "/" in rest else key


@pytest.mark.parametrize(("file", "sid"), STATEMENTS)
def test_aws_knows_the_resource_and_the_condition_keys(file: str, sid: str) -> None:
    [statement] = [s for s in iam.policy(file, "aws")["Statement"] if s["Sid"] == sid]
    used = {bare(key) for keys in statement.get("Condition", {}).values() for key in keys}
    for action in statement["Action"]:
        known = KNOWN[action]
        assert kind(statement["Resource"]) in known, action
        assert used <= known[kind(statement["Resource"])], action


def test_a_key_that_an_action_does_not_know_would_be_noticed() -> None:
    assert bare("aws:ResourceTag/aws-samples.github.com/x") == RESOURCE_TAG
    assert bare("ec2:Vpc") not in KNOWN["ec2:AssociateAddress"]["elastic-ip"]
    assert REQUEST_TAG not in KNOWN["ec2:AllocateAddress"]["ipv4pool-ec2"]
