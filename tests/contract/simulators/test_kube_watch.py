"""Watches: from a version, through selectors, with bookmarks, and their ends."""

from typing import Any

import pytest

from tests.contract.simulators.kube_api import MERGE, KubeApi, Watching, reason

pytest_plugins = ["tests.contract.simulators.kube_world"]


def _label(kube_api: KubeApi, name: str, **labels: str | None) -> dict[str, Any]:
    return kube_api.ok("PATCH", kube_api.pods(name), {"metadata": {"labels": labels}}, MERGE)


def _summaries(watching: Watching, count: int) -> list[tuple[str, str]]:
    return [watching.summary() for _ in range(count)]


def test_life_of_a_pod(kube_api: KubeApi) -> None:
    with kube_api.watch(kube_api.pods(), resourceVersion=kube_api.version()) as watching:
        made = kube_api.pod("a")
        changed = _label(kube_api, "a", x="1")
        kube_api.ok("DELETE", kube_api.pods("a"))
        events = [watching.next() for _ in range(4)]
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "MODIFIED", "DELETED"]
    assert [event["object"] for event in events[:2]] == [made, changed]
    marked, gone = (event["object"]["metadata"] for event in events[2:])
    assert (marked["deletionGracePeriodSeconds"], gone["labels"]) == (0, {"x": "1"})
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


def test_other_kinds_go_in_one_event(kube_api: KubeApi) -> None:
    with kube_api.watch(kube_api.leases(), resourceVersion=kube_api.version()) as watching:
        kube_api.lease("l")
        kube_api.ok("DELETE", kube_api.leases("l"))
        assert _summaries(watching, 2) == [("ADDED", "l"), ("DELETED", "l")]


def test_from_a_version_nothing_is_missed(kube_api: KubeApi) -> None:
    kube_api.pod("before")
    version = kube_api.version()
    for name in ("a", "b"):
        kube_api.pod(name)
    with kube_api.watch(kube_api.pods(), resourceVersion=version) as watching:
        kube_api.pod("c")
        assert _summaries(watching, 3) == [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]


@pytest.mark.parametrize("version", [{}, {"resourceVersion": "0"}])
def test_without_a_version_it_begins_with_what_exists(kube_api: KubeApi, version: dict[str, str]) -> None:
    for name in ("a", "b"):
        kube_api.pod(name)
    with kube_api.watch(kube_api.pods(), **version) as watching:
        assert sorted(_summaries(watching, 2)) == [("ADDED", "a"), ("ADDED", "b")]
        _label(kube_api, "a", x="1")
        assert watching.summary() == ("MODIFIED", "a")


def test_graceful_deletion(kube_api: KubeApi) -> None:
    kube_api.pod("a", "n1")
    with kube_api.watch(kube_api.pods(), resourceVersion=kube_api.version()) as watching:
        kube_api.ok("DELETE", kube_api.pods("a"))
        kube_api.ok("DELETE", kube_api.pods("a"), {"gracePeriodSeconds": 0})
        events = [watching.next() for _ in range(3)]
    assert [event["type"] for event in events] == ["MODIFIED", "MODIFIED", "DELETED"]
    assert [event["object"]["metadata"]["deletionGracePeriodSeconds"] for event in events] == [30, 0, 0]


def test_object_that_leaves_the_selection_is_deleted(kube_api: KubeApi) -> None:
    kube_api.pod("a", labels={"app": "web"})
    with kube_api.watch(kube_api.pods(), resourceVersion=kube_api.version(), labelSelector="app=web") as watching:
        kube_api.pod("other")
        left = _label(kube_api, "a", app="db")
        _label(kube_api, "a", app="db", unseen="1")
        _label(kube_api, "a", app="web")
        events = [watching.next(), watching.next()]
    assert [event["type"] for event in events] == ["DELETED", "ADDED"]
    assert events[0]["object"]["metadata"]["labels"] == {"app": "web"}
    assert events[0]["object"]["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]


def test_field_selector(kube_api: KubeApi) -> None:
    selector = "metadata.name=l"
    with kube_api.watch(kube_api.leases(), resourceVersion=kube_api.version(), fieldSelector=selector) as watching:
        kube_api.lease("other")
        kube_api.lease("l", holderIdentity="a")
        event = watching.next()
    assert (event["type"], event["object"]["kind"]) == ("ADDED", "Lease")
    assert event["object"]["spec"]["holderIdentity"] == "a"


def test_all_namespaces(kube_api: KubeApi) -> None:
    selector = f"run={kube_api.namespace}"
    with kube_api.watch("/api/v1/pods", resourceVersion=kube_api.version(), labelSelector=selector) as watching:
        kube_api.pod("a", labels={"run": kube_api.namespace})
        assert watching.summary() == ("ADDED", "a")


def test_other_namespaces_are_not_seen(kube_api: KubeApi) -> None:
    other = KubeApi(kube_api.client, kube_api.namespace + "-b")
    with kube_api.watch(kube_api.pods(), resourceVersion=kube_api.version()) as watching:
        other.pod("theirs")
        kube_api.pod("ours")
        assert watching.summary() == ("ADDED", "ours")


def test_time_is_over(kube_api: KubeApi) -> None:
    with kube_api.watch(kube_api.pods(), resourceVersion=kube_api.version(), timeoutSeconds=1) as watching:
        assert watching.rest() == []


def test_bookmark_before_the_end(kube_api: KubeApi) -> None:
    options = {"allowWatchBookmarks": "true", "timeoutSeconds": 7, "labelSelector": "never=seen"}
    with kube_api.watch(kube_api.pods(), resourceVersion=kube_api.version(), **options) as watching:
        made = kube_api.pod("a")
        events = watching.rest()
    assert {event["type"] for event in events} == {"BOOKMARK"}
    bookmark = events[-1]["object"]
    assert (bookmark["kind"], bookmark["apiVersion"]) == ("Pod", "v1")
    assert int(bookmark["metadata"]["resourceVersion"]) >= int(made["metadata"]["resourceVersion"])
    assert "name" not in bookmark["metadata"]


def test_initial_events_end_with_a_bookmark(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    options = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    with kube_api.watch(kube_api.pods(), **options) as watching:
        first, end = watching.next(), watching.next()
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "a")
    assert end["type"] == "BOOKMARK"
    assert end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"


@pytest.mark.parametrize(
    "query", ["sendInitialEvents=true", "resourceVersionMatch=NotOlderThan", "resourceVersionMatch=Exact"]
)
def test_options_that_contradict(kube_api: KubeApi, query: str) -> None:
    answer = kube_api.send("GET", f"{kube_api.pods()}?watch=true&timeoutSeconds=1&{query}")
    assert reason(answer) == (422, "Invalid")


def test_many_changes_in_order(kube_api: KubeApi) -> None:
    kube_api.pod("a")
    with kube_api.watch(kube_api.pods(), resourceVersion=kube_api.version()) as watching:
        wanted = [_label(kube_api, "a", n=str(n))["metadata"]["resourceVersion"] for n in range(50)]
        seen = [watching.next()["object"]["metadata"]["resourceVersion"] for _ in range(50)]
    assert seen == wanted


def test_write_that_changes_nothing_is_not_seen(kube_api: KubeApi) -> None:
    kube_api.pod("a", labels={"x": "1"})
    with kube_api.watch(kube_api.pods(), resourceVersion=kube_api.version()) as watching:
        _label(kube_api, "a", x="1")
        kube_api.pod("b")
        assert watching.summary() == ("ADDED", "b")
