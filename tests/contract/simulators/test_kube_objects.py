"""What a create gives, and what is refused: names, identity, and values that the API server would not take."""

from typing import Any

import pytest

from tests.contract.simulators.kube_api import KubeApi, event_body, pod_body, reason

pytest_plugins = ["tests.contract.simulators.kube_world"]


def test_server_sets_identity_and_defaults(kube_api: KubeApi) -> None:
    sent = pod_body("a", uid="mine", creationTimestamp="2001-01-01T00:00:00Z")
    answer = kube_api.send("POST", kube_api.pods(), sent | {"status": {"phase": "Running", "podIP": "10.0.0.1"}})
    pod = answer.body
    assert answer.code == 201
    assert (pod["kind"], pod["apiVersion"]) == ("Pod", "v1")
    assert pod["metadata"]["uid"] != "mine"
    assert not pod["metadata"]["creationTimestamp"].startswith("2001")
    assert pod["metadata"]["namespace"] == kube_api.namespace
    assert (pod["status"]["phase"], "podIP" in pod["status"]) == ("Pending", False)
    assert pod["spec"]["terminationGracePeriodSeconds"] == 30
    assert pod["spec"]["restartPolicy"] == "Always"


def test_get_gives_what_create_gave(kube_api: KubeApi) -> None:
    made = kube_api.pod("a", labels={"app": "x"}, annotations={"k/v": "anything at all"})
    assert kube_api.ok("GET", kube_api.pods("a")) == made


def test_generated_names(kube_api: KubeApi) -> None:
    body = pod_body("", generateName="web-")
    names = {kube_api.ok("POST", kube_api.pods(), body)["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("web-") and len(name) == 9 for name in names)


def test_missing_object(kube_api: KubeApi) -> None:
    answer = kube_api.send("GET", kube_api.pods("nobody"))
    assert reason(answer) == (404, "NotFound")
    assert answer.body["details"] == {"name": "nobody", "kind": "pods"}
    assert answer.body["message"] == 'pods "nobody" not found'
    lease = kube_api.send("GET", kube_api.leases("nobody"))
    assert lease.body["details"] == {"name": "nobody", "group": "coordination.k8s.io", "kind": "leases"}
    assert lease.body["message"] == 'leases.coordination.k8s.io "nobody" not found'


def test_name_taken(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    answer = kube_api.send("POST", kube_api.pods(), pod_body("a"))
    assert reason(answer) == (409, "AlreadyExists")
    assert answer.body["details"] == {"name": "a", "kind": "pods"}


def test_version_may_not_be_given(kube_api: KubeApi) -> None:
    assert kube_api.send("POST", kube_api.pods(), pod_body("a", resourceVersion="5")).code == 500


def test_namespace_must_exist(kube_api: KubeApi) -> None:
    answer = kube_api.send("POST", "/api/v1/namespaces/nowhere/pods", pod_body("a"))
    assert reason(answer) == (404, "NotFound")
    assert answer.body["details"] == {"name": "nowhere", "kind": "namespaces"}


def test_namespace_of_the_body_must_be_that_of_the_path(kube_api: KubeApi) -> None:
    answer = kube_api.send("POST", kube_api.pods(), pod_body("a", namespace="default"))
    assert reason(answer) == (400, "BadRequest")


def test_kube_system_identifies_the_cluster(kube_api: KubeApi) -> None:
    namespace = kube_api.ok("GET", "/api/v1/namespaces/kube-system")
    assert len(namespace["metadata"]["uid"]) == 36
    assert namespace["status"]["phase"] == "Active"


@pytest.mark.parametrize(
    ("meta", "field"),
    [
        ({"labels": {"app": "not legal"}}, "metadata.labels"),
        ({"labels": {"app": "-x"}}, "metadata.labels"),
        ({"labels": {"app": "x" * 64}}, "metadata.labels"),
        ({"labels": {"a/b/c": "x"}}, "metadata.labels"),
        ({"labels": {"UPPER.example.com/key": "x"}}, "metadata.labels"),
        ({"annotations": {"not legal": "x"}}, "metadata.annotations"),
        ({"annotations": {"big": "x" * 262_144}}, "metadata.annotations"),
        ({"name": "Not-Legal"}, "metadata.name"),
        ({"name": "x" * 254}, "metadata.name"),
        ({"name": ""}, "metadata.name"),
    ],
)
def test_invalid_metadata(kube_api: KubeApi, meta: dict[str, Any], field: str) -> None:
    body = pod_body("a")
    answer = kube_api.send("POST", kube_api.pods(), body | {"metadata": body["metadata"] | meta})
    assert reason(answer) == (422, "Invalid")
    assert answer.body["details"]["kind"] == "Pod"
    assert field in {cause["field"] for cause in answer.body["details"]["causes"]}


def test_legal_metadata(kube_api: KubeApi) -> None:
    labels = {"a": "", "b.example.com/c_d.e-f": "10.0.0.1", "x": "x" * 63, "aws-samples.github.com/K": "A_b.C-d"}
    annotations = {"Upper.Example.com/key": "any text: ä\n", "full": "x" * (262_144 - 100)}
    made = kube_api.pod("a", labels=labels, annotations=annotations)
    assert made["metadata"]["labels"] == labels
    assert made["metadata"]["annotations"] == annotations


def test_empty_maps_are_left_out(kube_api: KubeApi) -> None:
    meta = kube_api.pod("a", labels={}, annotations={}, finalizers=[])["metadata"]
    assert not {"labels", "annotations", "finalizers"} & set(meta)


@pytest.mark.parametrize("value", [7, True, {"deep": "x"}])
def test_label_that_is_no_string(kube_api: KubeApi, value: Any) -> None:
    answer = kube_api.send("POST", kube_api.pods(), pod_body("a", labels={"app": value}))
    assert reason(answer) == (400, "BadRequest")


def test_body_that_is_no_json(kube_api: KubeApi) -> None:
    assert reason(kube_api.send("POST", kube_api.pods(), b"{no")) == (400, "BadRequest")
    assert reason(kube_api.send("POST", kube_api.pods(), b"x", "text/plain")) == (415, "UnsupportedMediaType")


def test_body_of_another_kind(kube_api: KubeApi) -> None:
    body = pod_body("a") | {"kind": "Node"}
    assert reason(kube_api.send("POST", kube_api.pods(), body)) == (400, "BadRequest")


def test_pod_without_containers(kube_api: KubeApi) -> None:
    body = {"metadata": {"name": "a"}, "spec": {"containers": []}}
    assert reason(kube_api.send("POST", kube_api.pods(), body)) == (422, "Invalid")


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ({"leaseDurationSeconds": 0}, 422),
        ({"leaseTransitions": -1}, 422),
        ({"renewTime": "2024-01-01T00:00:00Z"}, 400),
        ({"renewTime": "2024-01-01T00:00:00.000Z"}, 400),
        ({"renewTime": "2024-01-01T00:00:00.000000Z", "holderIdentity": "", "leaseDurationSeconds": 1}, 201),
    ],
)
def test_lease_spec(kube_api: KubeApi, spec: dict[str, Any], code: int) -> None:
    assert kube_api.send("POST", kube_api.leases(), {"metadata": {"name": "a"}, "spec": spec}).code == code


def test_event_belongs_to_the_namespace_of_its_object(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a")
    assert kube_api.send("POST", kube_api.events(), event_body("e1", pod)).code == 201
    pod["metadata"]["namespace"] = "kube-system"
    assert reason(kube_api.send("POST", kube_api.events(), event_body("e2", pod))) == (422, "Invalid")


def test_node_keeps_the_status_that_it_is_created_with(kube_api: KubeApi) -> None:
    name = kube_api.unique("node")
    status = {"addresses": [{"type": "InternalIP", "address": "10.0.0.9"}]}
    body = {"metadata": {"name": name}, "spec": {"providerID": "aws:///zone/i-1"}, "status": status}
    made = kube_api.ok("POST", "/api/v1/nodes", body)
    assert made["spec"]["providerID"] == "aws:///zone/i-1"
    assert made["status"]["addresses"] == status["addresses"]


def test_paths_that_are_not_served(kube_api: KubeApi) -> None:
    assert kube_api.send("GET", "/api/v1/nothings").code == 404
    assert kube_api.send("GET", "/apis/nobody.example.com/v1/things").code == 404
    assert kube_api.send("POST", kube_api.pods("a"), pod_body("a")).code == 405
    assert kube_api.send("PUT", kube_api.pods(), pod_body("a")).code == 405
