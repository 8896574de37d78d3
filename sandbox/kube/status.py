"""Refusals as Kubernetes says them: a Status object with a reason, a code and details that clients branch on.

One exception type carries the finished Status; the functions below make the ones that the API server makes
(apimachinery/pkg/api/errors), with its reasons and codes.
"""

from dataclasses import dataclass

from sandbox.kube.resources import Json, Resource

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


class RefusedError(Exception):
    """A request is answered with this Status instead of an object."""

    def __init__(self, status: Json) -> None:
        super().__init__(status["message"])
        self.status = status

    @property
    def code(self) -> int:
        """The HTTP status code."""
        return int(self.status["code"])


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFault:
    """One field that is wrong, as it stands in `details.causes`."""

    field: str
    message: str
    reason: str = "FieldValueInvalid"


def failure(code: int, reason: str, message: str, details: Json | None = None) -> RefusedError:
    """A failure Status with that code and reason."""
    status: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    more = ({"reason": reason} if reason else {}) | ({"details": details} if details else {})
    return RefusedError({**status, **more, "code": code})


def success(details: Json) -> Json:
    """The Status that answers a DELETE of a kind that does not return its object."""
    head: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
    return {**head, "status": "Success", "details": details}


def details(resource: Resource, name: str) -> Json:
    """Which object a Status is about; `kind` is the plural there, as the API server has it."""
    return {"name": name, **({"group": resource.group} if resource.group else {}), "kind": resource.plural}


def not_found(resource: Resource, name: str) -> RefusedError:
    """404: no such object."""
    return failure(404, "NotFound", f'{resource.qualified} "{name}" not found', details(resource, name))


def no_such_path() -> RefusedError:
    """404: nothing is served at that URL."""
    return failure(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: Resource, name: str) -> RefusedError:
    """409: a create of a name that is taken."""
    message = f'{resource.qualified} "{name}" already exists'
    return failure(409, "AlreadyExists", message, details(resource, name))


def conflict(resource: Resource, name: str, why: str = MODIFIED) -> RefusedError:
    """409: a stale resourceVersion, or a precondition that does not hold."""
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return failure(409, "Conflict", message, details(resource, name))


def bad_request(message: str) -> RefusedError:
    """400: the request cannot be understood."""
    return failure(400, "BadRequest", message)


def forbidden(resource: Resource, name: str, why: str, causes: list[Json] | None = None) -> RefusedError:
    """403: the request is understood and not allowed."""
    about = details(resource, name) | ({"causes": causes} if causes else {})
    return failure(403, "Forbidden", f'{resource.qualified} "{name}" is forbidden: {why}', about)


def invalid(group: str, kind: str, name: str, faults: list[FieldFault]) -> RefusedError:
    """422: the object is well formed and wrong; every wrong field is listed."""
    causes = [{"reason": f.reason, "message": f.message, "field": f.field} for f in faults]
    said = [f"{f.field}: {f.message}" for f in faults]
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    about = {"name": name, **({"group": group} if group else {}), "kind": kind, "causes": causes}
    return failure(422, "Invalid", f'{kind} "{name}" is invalid: {text}', about)


def expired(message: str) -> RefusedError:
    """410: the resourceVersion is no longer kept."""
    return failure(410, "Expired", message)


def method_not_allowed() -> RefusedError:
    """405: the path exists, the method does not."""
    return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def unsupported_media(accepted: str) -> RefusedError:
    """415: the body is in a format that is not read here."""
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return failure(415, "UnsupportedMediaType", message)
