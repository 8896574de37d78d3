"""Turns Kubernetes' codes into errors, so that nothing above the adapter has to know HTTP.

One table maps the `reason` of a Status answer, or else the HTTP status, to a class of `state.errors`. The API server's
own word is kept as the error's code. A 404 counts as "not there" only if the API server itself says so in a Status. A
404 page of a proxy, or of a server that still starts, proves nothing about a Pod, and its address would be taken away.
"""

import re
from collections.abc import Mapping

import msgspec

from state.errors import (
    AccessDenied,
    ObjectConflict,
    ObjectInvalid,
    ObjectNotFound,
    PodEipError,
    Throttled,
    Unavailable,
    VersionExpired,
)

CLASSES: Mapping[str | int, type[PodEipError]] = {
    "NotFound": ObjectNotFound,
    "AlreadyExists": ObjectConflict,
    "Conflict": ObjectConflict,
    "Expired": VersionExpired,
    "Gone": VersionExpired,
    "Invalid": ObjectInvalid,
    "BadRequest": ObjectInvalid,
    "Forbidden": AccessDenied,
    "Unauthorized": AccessDenied,
    "TooManyRequests": Throttled,
    "ServerTimeout": Unavailable,
    "Timeout": Unavailable,
    "InternalError": Unavailable,
    "ServiceUnavailable": Unavailable,
    400: ObjectInvalid,
    401: AccessDenied,
    403: AccessDenied,
    409: ObjectConflict,
    410: VersionExpired,
    413: ObjectInvalid,
    415: ObjectInvalid,
    422: ObjectInvalid,
    429: Throttled,
}

_MORE = frozenset({"MethodNotAllowed", "NotAcceptable", "RequestEntityTooLarge", "UnsupportedMediaType", "Unknown"})
_OURS = frozenset({"TokenTimeout", "ReadTimeoutError"})
LABELS = _MORE | _OURS | {key if isinstance(key, str) else f"HTTP{key}" for key in [*CLASSES, *range(300, 600)]}
"""The codes that are labels of metrics, beside the names of errors' classes. A webhook may answer with any reason."""

_RBAC = re.compile(r"\bcannot \w+ resource \S+ in API group\b")
"""The authorizer's message (Kubernetes source, apiserver/pkg/endpoints/handlers/responsewriters/errors.go)."""


class ThrottledFor(Throttled):
    """429, with the seconds that the server asks to wait before the next call."""

    def __init__(self, message: str, *, code: str, retry_after_s: float) -> None:
        super().__init__(message, code=code)
        self.retry_after_s = retry_after_s


class StatusDetails(msgspec.Struct, frozen=True, rename="camel"):
    """The details of a Status, as fields."""

    retry_after_seconds: int = 0


class Status(msgspec.Struct, frozen=True):
    """`meta/v1 Status`: the body of every failed call, and of an ERROR event in a watch."""

    reason: str | None = None
    message: str | None = None
    code: int | None = None
    details: StatusDetails | None = None


def error_of(http_status: int, body: bytes, *, doing: str, retry_after: str | None = None) -> PodEipError:
    """The error for a failed answer; `doing` is VERB RESOURCE, for the advice that names a missing permission."""
    status = _status_of(body)
    return error_of_status(status, http_status=http_status, doing=doing, retry_after=retry_after)


def error_of_status(status: Status, *, http_status: int = 0, doing: str, retry_after: str | None = None) -> PodEipError:
    """The error for a Status, wherever it was found."""
    http_status = http_status or status.code or 0
    code = status.reason or f"HTTP{http_status}"
    message = f"{doing}: {status.message or 'no explanation'}"
    kind = CLASSES.get(status.reason or "") or CLASSES.get(http_status, Unavailable)
    if kind is Throttled:
        return ThrottledFor(message, code=code, retry_after_s=_seconds(status, retry_after))
    if kind is AccessDenied:
        return AccessDenied(message, code=code, advice=_permission(http_status, doing, status.message or ""))
    return kind(message, code=code)


def wait_of(error: PodEipError) -> float:
    """Seconds that the server asked to wait for; 0 if it did not."""
    return error.retry_after_s if isinstance(error, ThrottledFor) else 0.0


def _status_of(body: bytes) -> Status:
    try:
        return msgspec.json.decode(body, type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Status(message=body[:200].decode("utf-8", "replace").strip())


def _seconds(status: Status, retry_after: str | None) -> float:
    if retry_after is not None and retry_after.strip().isdigit():
        return float(retry_after)
    return float(status.details.retry_after_seconds) if status.details else 0.0


def _permission(http_status: int, doing: str, said: str) -> str:
    """The missing permission, if RBAC refused. An admission policy or a webhook answers "Forbidden" as well."""
    if http_status == 401:
        return "The API server does not accept the credentials: look at the kubeconfig or the ServiceAccount's token"
    if _RBAC.search(said) is None:
        return ""
    return f"Allow '{doing}' in the Role or ClusterRole of the controller's ServiceAccount"
