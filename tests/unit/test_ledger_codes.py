"""Every error that botocore's model of DynamoDB knows for our calls has a class, and an unknown one keeps its code."""

from typing import Any

import botocore.session
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ReadTimeoutError,
)
from pynamodb.exceptions import QueryError

from state.codes import CODES, error_for, translate, translated
from state.errors import AccessDenied, Misconfigured, NoCredentials, Refused, TableMissing, Throttled, Unavailable

CALLS = (
    "TransactWriteItems",
    "Query",
    "BatchGetItem",
    "DescribeTable",
    "CreateTable",
    "UpdateContinuousBackups",
)


def test_every_modelled_error_of_our_calls_is_mapped() -> None:
    model = botocore.session.get_session().get_service_model("dynamodb")
    known = {shape.name for call in CALLS for shape in model.operation_model(call).error_shapes}
    assert known
    assert known - CODES.keys() == set()


def answer(code: str, status: int = 400) -> ClientError:
    """What botocore raises for an answer."""
    said: Any = {"Error": {"Code": code, "Message": "said"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "Query")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answer("ThrottlingException"), Throttled),
        (answer("AccessDeniedException"), AccessDenied),
        (answer("ResourceNotFoundException"), TableMissing),
        (answer("NeverHeardOf"), Refused),
        (answer("NeverHeardOf", 503), Unavailable),
        (answer("503", 503), Unavailable),
        (QueryError("failed", answer("RequestLimitExceeded")), Throttled),
        (QueryError("failed"), Unavailable),
        (ReadTimeoutError(endpoint_url="http://x"), Unavailable),
        (ConnectTimeoutError(endpoint_url="http://x"), Unavailable),
        (QueryError("failed", EndpointConnectionError(endpoint_url="http://x")), Unavailable),
        (NoCredentialsError(), NoCredentials),
        (NoRegionError(), Misconfigured),
    ],
)
def test_each_failure_has_its_class(error: Exception, kind: type[Exception]) -> None:
    assert type(translate(error, "t")) is kind


def test_an_unknown_code_is_kept() -> None:
    assert translate(answer("NeverHeardOf"), "t").code == "NeverHeardOf"
    assert error_for("Odd", "").message == "Odd"


def test_a_missing_table_says_how_to_make_it() -> None:
    told = translate(answer("ResourceNotFoundException"), "eips").explain()
    assert "aws-pod-eip-controller table create --table eips" in told
    assert "--create-table" in told


@pytest.mark.parametrize(
    ("operation", "message", "advice"),
    [
        ("Query", "said", "deploy/iam/aws/install.json allows dynamodb:Query"),
        ("TransactWriteItems", "said", "install.json allows dynamodb:PutItem, UpdateItem and DeleteItem"),
        ("TransactWriteItems", "is not authorized to perform: dynamodb:PutItem on", "allows dynamodb:PutItem:"),
        ("CreateTable", "of arn:aws-us-gov:iam::1:role/r", "deploy/iam/aws-us-gov/create-table.json allows"),
        (
            "CreateTable",
            "to perform: dynamodb:TagResource because no identity-based policy allows",
            "create-table.json",
        ),
    ],
)
def test_who_is_denied_is_told_the_action_and_the_file(operation: str, message: str, advice: str) -> None:
    said: Any = {"Error": {"Code": "AccessDeniedException", "Message": message}}
    assert advice in translate(ClientError(said, operation), "t").explain()


def test_the_cause_is_chained_and_other_errors_pass() -> None:
    said = answer("ThrottlingException")
    with pytest.raises(Throttled) as caught, translated("t"):
        raise said
    assert caught.value.__cause__ is said
    with pytest.raises(KeyError), translated("t"):
        raise KeyError
