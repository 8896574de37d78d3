"""PATCH in its three formats, its preconditions, and what the status subresource may write."""

from typing import Any

import pytest

from tests.contract.simulators.kube_api import JSON_PATCH, MERGE, STRATEGIC, KubeApi, event_body, reason

pytest_plugins = ["tests.contract.simulators.kube_world"]

OTHER_UID = "11111111-2222-3333-4444-555555555555"


def _patch(kube_api: KubeApi, patch: Any, kind: str = MERGE, *, at: str = "") -> dict[str, Any]:
    return kube_api.ok("PATCH", kube_api.pods("a", *([at] if at else [])), patch, kind)


def _labels(pod: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = pod["metadata"].get("labels", {})
    return labels


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_labels_are_merged(kube_api: KubeApi, kind: str) -> None:
    kube_api.pod("a", labels={"keep": "1", "drop": "1", "change": "1"})
    pod = _patch(kube_api, {"metadata": {"labels": {"drop": None, "change": "2", "new": "3"}}}, kind)
    assert _labels(pod) == {"keep": "1", "change": "2", "new": "3"}


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_pod_without_labels_can_be_patched(kube_api: KubeApi, kind: str) -> None:
    kube_api.pod("a")
    assert _labels(_patch(kube_api, {"metadata": {"labels": {"new": "3"}}}, kind)) == {"new": "3"}
    assert "labels" not in _patch(kube_api, {"metadata": {"labels": {"new": None}}}, kind)["metadata"]


def test_json_patch(kube_api: KubeApi) -> None:
    kube_api.pod("a", labels={"x/y": "1", "drop": "1"})
    operations = [
        {"op": "test", "path": "/metadata/labels/x~1y", "value": "1"},
        {"op": "replace", "path": "/metadata/labels/x~1y", "value": "2"},
        {"op": "remove", "path": "/metadata/labels/drop"},
        {"op": "copy", "from": "/metadata/labels/x~1y", "path": "/metadata/labels/copy"},
        {"op": "add", "path": "/metadata/annotations", "value": {"k": "v"}},
    ]
    pod = _patch(kube_api, operations, JSON_PATCH)
    assert _labels(pod) == {"x/y": "2", "copy": "2"}
    assert pod["metadata"]["annotations"] == {"k": "v"}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/metadata/labels/a", "value": "2"},
        {"op": "remove", "path": "/metadata/labels/b"},
        {"op": "add", "path": "/metadata/annotations/a", "value": "1"},
    ],
)
def test_json_patch_that_does_not_fit(kube_api: KubeApi, operation: dict[str, Any]) -> None:
    kube_api.pod("a", labels={"a": "1"})
    first = {"op": "add", "path": "/metadata/labels/never", "value": "1"}
    answer = kube_api.send("PATCH", kube_api.pods("a"), [first, operation], JSON_PATCH)
    assert reason(answer) == (422, "Invalid")
    assert _labels(kube_api.ok("GET", kube_api.pods("a"))) == {"a": "1"}


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_stale_version_in_a_patch(kube_api: KubeApi, kind: str) -> None:
    version = kube_api.pod("a")["metadata"]["resourceVersion"]
    _patch(kube_api, {"metadata": {"labels": {"x": "1"}}})
    patch = {"metadata": {"resourceVersion": version, "labels": {"x": "2"}}}
    assert reason(kube_api.send("PATCH", kube_api.pods("a"), patch, kind)) == (409, "Conflict")
    assert _labels(_patch(kube_api, {"metadata": {"labels": {"x": "3"}}}, kind)) == {"x": "3"}


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
@pytest.mark.parametrize("at", ["", "status"])
def test_uid_is_a_precondition_of_a_patch(kube_api: KubeApi, kind: str, at: str) -> None:
    uid = kube_api.pod("a")["metadata"]["uid"]
    path = kube_api.pods("a", *([at] if at else []))
    refused = kube_api.send("PATCH", path, {"metadata": {"uid": OTHER_UID, "labels": {"x": "1"}}}, kind)
    assert reason(refused) == (422, "Invalid")
    assert refused.body["details"]["causes"][0]["field"] == "metadata.uid"
    assert _labels(kube_api.ok("GET", kube_api.pods("a"))) == {}
    kube_api.ok("PATCH", path, {"metadata": {"uid": uid, "labels": {"x": "1"}}}, kind)


@pytest.mark.parametrize("field", ["name", "namespace"])
def test_identity_cannot_be_patched(kube_api: KubeApi, field: str) -> None:
    kube_api.pod("a")
    answer = kube_api.send("PATCH", kube_api.pods("a"), {"metadata": {field: "default"}}, MERGE)
    assert reason(answer) == (400, "BadRequest")


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_label_that_is_no_string(kube_api: KubeApi, kind: str) -> None:
    kube_api.pod("a")
    answer = kube_api.send("PATCH", kube_api.pods("a"), {"metadata": {"labels": {"x": 7}}}, kind)
    assert reason(answer) == (422, "Invalid")


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_illegal_label_value(kube_api: KubeApi, kind: str) -> None:
    kube_api.pod("a")
    answer = kube_api.send("PATCH", kube_api.pods("a"), {"metadata": {"labels": {"x": "not legal"}}}, kind)
    assert reason(answer) == (422, "Invalid")
    assert answer.body["details"]["causes"][0]["field"] == "metadata.labels"


def test_patch_that_changes_nothing_makes_no_version(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a", labels={"x": "1"})
    assert _patch(kube_api, {"metadata": {"labels": {"x": "1"}}}) == pod


def test_patch_of_the_object_leaves_the_status(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    pod = _patch(kube_api, {"metadata": {"labels": {"x": "1"}}, "status": {"phase": "Running", "podIP": "10.0.0.1"}})
    assert (pod["status"]["phase"], "podIP" in pod["status"], _labels(pod)) == ("Pending", False, {"x": "1"})


def test_patch_of_the_status_leaves_the_spec(kube_api: KubeApi) -> None:
    kube_api.pod("a", "n1")
    pod = _patch(
        kube_api, {"status": {"phase": "Running", "podIP": "10.0.0.1"}, "spec": {"nodeName": "n2"}}, at="status"
    )
    assert pod["spec"]["nodeName"] == "n1"
    assert pod["status"]["podIPs"] == [{"ip": "10.0.0.1"}]
    pod = _patch(kube_api, {"status": {"podIP": "10.0.0.2"}}, at="status")
    assert (pod["status"]["podIP"], pod["status"]["podIPs"]) == ("10.0.0.2", [{"ip": "10.0.0.2"}])


def test_put_of_the_status(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a", "n1")
    pod["status"] = {"phase": "Failed"}
    pod["spec"]["nodeName"] = "n2"
    changed = kube_api.ok("PUT", kube_api.pods("a", "status"), pod)
    assert (changed["status"]["phase"], changed["spec"]["nodeName"]) == ("Failed", "n1")
    assert reason(kube_api.send("PUT", kube_api.pods("a", "status"), pod)) == (409, "Conflict")


def test_conditions_are_merged_by_type_in_a_strategic_patch(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    for kind, value in (("Ready", "False"), ("Own", "True"), ("Ready", "True")):
        condition = {"type": kind, "status": value, "lastProbeTime": None}
        pod = _patch(kube_api, {"status": {"conditions": [condition]}}, STRATEGIC, at="status")
    assert [(c["type"], c["status"]) for c in pod["status"]["conditions"]] == [("Own", "True"), ("Ready", "True")]
    drop = {"status": {"conditions": [{"type": "Own", "$patch": "delete"}]}}
    pod = _patch(kube_api, drop, STRATEGIC, at="status")
    assert [c["type"] for c in pod["status"]["conditions"]] == ["Ready"]


def test_merge_patch_replaces_lists(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    for kind in ("Ready", "Own"):
        condition = {"type": kind, "status": "True"}
        pod = _patch(kube_api, {"status": {"conditions": [condition]}}, MERGE, at="status")
    assert [c["type"] for c in pod["status"]["conditions"]] == ["Own"]


def test_finalizers_in_a_strategic_patch(kube_api: KubeApi) -> None:
    kube_api.pod("a", finalizers=["example.com/one"])
    pod = _patch(kube_api, {"metadata": {"finalizers": ["example.com/two"]}}, STRATEGIC)
    assert pod["metadata"]["finalizers"] == ["example.com/two", "example.com/one"]
    drop = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/one"]}}
    assert _patch(kube_api, drop, STRATEGIC)["metadata"]["finalizers"] == ["example.com/two"]


def test_patch_of_a_missing_object(kube_api: KubeApi) -> None:
    assert reason(kube_api.send("PATCH", kube_api.pods("a"), {"metadata": {}}, MERGE)) == (404, "NotFound")


def test_patch_formats_that_are_refused(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    assert kube_api.send("PATCH", kube_api.pods("a"), {"metadata": {}}).code == 415
    assert reason(kube_api.send("PATCH", kube_api.pods("a"), b"{no", MERGE)) == (400, "BadRequest")
    assert reason(kube_api.send("PATCH", kube_api.pods("a"), {"metadata": {}}, JSON_PATCH)) == (400, "BadRequest")


def test_lease_is_renewed_by_a_merge_patch(kube_api: KubeApi) -> None:
    lease = kube_api.lease("l", holderIdentity="a", leaseTransitions=1)
    version = lease["metadata"]["resourceVersion"]
    patch = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": "b"}}
    renewed = kube_api.ok("PATCH", kube_api.leases("l"), patch, MERGE)
    assert renewed["spec"] == {"holderIdentity": "b", "leaseTransitions": 1}
    assert reason(kube_api.send("PATCH", kube_api.leases("l"), patch, MERGE)) == (409, "Conflict")


def test_event_is_counted_by_a_patch(kube_api: KubeApi) -> None:
    kube_api.ok("POST", kube_api.events(), event_body("e", kube_api.pod("a")))
    patch = {"count": 2, "lastTimestamp": "2024-01-01T00:00:00Z", "message": "again"}
    event = kube_api.ok("PATCH", kube_api.events("e"), patch, MERGE)
    assert (event["count"], event["message"], event["reason"]) == (2, "again", "Tested")
