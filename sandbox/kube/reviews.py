"""The reviews by which a client asks who it is and what it may do: nothing is stored, the answer is the object.

The sandbox has no RBAC, so everybody may do everything; tests of rights have the real API server.
"""

from sandbox.kube.protocol import Call
from sandbox.kube.resources import Json

_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_MAY = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def review(call: Call) -> Json | None:
    """The reviewed object; None where the call is no review."""
    if call.method != "POST" or call.path not in (_WHO, _MAY):
        return None
    status = {"userInfo": {"username": call.bearer}} if call.path == _WHO else {"allowed": True}
    return {**call.sent_object(), "status": status}
