"""Versions that the server has forgotten: 410 for a list that goes on there, for an exact list, and for a watch.

"410 Gone" in the Kubernetes API concepts: clients must begin again with a list. An informer that did not would go on
with a cache that has a hole.
"""

import pytest

from tests.contract.simulators.kube_api import Forgetful, reason

pytest_plugins = ["tests.contract.simulators.kube_world"]
pytestmark = pytest.mark.timeout(120)


def test_a_continued_list_expires_and_says_where_to_go_on(forgetful: Forgetful) -> None:
    api, forget = forgetful
    for name in ("a", "b", "c"):
        api.pod(name)
    token = api.list(api.pods(), limit=1)["metadata"]["continue"]
    forget()
    answer = api.send("GET", f"{api.pods()}?limit=5&continue={token}")
    assert reason(answer) == (410, "Expired")
    rest = api.list(api.pods(), **{"continue": answer.body["metadata"]["continue"]})
    assert [item["metadata"]["name"] for item in rest["items"]] == ["b", "c"]


def test_a_forgotten_version_is_neither_listed_nor_watched(forgetful: Forgetful) -> None:
    api, forget = forgetful
    version = api.version()
    api.pod("a")
    forget()
    path = f"{api.pods()}?resourceVersionMatch=Exact&resourceVersion={version}"
    assert reason(api.send("GET", path)) == (410, "Expired")
    with api.watch(api.pods(), resourceVersion=version) as watching:
        event = watching.next()
        assert watching.rest() == []
    status = event["object"]
    assert (event["type"], status["kind"], status["code"], status["reason"]) == ("ERROR", "Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: ")


def test_after_it_a_new_watch_from_a_new_list_sees_what_comes(forgetful: Forgetful) -> None:
    api, forget = forgetful
    forget()
    with api.watch(api.pods(), resourceVersion=api.version()) as watching:
        api.pod("a")
        assert watching.summary() == ("ADDED", "a")
