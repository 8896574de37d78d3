"""What the API server is asked of our rights: all that is refused is named, and what it cannot say refuses nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.core.ability import Ability
from controller.kube.connection import connect
from controller.kube.rights import KubeRights, is_allowed, rights_needed
from state.errors import AccessDenied, PodEipError, Unavailable
from tests.fakes.kube_http import Heard, Reply, kubeconfig, scripted


def review(**refused: str) -> Callable[[Heard], Reply]:
    """Allows all but these verbs of these resources."""

    def answer(heard: Heard) -> Reply:
        asked = json.loads(heard.body)["spec"]["resourceAttributes"]
        allowed = refused.get(asked["verb"]) != asked["resource"]
        return Reply(status=201, body=json.dumps({"status": {"allowed": allowed}}).encode())

    return answer


NEEDED = rights_needed("", "kube-system", "lease")


def test_all_that_is_refused_is_named(tmp_path: Path) -> None:
    with scripted(review(watch="pods", patch="pods", update="leases")) as server:
        connection = connect(kubeconfig(tmp_path, server.url), version="0")
        with pytest.raises(AccessDenied, match="watch pods, patch pods/status, update leases"):
            KubeRights(connection, NEEDED).check()
    asked = [json.loads(heard.body)["spec"]["resourceAttributes"] for heard in server.heard]
    assert {heard.path for heard in server.heard} == {"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}
    assert {"verb": "update", "group": "coordination.k8s.io", "resource": "leases"} | {
        "namespace": "kube-system",
        "name": "lease",
    } in asked
    assert {"verb": "patch", "resource": "pods", "subresource": "status"} in asked


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=404, body=b'{"reason": "NotFound"}'),
        Reply(status=403, body=b'{"kind": "Status", "reason": "Forbidden", "code": 403}'),
        Reply(status=403, body=b"<html>a proxy</html>"),
        Reply(status=401, body=b"<html>a proxy</html>"),
        Reply(status=503, body=b"{}"),
        Reply(status=201, body=b"[]"),
        Reply(cut=True),
    ],
)
def test_an_api_server_that_cannot_say_refuses_nothing(tmp_path: Path, reply: Reply) -> None:
    with scripted(lambda _: reply) as server:
        connection = connect(kubeconfig(tmp_path, server.url), version="0")
        with pytest.raises(PodEipError) as caught:
            KubeRights(connection, NEEDED).check()
    assert Ability().heard("Kubernetes", caught.value).trouble == ""


def test_an_authorizer_that_stumbles_refuses_nothing(tmp_path: Path) -> None:
    said = {"status": {"allowed": False, "evaluationError": "webhook: timeout"}}
    with scripted(lambda _: Reply(status=201, body=json.dumps(said).encode())) as server:
        connection = connect(kubeconfig(tmp_path, server.url), version="0")
        KubeRights(connection, NEEDED).check()
        with pytest.raises(Unavailable, match="webhook: timeout"):  # no all-clear of doctor's either
            is_allowed(connection, NEEDED[0])
