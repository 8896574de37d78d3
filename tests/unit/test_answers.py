"""What is not an answer of AWS is not taken for one that says "nothing there" or "done"."""

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.parsers import ResponseParserError

from controller.aws import answers as ec2
from state import answers as dynamodb


def answered(operation: str, body: bytes, status: int = 200) -> dict[str, Any]:
    """What botocore hands to a handler of `before-parse`."""
    return {"operation_model": SimpleNamespace(name=operation), "response_dict": {"status_code": status, "body": body}}


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0" encoding="UTF-8"?>\n<DescribeAddressesResponse xmlns="http://x/"><addressesSet/>',
        b"<DescribeAddressesResponse/>",
    ],
)
def test_ec2s_own_answer_passes(body: bytes) -> None:
    ec2.check_answer(**answered("DescribeAddresses", body))


@pytest.mark.parametrize(
    "body",
    [b"", b"<html><body/></html>", b"<Response/>", b"<DescribeInstancesResponse/>", b"\xff\xfe", b"OK", b"{}"],
)
def test_what_is_not_ec2s_is_refused(body: bytes) -> None:
    with pytest.raises(ResponseParserError):
        ec2.check_answer(**answered("DescribeAddresses", body))


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("TransactWriteItems", b"{}"),
        ("DescribeTable", b'{"Table": {"TableStatus": "ACTIVE"}}'),
        ("Query", b'{"Count": 0, "Items": []}'),
        ("Query", b'{"Items": [{"pk": {"S": "x"}, "n": {"N": "1"}}], "LastEvaluatedKey": {}}'),
        ("BatchGetItem", b'{"Responses": {"t": [{"pk": {"S": "x"}}]}, "UnprocessedKeys": {}}'),
    ],
)
def test_dynamodbs_own_answer_passes(operation: str, body: bytes) -> None:
    dynamodb.check_answer(**answered(operation, body))


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        *(
            (operation, body)
            for operation in ("TransactWriteItems", "Query", "BatchGetItem")
            for body in (b"", b"<html/>", b"[]", b"null", b"5", b'{"Items": [', b"\xff{}")
        ),
        ("Query", b"{}"),
        ("Query", b'{"Items": "no"}'),
        ("Query", b'{"Items": [5]}'),
        ("Query", b'{"Items": [{"pk": "x"}]}'),
        ("BatchGetItem", b"{}"),
        ("BatchGetItem", b'{"Responses": {"t": "no"}}'),
    ],
)
def test_what_is_not_dynamodbs_is_refused(operation: str, body: bytes) -> None:
    with pytest.raises(dynamodb.MalformedAnswer):
        dynamodb.check_answer(**answered(operation, body))


@pytest.mark.parametrize("check", [ec2.check_answer, dynamodb.check_answer])
def test_a_refusal_is_read_by_others(check: Any) -> None:
    check(**answered("Query", b"<html>Bad Gateway</html>", status=502))
