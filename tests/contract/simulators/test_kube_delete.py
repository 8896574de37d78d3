"""How objects die: grace, preconditions, finalizers, and what the answers to a DELETE are."""

from typing import Any

import pytest

from tests.contract.simulators.kube_api import MERGE, KubeApi, reason

pytest_plugins = ["tests.contract.simulators.kube_world"]

HELD = "example.com/held"


def _gone(kube_api: KubeApi, path: str) -> bool:
    return kube_api.send("GET", path).code == 404


def _delete(kube_api: KubeApi, **options: Any) -> dict[str, Any]:
    return kube_api.ok("DELETE", kube_api.pods("a"), options or None)


def test_pod_on_a_node_keeps_its_grace(kube_api: KubeApi) -> None:
    kube_api.pod("a", "n1")
    for _ in range(2):
        meta = _delete(kube_api)["metadata"]
        assert meta["deletionGracePeriodSeconds"] == 30
        assert meta["deletionTimestamp"] > meta["creationTimestamp"]
    _delete(kube_api, gracePeriodSeconds=0)
    assert _gone(kube_api, kube_api.pods("a"))


def test_grace_can_only_be_shortened(kube_api: KubeApi) -> None:
    kube_api.pod("a", "n1")
    assert _delete(kube_api, gracePeriodSeconds=20)["metadata"]["deletionGracePeriodSeconds"] == 20
    assert _delete(kube_api, gracePeriodSeconds=10)["metadata"]["deletionGracePeriodSeconds"] == 10
    assert _delete(kube_api, gracePeriodSeconds=25)["metadata"]["deletionGracePeriodSeconds"] == 10


def test_grace_in_the_query(kube_api: KubeApi) -> None:
    kube_api.pod("a", "n1")
    kube_api.ok("DELETE", kube_api.pods("a") + "?gracePeriodSeconds=0")
    assert _gone(kube_api, kube_api.pods("a"))


def test_pod_without_a_node_goes_at_once(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    assert _delete(kube_api)["kind"] == "Pod"
    assert _gone(kube_api, kube_api.pods("a"))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pod_that_has_ended_goes_at_once(kube_api: KubeApi, phase: str) -> None:
    kube_api.pod("a", "n1")
    kube_api.ok("PATCH", kube_api.pods("a", "status"), {"status": {"phase": phase}}, MERGE)
    _delete(kube_api)
    assert _gone(kube_api, kube_api.pods("a"))


def test_other_kinds_go_at_once_and_answer_a_status(kube_api: KubeApi) -> None:
    uid = kube_api.lease("l")["metadata"]["uid"]
    status = kube_api.ok("DELETE", kube_api.leases("l"))
    assert (status["kind"], status["status"]) == ("Status", "Success")
    assert status["details"] == {"name": "l", "group": "coordination.k8s.io", "kind": "leases", "uid": uid}
    assert _gone(kube_api, kube_api.leases("l"))


def test_preconditions(kube_api: KubeApi) -> None:
    pod = kube_api.pod("a")
    meta = pod["metadata"]
    for wrong in ({"uid": "someone-else"}, {"resourceVersion": "1"}):
        answer = kube_api.send("DELETE", kube_api.pods("a"), {"preconditions": wrong})
        assert reason(answer) == (409, "Conflict")
    right = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    _delete(kube_api, preconditions=right)
    assert _gone(kube_api, kube_api.pods("a"))


def test_finalizers_hold_the_pod(kube_api: KubeApi) -> None:
    kube_api.pod("a", "n1", finalizers=[HELD])
    meta = _delete(kube_api, gracePeriodSeconds=0)["metadata"]
    assert (meta["deletionGracePeriodSeconds"], meta["finalizers"]) == (0, [HELD])
    more = {"metadata": {"finalizers": [HELD, "example.com/new"]}}
    assert reason(kube_api.send("PATCH", kube_api.pods("a"), more, MERGE)) == (422, "Invalid")
    kube_api.ok("PATCH", kube_api.pods("a"), {"metadata": {"labels": {"still": "here"}}}, MERGE)
    kube_api.ok("PATCH", kube_api.pods("a"), {"metadata": {"finalizers": None}}, MERGE)
    assert _gone(kube_api, kube_api.pods("a"))


def test_finalizer_removed_during_the_grace(kube_api: KubeApi) -> None:
    kube_api.pod("a", "n1", finalizers=[HELD])
    _delete(kube_api)
    kube_api.ok("PATCH", kube_api.pods("a"), {"metadata": {"finalizers": None}}, MERGE)
    assert not _gone(kube_api, kube_api.pods("a"))
    _delete(kube_api, gracePeriodSeconds=0)
    assert _gone(kube_api, kube_api.pods("a"))


def test_finalizers_hold_a_lease(kube_api: KubeApi) -> None:
    kube_api.ok("POST", kube_api.leases(), {"metadata": {"name": "l", "finalizers": [HELD]}})
    kube_api.ok("DELETE", kube_api.leases("l"))
    assert kube_api.ok("GET", kube_api.leases("l"))["metadata"]["deletionTimestamp"]
    kube_api.ok("PATCH", kube_api.leases("l"), {"metadata": {"finalizers": []}}, MERGE)
    assert _gone(kube_api, kube_api.leases("l"))


def test_pod_that_is_ending_can_still_be_patched(kube_api: KubeApi) -> None:
    kube_api.pod("a", "n1")
    ending = _delete(kube_api)["metadata"]
    changed = kube_api.ok("PATCH", kube_api.pods("a"), {"metadata": {"labels": {"x": "y"}}}, MERGE)["metadata"]
    assert changed["deletionTimestamp"] == ending["deletionTimestamp"]
    assert changed["labels"] == {"x": "y"}


def test_missing_object(kube_api: KubeApi) -> None:
    assert reason(kube_api.send("DELETE", kube_api.pods("a"))) == (404, "NotFound")


def test_name_comes_back_with_another_uid(kube_api: KubeApi) -> None:
    first = kube_api.pod("a")
    _delete(kube_api, gracePeriodSeconds=0)
    assert kube_api.pod("a")["metadata"]["uid"] != first["metadata"]["uid"]


def test_collection(kube_api: KubeApi) -> None:
    for name, app in (("a", "x"), ("b", "y"), ("c", "x")):
        kube_api.pod(name, labels={"app": app})
    kube_api.ok("DELETE", kube_api.pods() + "?labelSelector=app%3Dx")
    assert kube_api.names(kube_api.pods()) == ["b"]


def test_nothing_is_made_in_a_namespace_that_ends(kube_api: KubeApi) -> None:
    kube_api.ok("POST", kube_api.leases(), {"metadata": {"name": "l", "finalizers": [HELD]}})
    ending = kube_api.ok("DELETE", f"/api/v1/namespaces/{kube_api.namespace}")
    assert ending["status"]["phase"] == "Terminating"
    answer = kube_api.send("POST", kube_api.leases(), {"metadata": {"name": "m"}})
    assert reason(answer) == (403, "Forbidden")
    assert answer.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    kube_api.ok("PATCH", kube_api.leases("l"), {"metadata": {"finalizers": []}}, MERGE)


def test_kube_system_cannot_be_deleted(kube_api: KubeApi) -> None:
    assert reason(kube_api.send("DELETE", "/api/v1/namespaces/kube-system")) == (403, "Forbidden")
