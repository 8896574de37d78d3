"""Which installs of one cluster are in each other's way, and what a successor inherits."""

from dataclasses import replace

import pytest

from controller.core import scopes
from controller.core.scopes import WatchedInstall
from state.model import ClusterUid, InstallKey, InstallRecord
from tests.fakes.records import install_record, new_pod

CLUSTER = ClusterUid("c-1")


def key(lease: str, cluster: str = CLUSTER) -> InstallKey:
    return InstallKey(cluster_uid=ClusterUid(cluster), lease_namespace="eip", lease_name=lease)


def record(lease: str, scope: str = "", *, cluster: str = CLUSTER, fenced: bool = False) -> InstallRecord:
    made = install_record(cluster, "a", lease=f"eip/{lease}", scope=scope, leader="them")
    return replace(made, fenced=fenced)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("", "", True), ("", "x", True), ("x", "", True), ("x", "x", True), ("x", "y", False)],
)
def test_scopes_overlap(one: str, other: str, expected: bool) -> None:
    assert scopes.overlap(one, other) is expected


def test_only_other_installs_of_the_same_cluster_are_in_the_way() -> None:
    installs = [record("b"), record("me"), record("a", "x"), record("c", "y"), record("d", cluster="c-2")]
    assert [r.key.lease_name for r in scopes.in_the_way(key("me"), "x", installs)] == ["a", "b"]


@pytest.mark.parametrize(
    ("still_s", "lease_free", "fenced", "expected"),
    [
        (64.0, True, False, True),
        (66.0, True, False, False),
        (66.0, False, False, True),
        (66.0, None, False, False),
        (0.0, False, True, False),
    ],
)
def test_who_may_live(still_s: float, lease_free: bool | None, fenced: bool, expected: bool) -> None:
    watched = WatchedInstall(record=record("a", fenced=fenced), still_s=still_s, lease_free=lease_free)
    assert scopes.may_live(watched, scopes.STILL_S) is expected


def test_the_refusal_names_the_other_and_what_to_do() -> None:
    said = scopes.refusal("x", WatchedInstall(record=record("old"), still_s=3.0, lease_free=False)).explain()
    for word in ("eip/old", "all namespaces", "namespace 'x'", "'them'", "--watch-namespace"):
        assert word in said


@pytest.mark.parametrize(
    ("scope", "theirs", "namespace", "expected"),
    [("", "x", "x", True), ("x", "", "x", True), ("x", "", "y", False), ("x", "", "", False), ("x", "x", "", True)],
)
def test_what_is_inherited(scope: str, theirs: str, namespace: str, expected: bool) -> None:
    assert scopes.inherits(scope, record("a", theirs), replace(new_pod(), namespace=namespace)) is expected


def test_a_name_that_another_cluster_has() -> None:
    other = record("a", cluster="c-2")
    assert scopes.namesakes(CLUSTER, "a", [record("me"), other]) == {"c-2"}
    assert scopes.namesakes(CLUSTER, "a", [record("me"), replace(other, cluster_name="b")]) == set()
