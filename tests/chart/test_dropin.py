"""What whoever comes from the Go controller's chart relies on, by the real Helm, each value spelled out."""

import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.files import CHART, FULL, UPSTREAM, load, schema
from tests.chart.helm import HelmFailed, Release, render, run

pytestmark = pytest.mark.real

LEAST: dict[str, Any] = {"clusterName": "production"}


def test_the_go_controllers_own_install_command_does() -> None:
    image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/aws-pod-eip-controller:latest"
    given = (f"image={image}", "clusterName=eip-controller-demo", "serviceAccountName=aws-pod-eip-controller")
    chart = str(CHART.parent / "charts" / "aws-pod-eip-controller")
    where = ("aws-pod-eip-controller", chart, "--namespace=kube-system")
    release = Release([f for f in yaml.safe_load_all(run("template", *where, *(f"--set={g}" for g in given))) if f])
    assert release.one("Deployment", "aws-pod-eip-controller")["metadata"]["namespace"] == "kube-system"
    assert (release.container["image"], release.container["imagePullPolicy"]) == (image, "Always")
    assert (release.pod["serviceAccountName"], release.of_kind("ServiceAccount")) == ("aws-pod-eip-controller", [])
    env = release.env
    assert (env["PEC_CLUSTER_NAME"], env["PEC_LEASE_NAME"]) == ("eip-controller-demo", "aws-pod-eip-controller")
    assert (env["PEC_VPC_ID"], env["PEC_REGION"], env["PEC_WATCH_NAMESPACE"]) == ("", "", "")


def test_the_old_path_does_for_lint_template_and_package(tmp_path: Path) -> None:
    old = CHART.parent / "charts" / "aws-pod-eip-controller"
    assert "[WARNING]" not in run("lint", "--strict", str(old), values=LEAST)
    assert render(LEAST, chart=old) == render(LEAST)
    for name, path in (("old", old), ("new", CHART)):
        run("package", str(path), "--destination", str(tmp_path / name))
    [packed], [direct] = (list((tmp_path / name).iterdir()) for name in ("old", "new"))
    with tarfile.open(packed) as one, tarfile.open(direct) as two:
        assert one.getnames() == two.getnames()
        assert all(member.isfile() for member in one.getmembers())
    assert render(LEAST, chart=packed) == render(LEAST)


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("111122223333.dkr.ecr.eu-central-1.amazonaws.com/aws-pod-eip-controller:latest", "Always"),
        ("eip", "Always"),
        ("eip:latest", "Always"),
        ("registry.example.com/team/eip", "Always"),
        ("host:5000/eip", "Always"),
        ("host:5000/eip:latest", "Always"),
        ("host:5000/eip:1", "IfNotPresent"),
        ("eip:latest-2", "IfNotPresent"),
        ("eip:1.2", "IfNotPresent"),
        (f"host:5000/eip@sha256:{'0' * 64}", "IfNotPresent"),
        (f"eip:latest@sha256:{'0' * 64}", "IfNotPresent"),
        ({"repository": "host:5000/eip", "tag": "latest"}, "Always"),
        ({"repository": "host:5000/eip"}, "IfNotPresent"),
        ({"repository": "eip", "tag": "latest", "pullPolicy": "IfNotPresent"}, "IfNotPresent"),
        ({"repository": "eip", "tag": "latest", "pullPolicy": ""}, "Always"),
        ({"repository": "eip", "tag": "latest", "digest": f"sha256:{'0' * 64}"}, "IfNotPresent"),
        ({"pullPolicy": "Never"}, "Never"),
    ],
    ids=str,
)
def test_an_image_that_may_change_behind_its_name_is_always_pulled(image: object, policy: str) -> None:
    assert render({**LEAST, "image": image}).container["imagePullPolicy"] == policy


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("clustername", "clusterName"),
        ("vpc_id", "vpcID"),
        ("replicaCount", "replicas"),
        ("imagePullPolicy", "image.pullPolicy"),
        ("env", "extraEnv"),
        ("annotations", "podAnnotations"),
        ("serviceAccount", "serviceAccountName"),
        ("pod-labels", "podLabels"),
        ("nameOverride", ""),
        ("x", ""),
    ],
)
def test_an_unknown_value_is_refused_with_what_to_do(name: str, nearest: str) -> None:
    meant = f" (the nearest is {nearest})" if nearest else ""
    with pytest.raises(HelmFailed) as caught:
        render({**load(UPSTREAM), name: "x", "another.one": 1})
    said = str(caught.value)
    todo = "remove it from your values, or, instead of --reuse-values, give --reset-then-reuse-values --set"
    assert f"{name} is no value of this chart{meant}: {todo} '{name}=null'" in said
    assert f"another.one is no value of this chart: {todo} 'another\\.one=null'" in said


def test_a_value_that_was_unset_and_those_of_a_parent_chart_are_not_refused() -> None:
    assert render({**LEAST, "theirs": None, "global": {"a": 1}, "enabled": True}) == render(LEAST)


def test_every_value_of_the_schema_is_known() -> None:
    values = {**load(FULL), "global": {}, "enabled": True}
    assert set(schema()["properties"]) == set(values)
    render(values)


@pytest.mark.parametrize("given", [{}, {"leaseName": ""}, {"leaseName": None}], ids=str)
def test_the_lease_has_the_releases_name(given: dict[str, Any]) -> None:
    release = render({**LEAST, **given}, name="games")
    assert release.env["PEC_LEASE_NAME"] == "games"
    roles = release.of_kind("ClusterRole") + release.of_kind("Role")
    leases = [rule for role in roles for rule in role["rules"] if rule["resources"] == ["leases"]]
    named = {name for rule in leases for name in rule.get("resourceNames", [])}
    assert (len(leases), named) == (3, {"games"})


def test_two_releases_of_one_namespace_share_nothing() -> None:
    one = render({**LEAST, "watchNamespace": "one", "policy": {"default": "allow"}}, name="one")
    two = render({**LEAST, "watchNamespace": "two", "policy": {"default": "allow"}}, name="two")
    names = [
        {(f["kind"], f["metadata"].get("namespace", ""), f["metadata"]["name"]) for f in release.objects}
        for release in (one, two)
    ]
    assert not names[0] & names[1]
    selectors = [release.of_kind("Deployment")[0]["spec"]["selector"]["matchLabels"] for release in (one, two)]
    assert [found["app.kubernetes.io/instance"] for found in selectors] == ["one", "two"]
    assert [release.env["PEC_LEASE_NAME"] for release in (one, two)] == ["one", "two"]
