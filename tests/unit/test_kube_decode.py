"""What becomes of a Pod's JSON: the fields that matter, whatever else is in it, and nobody hidden by a damaged one."""

import json
from typing import Any

import pytest

from controller.core.views import PodView
from controller.kube.decode import Pod, pod_of, pod_page, version_of, view_of
from state.errors import Unavailable

TYPE = "aws-samples.github.com/aws-pod-eip-controller-type"
LABEL = "aws-pod-eip-controller-public-ip"
CONDITION = "aws-samples.github.com/eip-associated"


def pod(**changes: Any) -> dict[str, Any]:
    """A Pod as the API server writes it; `changes` are added to metadata, spec or status."""
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-0",
            "namespace": "default",
            "uid": "u-1",
            "resourceVersion": "42",
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "managedFields": [{"fieldsV1": {"f:spec": {}}}],
        },
        "spec": {"nodeName": "n1", "containers": [{"name": "main"}]},
        "status": {"phase": "Running", "podIP": "10.0.0.5", "podIPs": [{"ip": "10.0.0.5"}]},
    }
    for part, more in changes.items():
        made[part].update(more)
    return made


def view(**changes: Any) -> PodView:
    """The view of that Pod."""
    return view_of(pod_of(json.dumps(pod(**changes)).encode()))


def container(state: str) -> dict[str, Any]:
    """A container status."""
    return {"name": "main", "ready": False, "state": {state: {"exitCode": 0}}}


def test_a_plain_pod() -> None:
    seen = view()
    assert seen == PodView(
        uid=seen.uid, namespace="default", name="web-0", ip="10.0.0.5", node="n1", created="2026-01-02T03:04:05Z"
    )


def test_only_our_annotations_and_labels_are_kept() -> None:
    carried = {"kubectl.kubernetes.io/last-applied-configuration": "{}", TYPE: "auto", LABEL: "192.0.2.1", "app": "web"}
    seen = view(metadata={"annotations": carried, "labels": carried})
    assert seen.annotations == {TYPE: "auto"}
    assert seen.labels == {LABEL: "192.0.2.1"}


def test_pods_without_anything_of_ours_share_one_empty_mapping() -> None:
    first, second = view(), view(metadata={"labels": {"app": "web"}, "annotations": None})
    assert first.annotations is first.labels is second.annotations is second.labels


@pytest.mark.parametrize(
    ("status", "ip"),
    [
        ({"podIP": "2001:db8::1", "podIPs": [{"ip": "2001:db8::1"}, {"ip": "10.0.0.6"}]}, "10.0.0.6"),
        ({"podIP": "10.0.0.5", "podIPs": [{"ip": "10.0.0.5"}, {"ip": "2001:db8::1"}]}, "10.0.0.5"),
        ({"podIP": "2001:db8::1", "podIPs": [{"ip": "2001:db8::1"}]}, ""),
        ({"podIP": "", "podIPs": None}, ""),
        ({"podIP": None, "podIPs": []}, ""),
    ],
)
def test_the_ip_is_ipv4_or_none(status: dict[str, Any], ip: str) -> None:
    assert view(status=status).ip == ip


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {"labels": {"eks.amazonaws.com/fargate-profile": "p"}}},
        {"spec": {"schedulerName": "fargate-scheduler"}},
        {"spec": {"nodeName": "fargate-ip-10-0-0-5.us-west-2.compute.internal"}},
    ],
)
def test_fargate_is_known_by_each_of_its_marks(changes: dict[str, Any]) -> None:
    assert view(**changes).fargate
    assert not view().fargate


@pytest.mark.parametrize(("phase", "finished"), [("Succeeded", True), ("Failed", True), ("Pending", False)])
def test_a_terminal_phase_is_finished(phase: str, finished: bool) -> None:
    assert view(status={"phase": phase}).finished is finished


@pytest.mark.parametrize(
    ("status", "drained"),
    [
        ({}, False),
        ({"containerStatuses": []}, False),
        ({"containerStatuses": [container("running")]}, False),
        ({"containerStatuses": [container("waiting")]}, False),
        ({"containerStatuses": [{"name": "main"}]}, False),
        ({"containerStatuses": [container("terminated"), container("running")]}, False),
        ({"containerStatuses": [container("terminated")]}, True),
        (
            {"containerStatuses": [container("terminated")], "initContainerStatuses": [container("running")]},
            False,
        ),
        (
            {"containerStatuses": [container("terminated")], "initContainerStatuses": [container("terminated")]},
            True,
        ),
    ],
)
def test_drained_means_deleted_and_no_container_left(status: dict[str, Any], drained: bool) -> None:
    going = view(metadata={"deletionTimestamp": "2026-01-02T03:05:05Z"}, status=status)
    assert (going.deleting, going.drained) == (True, drained)
    staying = view(status=status)
    assert (staying.deleting, staying.drained) == (False, False)


def test_the_gate_and_the_condition() -> None:
    gated = view(
        spec={"readinessGates": [{"conditionType": "other"}, {"conditionType": CONDITION}]},
        status={"conditions": [{"type": "Ready", "status": "True"}, {"type": CONDITION, "status": "False"}]},
    )
    assert (gated.gated, gated.condition) == (True, "False")
    assert (view().gated, view().condition) == (False, None)


def test_host_network() -> None:
    assert view(spec={"hostNetwork": True}).host_network


def page(*items: Any, **metadata: str) -> bytes:
    """A list."""
    return json.dumps({"kind": "PodList", "metadata": {"resourceVersion": "7", **metadata}, "items": items}).encode()


def test_a_page_and_its_continuation() -> None:
    meta, pods = pod_page(page(pod(), pod(metadata={"uid": "u-2"}), **{"continue": "more"}))
    assert (meta.resource_version, meta.next_page) == ("7", "more")
    assert [found.metadata.uid for found in pods] == ["u-1", "u-2"]


@pytest.mark.parametrize("items", ["null", "[]"])
def test_an_empty_page(items: str) -> None:
    meta, pods = pod_page(b'{"metadata":{"resourceVersion":"7"},"items":' + items.encode() + b"}")
    assert (meta.next_page, list(pods)) == (None, [])


@pytest.mark.parametrize(
    "damaged",
    [{"metadata": {"name": 7}}, {"metadata": {}}, "a word", {"metadata": {"name": "x", "uid": "y"}, "spec": 5}],
)
def test_one_damaged_pod_hides_no_other(damaged: Any) -> None:
    _, pods = pod_page(page(pod(), damaged, pod(metadata={"uid": "u-2"})))
    assert [found.metadata.uid for found in pods] == ["u-1", "u-2"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"items": []}', b"\xff", b'{"metadata": {}, "items": 5}'])
def test_what_is_no_list_says_nothing(body: bytes) -> None:
    with pytest.raises(Unavailable) as caught:
        pod_page(body)
    assert caught.value.code == "MalformedAnswer"


def test_what_is_no_pod_says_nothing() -> None:
    with pytest.raises(Unavailable):
        pod_of(b'{"metadata": {"name": "x"}}')


def test_a_bookmark_has_a_version_and_nothing_else() -> None:
    bookmark = {
        "kind": "Pod",
        "metadata": {"resourceVersion": "99", "creationTimestamp": None},
        "spec": {"containers": None},
    }
    assert version_of(json.dumps(bookmark).encode()) == "99"
    with pytest.raises(Unavailable):
        version_of(b"[]")


def test_fields_that_are_null_are_as_good_as_absent() -> None:
    nothing: dict[str, Any] = {"nodeName": None, "hostNetwork": None, "schedulerName": None, "readinessGates": None}
    empty = view(spec=nothing, status={"phase": None, "conditions": None, "containerStatuses": None})
    assert (empty.node, empty.host_network, empty.finished) == ("", False, False)
    assert isinstance(pod_of(json.dumps(pod()).encode()), Pod)
