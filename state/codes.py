"""Turns DynamoDB's error codes into the errors of this program.

The class of an error says whether the call happened, because callers decide by that. A code that is not listed keeps
its name, and its HTTP status gives the class: 5xx says nothing about the outcome, 4xx is a refusal. The codes are those
of botocore's model of the service and of its list of common errors (DynamoDB developer guide, "Error handling with
DynamoDB"), and the reasons of a cancelled transaction (API reference, TransactWriteItems).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from pynamodb.exceptions import PynamoDBException

from state import denial
from state.errors import (
    AccessDenied,
    ConditionLost,
    Misconfigured,
    NoCredentials,
    PodEipError,
    Refused,
    TableMissing,
    Throttled,
    Unavailable,
)

CANCELED = "TransactionCanceledException"

CODES: Mapping[str, type[PodEipError]] = MappingProxyType(
    {
        "ConditionalCheckFailed": ConditionLost,
        "ConditionalCheckFailedException": ConditionLost,
        "ResourceNotFoundException": TableMissing,
        "TableNotFoundException": TableMissing,
        "AccessDeniedException": AccessDenied,
        "ExpiredTokenException": NoCredentials,
        "IncompleteSignature": NoCredentials,
        "IncompleteSignatureException": NoCredentials,
        "InvalidClientTokenId": NoCredentials,
        "InvalidSignatureException": NoCredentials,
        "MissingAuthenticationToken": NoCredentials,
        "MissingAuthenticationTokenException": NoCredentials,
        "NotAuthorized": AccessDenied,
        "OptInRequired": AccessDenied,
        "UnrecognizedClientException": NoCredentials,
        "LimitExceededException": Throttled,
        "ProvisionedThroughputExceeded": Throttled,
        "ProvisionedThroughputExceededException": Throttled,
        "ReplicatedWriteConflictException": Throttled,
        "RequestLimitExceeded": Throttled,
        "ResourceInUseException": Throttled,
        "Throttling": Throttled,
        "ThrottlingError": Throttled,
        "ThrottlingException": Throttled,
        "TransactionConflict": Throttled,
        "TransactionConflictException": Throttled,
        # An earlier request of ours used the token: only a read shows whether it happened.
        "IdempotentParameterMismatchException": Unavailable,
        "TransactionInProgressException": Unavailable,
        "InternalFailure": Unavailable,
        "InternalServerError": Unavailable,
        "RequestTimeout": Unavailable,
        "ServiceUnavailable": Unavailable,
        "ServiceUnavailableException": Unavailable,
        "ContinuousBackupsUnavailableException": Refused,
        "ItemCollectionSizeLimitExceeded": Refused,
        "ItemCollectionSizeLimitExceededException": Refused,
        "SerializationException": Refused,
        "UnknownOperationException": Refused,
        "ValidationError": Refused,
        "ValidationException": Refused,
        CANCELED: Refused,
    }
)


def error_for(code: str, message: str, *, status: int = 400, table: str = "") -> PodEipError:
    """The error for a code; `status`: the HTTP status, which decides for an unknown code."""
    kind = CODES.get(code, Unavailable if status >= 500 else Refused)
    if kind is TableMissing:
        return table_missing(table, code)
    return kind(message or code, code=code)


def table_missing(table: str, code: str = "") -> TableMissing:
    """The error that tells how to make the table."""
    command = f"aws-pod-eip-controller table create --table {table}"
    return TableMissing(
        f"The DynamoDB table '{table}' does not exist in this account and Region",
        code=code,
        advice=f"Make it with `{command}`, or start with --create-table",
    )


def is_cancellation(error: PynamoDBException) -> bool:
    """Whether a transaction was cancelled. PynamoDB's own `cause_response_code` fails where no answer came."""
    cause = error.cause
    return isinstance(cause, ClientError) and cause.response.get("Error", {}).get("Code") == CANCELED


def translate(error: Exception, table: str) -> PodEipError:
    """Turn whatever PynamoDB or botocore raised into an error of `state.errors`."""
    if isinstance(error, PynamoDBException):
        return translate(error.cause, table) if error.cause else Unavailable(str(error), code=type(error).__name__)
    if isinstance(error, ClientError):
        return _translate_answer(error, table)
    return _translate_no_answer(error)


def _translate_answer(error: ClientError, table: str) -> PodEipError:
    said: Mapping[str, Any] = error.response.get("Error", {})
    # PynamoDB's own ClientError has no status; the original that it was raised from has it.
    original = error.__cause__ if isinstance(error.__cause__, ClientError) else error
    status = original.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    code, message = str(said.get("Code", "")), str(said.get("Message", ""))
    if code == "AccessDeniedException":
        words = denial.advice("dynamodb", original.operation_name, message)
        return AccessDenied(message or code, code=code, advice=words)
    return error_for(code, message, status=status, table=table)


def _translate_no_answer(error: Exception) -> PodEipError:
    code = type(error).__name__
    if isinstance(error, NoCredentialsError | PartialCredentialsError | CredentialRetrievalError):
        return NoCredentials(str(error), code=code, advice="Give the Pod an IAM role, or set the AWS_* variables")
    if isinstance(error, NoRegionError | ProfileNotFound):
        return Misconfigured([str(error)])
    return Unavailable(str(error), code=code)


@contextmanager
def translated(table: str) -> Iterator[None]:
    """Raise whatever goes wrong with a call inside as an error of `state.errors`, its cause chained."""
    try:
        yield
    except (PynamoDBException, ClientError, BotoCoreError) as error:
        raise translate(error, table) from error
