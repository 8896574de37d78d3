"""PUT: the optimistic lock that the election stands on, identity, and writes that change nothing."""

from typing import Any

from tests.contract.simulators.kube_api import KubeApi, reason

pytest_plugins = ["tests.contract.simulators.kube_world"]


def _version(body: dict[str, Any]) -> int:
    return int(body["metadata"]["resourceVersion"])


def test_put_with_the_current_version(kube_api: KubeApi) -> None:
    lease = kube_api.lease("l", holderIdentity="a")
    lease["spec"]["holderIdentity"] = "b"
    answer = kube_api.send("PUT", kube_api.leases("l"), lease)
    assert answer.code == 200
    assert answer.body["spec"]["holderIdentity"] == "b"
    assert _version(answer.body) > _version(lease)


def test_put_with_a_stale_version(kube_api: KubeApi) -> None:
    lease = kube_api.lease("l", holderIdentity="a")
    kube_api.ok("PUT", kube_api.leases("l"), lease | {"spec": {"holderIdentity": "b"}})
    answer = kube_api.send("PUT", kube_api.leases("l"), lease | {"spec": {"holderIdentity": "c"}})
    assert reason(answer) == (409, "Conflict")
    assert answer.body["details"] == {"name": "l", "group": "coordination.k8s.io", "kind": "leases"}
    assert "the object has been modified" in answer.body["message"]
    assert kube_api.ok("GET", kube_api.leases("l"))["spec"]["holderIdentity"] == "b"


def test_put_of_a_lease_needs_a_version(kube_api: KubeApi) -> None:
    kube_api.lease("l")
    answer = kube_api.send("PUT", kube_api.leases("l"), {"metadata": {"name": "l"}, "spec": {}})
    assert reason(answer) == (422, "Invalid")


def test_put_of_a_pod_without_a_version_overwrites(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a")
    del pod["metadata"]["resourceVersion"]
    pod["metadata"]["labels"] = {"x": "y"}
    assert kube_api.ok("PUT", kube_api.pods("a"), pod)["metadata"]["labels"] == {"x": "y"}


def test_put_with_another_uid(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a")
    pod["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555"
    answer = kube_api.send("PUT", kube_api.pods("a"), pod)
    assert reason(answer) == (409, "Conflict")
    assert "Precondition failed: UID in precondition: 11111111" in answer.body["message"]


def test_put_of_a_missing_lease_creates_it(kube_api: KubeApi) -> None:
    lease = kube_api.lease("l", holderIdentity="a")
    kube_api.ok("DELETE", kube_api.leases("l"))
    assert reason(kube_api.send("PUT", kube_api.leases("l"), lease)) == (409, "Conflict")
    del lease["metadata"]["uid"]
    answer = kube_api.send("PUT", kube_api.leases("l"), lease)
    assert answer.code == 201
    assert answer.body["metadata"]["uid"]


def test_put_of_a_missing_pod(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a")
    kube_api.ok("DELETE", kube_api.pods("a"), {"gracePeriodSeconds": 0})
    pod["metadata"].pop("uid")
    assert reason(kube_api.send("PUT", kube_api.pods("a"), pod)) == (404, "NotFound")


def test_name_of_the_body_must_be_that_of_the_path(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a")
    pod["metadata"]["name"] = "b"
    assert reason(kube_api.send("PUT", kube_api.pods("a"), pod)) == (400, "BadRequest")


def test_put_that_changes_nothing_makes_no_version(kube_api: KubeApi) -> None:
    lease = kube_api.lease("l", holderIdentity="a")
    assert _version(kube_api.ok("PUT", kube_api.leases("l"), lease)) == _version(lease)


def test_one_counter_for_all_kinds(kube_api: KubeApi) -> None:
    versions = [_version(o) for o in (kube_api.pod("a"), kube_api.lease("l"), kube_api.pod("b"))]
    assert versions == sorted(set(versions))


def test_of_two_writers_with_one_version_one_wins(kube_api: KubeApi) -> None:
    lease = kube_api.lease("l", holderIdentity="")
    codes = [
        kube_api.send("PUT", kube_api.leases("l"), lease | {"spec": {"holderIdentity": who}}).code
        for who in ("a", "b", "c")
    ]
    assert codes == [200, 409, 409]


def test_times_are_the_server_s(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a")
    changed = pod["metadata"] | {"creationTimestamp": "2001-01-01T00:00:00Z", "labels": {"x": "y"}}
    answer = kube_api.ok("PUT", kube_api.pods("a"), pod | {"metadata": changed})
    assert answer["metadata"]["creationTimestamp"] == pod["metadata"]["creationTimestamp"]
    changed = answer["metadata"] | {"deletionTimestamp": "2001-01-01T00:00:00Z"}
    assert reason(kube_api.send("PUT", kube_api.pods("a"), pod | {"metadata": changed})) == (422, "Invalid")


def test_spec_of_a_pod_is_frozen(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a")
    image = [pod["spec"]["containers"][0] | {"image": "other"}]
    pod = kube_api.ok("PUT", kube_api.pods("a"), pod | {"spec": pod["spec"] | {"containers": image}})
    assert pod["spec"]["containers"][0]["image"] == "other"
    moved = pod | {"spec": pod["spec"] | {"nodeName": "elsewhere"}}
    assert reason(kube_api.send("PUT", kube_api.pods("a"), moved)) == (422, "Invalid")


def test_unknown_user_fields_do_not_stop_a_lease_annotation(kube_api: KubeApi) -> None:
    lease = kube_api.lease("l", holderIdentity="a")
    lease["metadata"]["annotations"] = {"aws-samples.github.com/epoch": "7"}
    made = kube_api.ok("PUT", kube_api.leases("l"), lease)
    assert made["metadata"]["annotations"] == {"aws-samples.github.com/epoch": "7"}
