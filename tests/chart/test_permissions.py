"""The chart's permissions are exactly those of this table, wherever they are granted."""

from typing import Any

import pytest

from tests.chart.files import FULL, load
from tests.chart.helm import NAME, NAMESPACE, Release, render

pytestmark = pytest.mark.real

Grant = tuple[str, str, str, str]

PODS = {
    *(("", "pods", "", verb) for verb in ("get", "list", "watch")),
    ("", "pods/status", "", "patch"),
    *(("", "events", "", verb) for verb in ("create", "get", "patch")),
}
OWN = {("", "pods", "", "list"), *(grant for grant in PODS if grant[1] == "events")}
"""About the controller's own Pods, where their namespace is not watched."""


def cluster(lease: str) -> set[Grant]:
    """What may be read anywhere: the Lease of that name too, for an earlier install may hold one elsewhere."""
    return {
        *(("", "nodes", "", verb) for verb in ("get", "list")),
        ("", "namespaces", "kube-system", "get"),
        ("coordination.k8s.io", "leases", lease, "get"),
    }


def lease(name: str) -> set[Grant]:
    """What may be done with the Lease of that name but reading it, and the one verb that knows no name."""
    group = "coordination.k8s.io"
    return {(group, "leases", "", "create"), *((group, "leases", name, verb) for verb in ("update", "watch"))}


def grants(role: dict[str, Any]) -> set[Grant]:
    """(group, resource, object's name or "", verb) of each thing that a role allows."""
    return {
        (group, resource, name, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }


def granted(release: Release) -> dict[str, set[Grant]]:
    """What the ServiceAccount may do, by namespace ("": the whole cluster); each role must be bound once."""
    found: dict[str, set[Grant]] = {}
    for kind in ("ClusterRole", "Role"):
        roles = release.of_kind(kind)
        bound = [b["roleRef"]["name"] for b in release.of_kind(f"{kind}Binding") if b["roleRef"]["kind"] == kind]
        assert sorted(bound) == sorted(role["metadata"]["name"] for role in roles)
        for role in roles:
            found.setdefault(role["metadata"].get("namespace", ""), set()).update(grants(role))
    return found


def test_all_namespaces() -> None:
    assert granted(render({"clusterName": "a"})) == {
        "": PODS | cluster(NAME),
        NAMESPACE: lease(NAME),
    }


def test_one_namespace_and_a_lease_elsewhere() -> None:
    assert granted(render(load(FULL))) == {
        "": cluster("games-eip"),
        "games": PODS,
        "eip-system": lease("games-eip") | OWN,
    }


def test_one_namespace_that_has_the_lease_too() -> None:
    release = render({"clusterName": "a", "watchNamespace": NAMESPACE})
    assert granted(release)[NAMESPACE] == PODS | lease(NAME)
    assert {role["metadata"]["name"] for role in release.of_kind("Role")} == {f"{NAME}-pods", f"{NAME}-lease"}
