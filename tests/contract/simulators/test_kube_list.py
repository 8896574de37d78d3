"""Lists: pages that show one version, selectors, and the options about versions."""

from typing import Any

import pytest

from tests.contract.simulators.kube_api import MERGE, KubeApi, event_body, reason

pytest_plugins = ["tests.contract.simulators.kube_world"]


def _names(page: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in page["items"]]


def _pages(kube_api: KubeApi, path: str, **query: Any) -> list[dict[str, Any]]:
    pages = [kube_api.list(path, **query)]
    while token := pages[-1]["metadata"].get("continue"):
        pages.append(kube_api.list(path, **query, **{"continue": token}))
    return pages


def test_list(kube_api: KubeApi) -> None:
    pods = [kube_api.pod(name) for name in ("c", "a", "b")]
    listed = kube_api.list(kube_api.pods())
    assert (listed["kind"], listed["apiVersion"]) == ("PodList", "v1")
    assert _names(listed) == ["a", "b", "c"]
    assert int(listed["metadata"]["resourceVersion"]) >= int(pods[-1]["metadata"]["resourceVersion"])
    assert not {"kind", "apiVersion"} & set(listed["items"][0])


def test_empty_list(kube_api: KubeApi) -> None:
    assert kube_api.list(kube_api.leases())["items"] == []
    assert kube_api.list("/api/v1/namespaces/nowhere/pods")["items"] == []


def test_pages(kube_api: KubeApi) -> None:
    for number in range(7):
        kube_api.pod(f"p{number}")
    pages = _pages(kube_api, kube_api.pods(), limit=3)
    assert [_names(page) for page in pages] == [["p0", "p1", "p2"], ["p3", "p4", "p5"], ["p6"]]
    assert len({page["metadata"]["resourceVersion"] for page in pages}) == 1
    assert pages[0]["metadata"].get("remainingItemCount", 4) == 4
    assert "continue" not in pages[-1]["metadata"]


def test_the_limit_may_change_between_pages(kube_api: KubeApi) -> None:
    for number in range(9):
        kube_api.pod(f"p{number}")
    path, token = kube_api.pods(), ""
    found, versions = [], set()
    for limit in (4, 1, 2, 500):
        page = kube_api.list(path, limit=limit, **({"continue": token} if token else {}))
        found.append(len(page["items"]))
        versions.add(page["metadata"]["resourceVersion"])
        token = page["metadata"].get("continue", "")
    assert (found, len(versions), token) == ([4, 1, 2, 2], 1, "")


def test_pages_show_the_version_of_the_first(kube_api: KubeApi) -> None:
    for name in ("a", "b", "c", "d"):
        kube_api.pod(name)
    first = kube_api.list(kube_api.pods(), limit=2)
    kube_api.ok("DELETE", kube_api.pods("c"), {"gracePeriodSeconds": 0})
    kube_api.ok("PATCH", kube_api.pods("d"), {"metadata": {"labels": {"new": "1"}}}, MERGE)
    kube_api.pod("e")
    token = first["metadata"]["continue"]
    second = kube_api.list(kube_api.pods(), limit=2, **{"continue": token})
    assert _names(second) == ["c", "d"]
    assert "labels" not in second["items"][1]["metadata"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_pages_with_a_selector(kube_api: KubeApi) -> None:
    for number in range(6):
        kube_api.pod(f"p{number}", labels={"even": str(number % 2 == 0).lower()})
    pages = _pages(kube_api, kube_api.pods(), limit=2, labelSelector="even=true")
    assert [name for page in pages for name in _names(page)] == ["p0", "p2", "p4"]
    assert "remainingItemCount" not in pages[0]["metadata"]


def test_all_namespaces_in_pages(kube_api: KubeApi) -> None:
    other = KubeApi(kube_api.client, kube_api.namespace + "-b")
    for api in (kube_api, other):
        api.pod("a", labels={"run": kube_api.namespace})
    pages = _pages(kube_api, "/api/v1/pods", limit=1, labelSelector=f"run={kube_api.namespace}")
    found = [item["metadata"]["namespace"] for page in pages for item in page["items"]]
    assert found == [other.namespace, kube_api.namespace]  # "-" comes before "/" in the keys of etcd


@pytest.mark.parametrize("token", ["nonsense", "e30"])
def test_continue_that_cannot_be_read(kube_api: KubeApi, token: str) -> None:
    answer = kube_api.send("GET", kube_api.pods() + f"?limit=1&continue={token}")
    assert reason(answer) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("app=web", ["a"]),
        ("app==web", ["a"]),
        ("app!=web", ["b", "c"]),
        ("app", ["a", "b"]),
        ("!app", ["c"]),
        ("app in (web,db)", ["a", "b"]),
        ("app notin (web)", ["b", "c"]),
        ("app=web,tier in (x, y)", ["a"]),
        ("app=web,!tier", []),
        ("example.com/ip=10.0.0.1", ["b"]),
        ("empty=", ["c"]),
    ],
)
def test_label_selectors(kube_api: KubeApi, selector: str, found: list[str]) -> None:
    kube_api.pod("a", labels={"app": "web", "tier": "x"})
    kube_api.pod("b", labels={"app": "db", "example.com/ip": "10.0.0.1"})
    kube_api.pod("c", labels={"empty": ""})
    assert kube_api.names(kube_api.pods(), labelSelector=selector) == found


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("metadata.name=a", ["a"]),
        ("metadata.name!=a", ["b", "c"]),
        ("spec.nodeName=n1", ["a", "b"]),
        ("spec.nodeName=", ["c"]),
        ("spec.nodeName=n1,status.phase=Running", ["b"]),
        ("status.phase!=Running", ["a", "c"]),
        ("status.podIP=10.0.0.1", ["b"]),
    ],
)
def test_field_selectors(kube_api: KubeApi, selector: str, found: list[str]) -> None:
    for name, node in (("a", "n1"), ("b", "n1"), ("c", "")):
        kube_api.pod(name, node)
    running = {"status": {"phase": "Running", "podIP": "10.0.0.1"}}
    kube_api.ok("PATCH", kube_api.pods("b", "status"), running, MERGE)
    assert kube_api.names(kube_api.pods(), fieldSelector=selector) == found


@pytest.mark.parametrize("selector", ["fieldSelector=spec.image=x", "labelSelector=a%20b", "labelSelector=a%3D-"])
def test_selectors_that_cannot_be_read(kube_api: KubeApi, selector: str) -> None:
    assert reason(kube_api.send("GET", f"{kube_api.pods()}?{selector}")) == (400, "BadRequest")


def test_events_of_one_object(kube_api: KubeApi) -> None:
    pods = [kube_api.pod("a"), kube_api.pod("b")]
    for name, pod in zip(("e1", "e2"), pods, strict=True):
        kube_api.ok("POST", kube_api.events(), event_body(name, pod))
    uid = pods[0]["metadata"]["uid"]
    selector = f"involvedObject.name=a,involvedObject.namespace={kube_api.namespace},involvedObject.uid={uid}"
    assert kube_api.names(kube_api.events(), fieldSelector=selector) == ["e1"]
    assert kube_api.names(kube_api.events(), fieldSelector="reason=Tested,type=Normal") == ["e1", "e2"]
    assert kube_api.names(kube_api.events(), fieldSelector="type=Warning") == []


def test_exact_version(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    version = kube_api.version()
    kube_api.pod("b")
    exact = kube_api.list(kube_api.pods(), resourceVersion=version, resourceVersionMatch="Exact")
    assert (_names(exact), exact["metadata"]["resourceVersion"]) == (["a"], version)
    newer = kube_api.list(kube_api.pods(), resourceVersion=version, resourceVersionMatch="NotOlderThan")
    assert _names(newer) == ["a", "b"]


def test_any_version(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    assert kube_api.send("GET", kube_api.pods() + "?resourceVersion=0").code == 200


@pytest.mark.parametrize(
    "query",
    [
        "resourceVersionMatch=Exact",
        "resourceVersionMatch=Exact&resourceVersion=0",
        "resourceVersionMatch=Nearly&resourceVersion=5",
    ],
)
def test_version_options_that_contradict(kube_api: KubeApi, query: str) -> None:
    assert reason(kube_api.send("GET", f"{kube_api.pods()}?{query}")) == (422, "Invalid")


def test_version_that_is_not_there_yet(kube_api: KubeApi) -> None:
    path = f"{kube_api.pods()}?resourceVersion={int(kube_api.version()) + 10_000}"
    answer = kube_api.send("GET", path)
    assert reason(answer) == (504, "Timeout")
    assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


def test_table(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    table = kube_api.client.send("GET", kube_api.pods(), headers=accept).body
    assert table["kind"] == "Table"
    names = [column["name"] for column in table["columnDefinitions"]]
    row = dict(zip(names, table["rows"][0]["cells"], strict=True))
    assert (row["Name"], row["Ready"], row["Status"]) == ("a", "0/1", "Pending")
    assert table["rows"][0]["object"]["metadata"]["name"] == "a"


def test_metadata_alone(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"}
    listed = kube_api.client.send("GET", kube_api.pods(), headers=accept).body
    assert listed["kind"] == "PartialObjectMetadataList"
    assert set(listed["items"][0]) - {"kind", "apiVersion"} == {"metadata"}


def test_forms_that_are_not_made(kube_api: KubeApi) -> None:
    answer = kube_api.client.send("GET", kube_api.pods(), headers={"Accept": "text/html"})
    assert reason(answer) == (406, "NotAcceptable")
