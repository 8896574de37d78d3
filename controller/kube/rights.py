"""Whether the API server lets us do what we must: asked by SelfSubjectAccessReview, which changes nothing.

Every account may ask it for itself (Kubernetes documentation, Authorization, "Checking API access"; the ClusterRole
system:basic-user). An API server that does not answer it says nothing about rights.
"""

import msgspec

from controller.core.diagnosis.rbac import Right
from controller.kube.connection import Call, Connection, path_of
from controller.kube.decode import malformed
from state.errors import AccessDenied, Unavailable

_PATH = path_of("apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews")
_LEASES = "coordination.k8s.io"


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    allowed: bool = False
    evaluation_error: str = ""
    reason: str = ""


class _Review(msgspec.Struct, frozen=True):
    status: _Answer


def rights_needed(watch_namespace: str, lease_namespace: str, lease_name: str) -> list[Right]:
    """What no replica can do without: Pods, and the Lease."""
    pods = [Right(verb=verb, resource="pods", namespace=watch_namespace) for verb in ("list", "watch", "get")]
    show = Right(verb="patch", resource="pods/status", namespace=watch_namespace)
    lease = [
        Right(verb=verb, resource="leases", group=_LEASES, namespace=lease_namespace, name=lease_name)
        for verb in ("get", "update", "watch")
    ]
    return [*pods, show, *lease, Right(verb="create", resource="leases", group=_LEASES, namespace=lease_namespace)]


class KubeRights:
    """Asks for these rights, one by one."""

    def __init__(self, connection: Connection, rights: list[Right]) -> None:
        self._connection, self._rights = connection, rights

    def check(self) -> None:
        """Raise AccessDenied with all that is refused, and what the connection raises where it is not known."""
        answers = [(right, _reviewed(self._connection, right)) for right in self._rights]
        refused = [right for right, answer in answers if not (answer.allowed or answer.evaluation_error)]
        if refused:
            names = ", ".join(map(str, refused))
            advice = f"Allow '{names}' in the Role or ClusterRole of the controller's ServiceAccount"
            raise AccessDenied(f"RBAC does not allow: {names}", code="Forbidden", advice=advice)


def is_allowed(connection: Connection, right: Right) -> bool:
    """Whether the account may do that. Raises Unavailable where the API server does not say, as the connection does."""
    answer = _reviewed(connection, right)
    if answer.evaluation_error and not answer.allowed:
        raise Unavailable(f"the API server cannot tell whether '{right}' is allowed: {answer.evaluation_error}")
    return answer.allowed


def _reviewed(connection: Connection, right: Right) -> _Answer:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right.attributes},
    }
    try:
        answer = connection.send(Call(verb="create", resource="selfsubjectaccessreviews", path=_PATH, body=body))
    except AccessDenied as error:
        # An account that may not ask, or an API server whose own roles are not there yet: nothing about the right.
        raise Unavailable(f"what RBAC allows cannot be asked: {error.message}", code=error.code) from error
    try:
        return msgspec.json.decode(answer, type=_Review).status
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise malformed("SelfSubjectAccessReview", error) from error
