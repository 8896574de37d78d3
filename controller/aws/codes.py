"""What EC2's error codes mean, in one table: the loop decides by an error's class, and people search for its code.

The codes are those of the EC2 API reference ("Error codes for the Amazon EC2 API") and of the pages of each action. A
code that has another meaning in one action stands there as `ACTION/CODE`. A code that is not in the table is judged by
its HTTP status: from 500 on it is unknown whether the call happened, below 500 it was refused. EC2's message is kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from controller.core.diagnosis.rights import DRY_RUN
from state import denial
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
    PodEipError,
    PoolNotFound,
    QuotaExceeded,
    Refused,
    TargetNotReady,
    Throttled,
    Unavailable,
)

CODES: dict[str, type[PodEipError]] = {
    "AddressLimitExceeded": QuotaExceeded,
    "InsufficientAddressCapacity": QuotaExceeded,
    "InvalidPublicIpv4PoolID.NotFound": PoolNotFound,
    "InvalidPublicIpv4PoolID.Malformed": PoolNotFound,
    "InvalidPoolID.NotFound": PoolNotFound,
    "InvalidPoolID.Malformed": PoolNotFound,
    "InvalidIpamPoolId.NotFound": PoolNotFound,
    "InvalidIpamPoolId.Malformed": PoolNotFound,
    "Resource.AlreadyAssociated": AlreadyAssociated,
    "AssociateAddress/InvalidParameterValue": InvalidTarget,
    "IncorrectInstanceState": TargetNotReady,
    "IncorrectState": TargetNotReady,
    "Gateway.NotAttached": TargetNotReady,
    "InvalidIPAddress.InUse": AddressInUse,
    "InvalidAllocationID.NotFound": AddressNotFound,
    "InvalidAllocationID.Malformed": AddressNotFound,
    "InvalidAddressID.NotFound": AddressNotFound,
    "InvalidAddress.NotFound": AddressNotFound,
    # The page of ReleaseAddress: the code for a wrong border group. The address still exists, and is still paid for.
    "ReleaseAddress/InvalidAddress.NotFound": BorderGroupMismatch,
    "InvalidAssociationID.NotFound": AssociationNotFound,
    "InvalidAssociationID.Malformed": AssociationNotFound,
    "InvalidNetworkInterfaceID.NotFound": InterfaceNotFound,
    "InvalidNetworkInterfaceId.NotFound": InterfaceNotFound,
    "InvalidNetworkInterfaceID.Malformed": InterfaceNotFound,
    "InvalidNetworkInterface.NotFound": InterfaceNotFound,
    # With sound credentials `AuthFailure` says that the address is another account's: see `_error_of`.
    "AuthFailure": AccessDenied,
    "DescribeAccountAttributes/AuthFailure": NoCredentials,
    "DescribeAddresses/AuthFailure": NoCredentials,
    "DescribeNetworkInterfaces/AuthFailure": NoCredentials,
    "AssociateAddress/AuthFailure": AddressForeign,
    "DisassociateAddress/AuthFailure": AddressForeign,
    "ReleaseAddress/AuthFailure": AddressForeign,
    "UnauthorizedOperation": AccessDenied,
    "AccessDenied": AccessDenied,
    "AccessDeniedException": AccessDenied,
    "Blocked": AccessDenied,
    "ExpiredToken": NoCredentials,
    "ExpiredTokenException": NoCredentials,
    "IncompleteSignature": NoCredentials,
    "InvalidClientTokenId": NoCredentials,
    "InvalidIdentityToken": NoCredentials,
    "InvalidSecurityToken": NoCredentials,
    "MissingAuthenticationToken": NoCredentials,
    "OptInRequired": AccessDenied,
    "PendingVerification": AccessDenied,
    "RequestExpired": NoCredentials,
    "SignatureDoesNotMatch": NoCredentials,
    "UnrecognizedClientException": NoCredentials,
    "Client.RequestLimitExceeded": Throttled,
    "EC2ThrottledException": Throttled,
    "PriorRequestNotComplete": Throttled,
    "RequestLimitExceeded": Throttled,
    "RequestThrottled": Throttled,
    "RequestThrottledException": Throttled,
    "SlowDown": Throttled,
    "Throttling": Throttled,
    "ThrottlingException": Throttled,
    "ThrottledException": Throttled,
    "TooManyRequestsException": Throttled,
    "429": Throttled,
    "408": Unavailable,
    "InternalError": Unavailable,
    "InternalFailure": Unavailable,
    "InvalidNextToken": Unavailable,
    "InvalidPaginationToken": Unavailable,
    "RequestTimeout": Unavailable,
    "ServerInternal": Unavailable,
    "ServiceUnavailable": Unavailable,
    "Unavailable": Unavailable,
}

LABELS = frozenset(code.rpartition("/")[2] for code in CODES) | {"IncompleteAnswer", DRY_RUN}
"""The codes that are labels of metrics; the names of the errors' classes are added to them."""

_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.UnknownCredentialError,
    boto.NoAuthTokenError,
    boto.TokenRetrievalError,
    boto.UnknownTokenProviderError,
    boto.SSOError,
    boto.LoginError,
    boto.RefreshWithMFAUnsupportedError,
    boto.ProfileNotFound,
    boto.ConfigNotFound,
    boto.ConfigParseError,
    boto.InvalidConfigError,
)
_NOT_SENDABLE = (boto.ParamValidationError, boto.ValidationError, boto.UnknownEndpointError)

_CHECK_CREDENTIALS = denial.NO_CREDENTIALS
_ADVICE = {
    "InsufficientAddressCapacity": "The pool has no free address: provision more, or release some",
    "RequestExpired": "The clock of this node is wrong by minutes: mend its time service",
    "SignatureDoesNotMatch": "Check the secret key, and the clock of this node",
    "OptInRequired": "Subscribe the account to EC2 in this Region",
    "AuthFailure": _CHECK_CREDENTIALS,
    "ExpiredToken": _CHECK_CREDENTIALS,
    "ExpiredTokenException": _CHECK_CREDENTIALS,
    "InvalidClientTokenId": _CHECK_CREDENTIALS,
    "InvalidIdentityToken": _CHECK_CREDENTIALS,
    "MissingAuthenticationToken": _CHECK_CREDENTIALS,
    "UnrecognizedClientException": _CHECK_CREDENTIALS,
}
_ENCODED = "Encoded authorization failure message:"


@contextmanager
def ec2_errors(operation: str, service: str = "ec2") -> Iterator[None]:
    """Turn what botocore raises within into the errors of `state.errors`; those themselves pass unchanged.

    `service`: of the operation; that of another one has no codes of its own here.
    """
    try:
        yield
    except boto.ClientError as error:
        raise _error_of(operation, service, error) from error
    except _CREDENTIALS as error:
        raise NoCredentials(str(error), code=type(error).__name__, advice=_CHECK_CREDENTIALS) from error
    except _NOT_SENDABLE as error:
        raise Refused(str(error), code=type(error).__name__) from error
    except (boto.BotoCoreError, ResponseParserError) as error:
        raise Unavailable(f"{operation}: {error}", code=type(error).__name__) from error


def incomplete(operation: str, field: str) -> NoReturn:
    """Raise Unavailable for an answer that lacks a required field: the call may have had its effect."""
    raise Unavailable(f"{operation} was answered without {field}", code="IncompleteAnswer")


def _error_of(operation: str, service: str, error: boto.ClientError) -> PodEipError:
    said = error.response.get("Error", {})
    code, message = str(said.get("Code", "Unknown")), str(said.get("Message") or error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    kind = _kind_of(operation, code, status)
    if error.operation_name != operation:
        return _error_of_credentials(kind, error.operation_name, code, message)
    if kind is not AccessDenied and issubclass(kind, Refused) and _speaks_of_border_group(message):
        kind = BorderGroupMismatch
    elif kind is AddressForeign and "credential" in message.lower():
        kind = NoCredentials  # "unable to validate the provided access credentials": says nothing about the address
    return kind(_readable(message), code=code, advice=_advice(kind, service, operation, code, message))


def _error_of_credentials(kind: type[PodEipError], operation: str, code: str, message: str) -> PodEipError:
    """The error where another service (STS, SSO) refused the credentials for signing: EC2 was not called at all."""
    if issubclass(kind, Refused):
        return NoCredentials(f"{operation}: {message}", code=code, advice=_CHECK_CREDENTIALS)
    return Unavailable(f"{operation}: {message}", code=code)


def _advice(kind: type[PodEipError], service: str, operation: str, code: str, message: str) -> str:
    """What to do about it, if the code tells. For a denied call: the action, and the file that allows it."""
    if code in _ADVICE and issubclass(kind, AccessDenied | QuotaExceeded):
        return _ADVICE[code]
    return denial.advice(service, operation, message) if code in denial.CODES else ""


def _kind_of(operation: str, code: str, status: int) -> type[PodEipError]:
    known = CODES.get(f"{operation}/{code}") or CODES.get(code)
    return known or (Refused if 400 <= status < 500 else Unavailable)


def _speaks_of_border_group(message: str) -> bool:
    """Whether the message is about a border group. EC2 documents this refusal but not its code (NAT gateways are known
    to get `OperationNotPermitted`)."""
    return "bordergroup" in message.lower().replace(" ", "").replace("-", "")


def _readable(message: str) -> str:
    """The message without its encoded authorization part: a kilobyte that people cannot read and events cannot hold."""
    return message.partition(_ENCODED)[0].strip()
