"""Each error code of EC2 against the error it stands for, and each way in which a call can end without a code."""

from typing import Any

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from controller.aws.calls import Calls
from controller.aws.codes import CODES, ec2_errors
from controller.aws.gate import Throttle
from state.errors import (
    AccessDenied,
    AddressForeign,
    AddressInUse,
    AddressNotFound,
    AlreadyAssociated,
    AssociationNotFound,
    BorderGroupMismatch,
    InterfaceNotFound,
    InvalidTarget,
    NoCredentials,
    NotLeading,
    PodEipError,
    PoolNotFound,
    QuotaExceeded,
    Refused,
    TargetNotReady,
    Throttled,
    Unavailable,
)


def told(error: Exception, operation: str = "AssociateAddress") -> PodEipError:
    """What the adapter's caller gets for what botocore raises."""
    with pytest.raises(PodEipError) as caught, ec2_errors(operation):
        raise error
    return caught.value


def answer(
    code: str, message: str = "said", status: int = 400, operation: str = "AssociateAddress"
) -> boto.ClientError:
    """EC2's answer as botocore raises it."""
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return boto.ClientError(response, operation)


@pytest.mark.parametrize(
    ("operation", "code", "expected"),
    [
        ("AllocateAddress", "AddressLimitExceeded", QuotaExceeded),
        ("AllocateAddress", "InsufficientAddressCapacity", QuotaExceeded),
        ("AllocateAddress", "InvalidPublicIpv4PoolID.NotFound", PoolNotFound),
        ("AllocateAddress", "InvalidParameterValue", Refused),
        ("AssociateAddress", "Resource.AlreadyAssociated", AlreadyAssociated),
        ("AssociateAddress", "InvalidParameterValue", InvalidTarget),
        ("AssociateAddress", "InvalidAllocationID.NotFound", AddressNotFound),
        ("AssociateAddress", "InvalidNetworkInterfaceID.NotFound", InterfaceNotFound),
        ("DisassociateAddress", "InvalidAssociationID.NotFound", AssociationNotFound),
        ("DisassociateAddress", "InvalidNetworkInterfaceID.NotFound", InterfaceNotFound),
        ("ReleaseAddress", "InvalidAllocationID.NotFound", AddressNotFound),
        ("ReleaseAddress", "InvalidIPAddress.InUse", AddressInUse),
        ("ReleaseAddress", "InvalidAddress.NotFound", BorderGroupMismatch),
        ("ReleaseAddress", "AuthFailure", AddressForeign),
        ("DescribeAddresses", "AuthFailure", NoCredentials),
        ("DescribeAddresses", "UnauthorizedOperation", AccessDenied),
        ("DescribeAddresses", "RequestExpired", NoCredentials),
        ("AssociateAddress", "IncorrectInstanceState", TargetNotReady),
        ("AssociateAddress", "Gateway.NotAttached", TargetNotReady),
        ("DescribeAddresses", "RequestLimitExceeded", Throttled),
        ("DescribeAddresses", "Throttling", Throttled),
        ("DescribeAddresses", "ThrottlingException", Throttled),
        ("DescribeAddresses", "InternalError", Unavailable),
        ("DescribeNetworkInterfaces", "InvalidPaginationToken", Unavailable),
        ("ReleaseAddress", "InvalidAddress.PtrSet", Refused),
    ],
)
def test_codes(operation: str, code: str, expected: type[PodEipError]) -> None:
    error = told(answer(code, operation=operation), operation)
    assert type(error) is expected
    assert (error.code, error.message) == (code, "said")


@pytest.mark.parametrize(
    ("status", "expected"), [(400, Refused), (404, Refused), (500, Unavailable), (503, Unavailable)]
)
def test_an_unknown_code_is_judged_by_its_status(status: int, expected: type[PodEipError]) -> None:
    assert type(told(answer("Novelty", status=status))) is expected


@pytest.mark.parametrize(
    "message",
    [
        "Primary elastic IP and subnet belong in different network border groups.",
        "Invalid value 'x' for NetworkBorderGroup",
        "The network-border-group is not that of the address",
    ],
)
@pytest.mark.parametrize("code", ["OperationNotPermitted", "InvalidParameterCombination", "InvalidParameterValue"])
def test_whatever_speaks_of_border_groups_is_about_them(code: str, message: str) -> None:
    assert type(told(answer(code, message))) is BorderGroupMismatch


def test_bad_credentials_say_nothing_about_the_address() -> None:
    message = "AWS was not able to validate the provided access credentials"
    error = told(answer("AuthFailure", message, 401, "ReleaseAddress"), "ReleaseAddress")
    assert type(error) is NoCredentials
    assert "role" in error.advice


def test_what_is_missing_in_the_policy_is_readable() -> None:
    words = "You are not authorized to perform: ec2:AssociateAddress."
    error = told(answer("UnauthorizedOperation", f"{words} Encoded authorization failure message: {'x' * 900}", 403))
    assert error.message == words
    compare = "deploy/iam/aws/install.json allows ec2:AssociateAddress: compare what the controller's role has"
    assert error.explain() == f"UnauthorizedOperation: {words} {compare}"


@pytest.mark.parametrize(
    ("why", "advice"),
    [
        (
            "because no identity-based policy allows the ec2:AllocateAddress action",
            "Add ec2:AllocateAddress to",
        ),
        ("because no identity-based policy allows the ec2:AllocateAddress action", "in deploy/iam/aws/install.json"),
        ("with an explicit deny in a service control policy", "A service control policy of the organization denies it"),
        ("because no service control policy allows the ec2:AllocateAddress action", "do not allow ec2:AllocateAddress"),
        ("with an explicit deny in an identity-based policy", "A policy denies it explicitly"),
        ("because no permissions boundary allows the ec2:AllocateAddress action", "to the permissions boundary"),
        ("because no VPC endpoint policy allows the ec2:AllocateAddress action", "policy of the VPC endpoint"),
        ("", "deploy/iam/aws/install.json allows ec2:AllocateAddress"),
        ("on resource: arn:aws-cn:ec2:cn-north-1:1:elastic-ip/*", "deploy/iam/aws-cn/install.json allows"),
    ],
)
def test_advice_on_a_refusal_is_what_its_text_proves(why: str, advice: str) -> None:
    """The texts of the IAM user guide, "Troubleshoot access denied error messages"."""
    said = f"User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: ec2:AllocateAddress {why}"
    error = told(answer("UnauthorizedOperation", said, 403, "AllocateAddress"), "AllocateAddress")
    assert advice in error.advice


def test_a_denied_tag_is_told_from_a_denied_allocation() -> None:
    why = (
        "is not authorized to perform: ec2:CreateTags because no identity-based policy allows the ec2:CreateTags action"
    )
    error = told(answer("UnauthorizedOperation", why, 403, "AllocateAddress"), "AllocateAddress")
    assert error.advice.startswith("Add ec2:CreateTags to the IAM policy")


@pytest.mark.parametrize("code", ["Blocked", "PendingVerification", "UnauthorizedOperation.Other", "InternalError"])
def test_what_is_no_matter_of_permissions_names_no_file(code: str) -> None:
    assert "deploy/iam" not in told(answer(code)).explain()


@pytest.mark.parametrize(
    "error",
    [
        boto.EndpointConnectionError(endpoint_url="http://x"),
        boto.ConnectTimeoutError(endpoint_url="http://x"),
        boto.ReadTimeoutError(endpoint_url="http://x"),
        boto.ConnectionClosedError(endpoint_url="http://x"),
        boto.SSLError(endpoint_url="http://x", error=OSError("certificate")),
        boto.HTTPClientError(error="anything"),
        boto.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        ResponseParserError("not XML"),
    ],
)
def test_no_answer_is_perhaps(error: Exception) -> None:
    told_error = told(error)
    assert type(told_error) is Unavailable
    assert told_error.code == type(error).__name__


@pytest.mark.parametrize(
    "error",
    [
        boto.NoCredentialsError(),
        boto.PartialCredentialsError(provider="env", cred_var="x"),
        boto.CredentialRetrievalError(provider="iam", error_msg="x"),
        boto.TokenRetrievalError(provider="sso", error_msg="x"),
        boto.UnauthorizedSSOTokenError(),
        boto.SSOTokenLoadError(error_msg="x"),
        boto.ProfileNotFound(profile="x"),
    ],
)
def test_no_credentials_are_told_from_a_missing_permission(error: Exception) -> None:
    assert type(told(error)) is NoCredentials


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("InvalidIdentityToken", 400, NoCredentials),
        ("ValidationError", 400, NoCredentials),
        ("Throttling", 400, Unavailable),
    ],
)
def test_a_refusal_of_credentials_is_not_ec2s(code: str, status: int, expected: type[PodEipError]) -> None:
    error = told(answer(code, status=status, operation="AssumeRoleWithWebIdentity"))
    assert type(error) is expected
    assert "AssumeRoleWithWebIdentity" in error.message


def test_a_call_that_cannot_even_be_made_is_refused() -> None:
    assert type(told(boto.ParamValidationError(report="no"))) is Refused


class Ears:
    """An observer and a guard: it remembers codes, and lets everything pass."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def call(self, service: str, operation: str, seconds: float, code: str) -> None:
        """Remember the code."""
        self.codes.append(code)

    def event_dropped(self, reason: str, count: int = 1) -> None:
        """No call drops events."""

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """No call sends spans."""

    def check(self) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("error", "label"),
    [
        *((answer(code.rpartition("/")[2]), code.rpartition("/")[2]) for code in CODES),
        (answer("Evil\u202e-1"), "other"),
        (answer("Evil", status=500), "other"),
        (boto.ReadTimeoutError(endpoint_url="http://x"), "ReadTimeoutError"),
        (boto.NoCredentialsError(), "NoCredentialsError"),
        (QuotaExceeded("our own"), "QuotaExceeded"),
    ],
)
def test_metrics_are_told_codes_that_are_known(error: Exception, label: str) -> None:
    def call() -> None:
        raise error

    ears = Ears()
    with pytest.raises(PodEipError):
        Calls(Throttle(), ears, ears).send("AssociateAddress", call)
    assert ears.codes == [label]


def test_our_own_errors_pass() -> None:
    assert type(told(NotLeading("over"))) is NotLeading
