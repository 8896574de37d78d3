"""`helm test` runs doctor as the replicas run, and doctor knows what the chart grants and makes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from controller.core.diagnosis.rbac import Right, of_controller, of_installer
from tests.chart.files import FULL, load
from tests.chart.helm import NAME, NAMESPACE, Object, Release, render
from tests.chart.test_permissions import Grant, granted, grants
from tests.real.catalogue import KUBERNETES
from tests.real.cluster import RealCluster

pytestmark = pytest.mark.real

KINDS = {
    "Deployment": "deployments",
    "ServiceAccount": "serviceaccounts",
    "Service": "services",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "Role": "roles",
    "RoleBinding": "rolebindings",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}


def by_namespace(rights: tuple[Right, ...]) -> dict[str, set[Grant]]:
    """The rights as the chart's roles have them."""
    found: dict[str, set[Grant]] = {}
    for right in rights:
        found.setdefault(right.namespace, set()).add((right.group, right.resource, right.name, right.verb))
    return found


@pytest.mark.parametrize(
    ("values", "watched", "lease_in", "lease"),
    [({"clusterName": "a"}, "", NAMESPACE, NAME), (load(FULL), "games", "eip-system", "games-eip")],
    ids=["default", "full"],
)
def test_doctor_asks_for_the_rights_of_the_charts_roles(
    values: dict[str, Any], watched: str, lease_in: str, lease: str
) -> None:
    assert by_namespace(of_controller(watched, lease_in, lease, NAMESPACE)) == granted(render(values))


def test_before_the_install_doctor_asks_whether_each_kind_may_be_made() -> None:
    made = {(found["apiVersion"].rpartition("/")[0], found["kind"]) for found in render({"clusterName": "a"}).objects}
    asked = {(right.group, right.resource) for right in of_installer(NAMESPACE)}
    assert {(group, KINDS[kind]) for group, kind in made} == asked
    assert {right.verb for right in of_installer(NAMESPACE)} == {"create"}


def hooks(release: Release) -> list[Object]:
    """What `helm test` makes."""
    return [found for found in release.objects if found["metadata"].get("annotations", {}).get("helm.sh/hook")]


@pytest.mark.parametrize("values", [{"clusterName": "a"}, load(FULL)], ids=["default", "full"])
def test_the_pod_is_the_replicas_but_for_what_it_does(values: dict[str, Any]) -> None:
    release = render(values, tests=True)
    [pod] = release.of_kind("Pod")
    [container], replica = pod["spec"]["containers"], release.container
    assert pod["spec"]["restartPolicy"] == "Never"
    for field in ("serviceAccountName", "securityContext", "volumes", "nodeSelector", "tolerations"):
        assert pod["spec"].get(field) == release.pod.get(field), field
    for field in ("image", "imagePullPolicy", "env", "resources", "securityContext", "volumeMounts"):
        assert container[field] == replica[field], field
    assert not {"ports", "startupProbe", "livenessProbe", "readinessProbe"} & container.keys()
    asked = values.get("doctor", {})
    docs = [f"--docs={asked['docs']}"] if "docs" in asked else []
    strict = asked.get("failOnWarnings", False)
    assert container["args"] == ["doctor", "--output=text" if strict else "--tolerate-warnings", *docs]
    selected = release.of_kind("Deployment")[0]["spec"]["selector"]["matchLabels"]
    assert not selected.items() <= pod["metadata"]["labels"].items()


def test_what_doctor_alone_reads_is_granted_while_it_runs_and_can_be_left_out() -> None:
    found = hooks(render({"clusterName": "a"}, tests=True))
    assert {hook["metadata"]["annotations"]["helm.sh/hook"] for hook in found} == {"test"}
    roles = {hook["kind"]: grants(hook) for hook in found if hook["kind"].endswith("Role")}
    assert roles == {
        "ClusterRole": {("apps", "deployments", "", "list")},
        "Role": {("apps", "daemonsets", "aws-node", "get")},
    }
    for hook in found:
        policy = hook["metadata"]["annotations"]["helm.sh/hook-delete-policy"].split(",")
        assert ("hook-succeeded" in policy) is (hook["kind"] != "Pod")
    less = hooks(render({"clusterName": "a", "doctor": {"readRights": False}}, tests=True))
    assert [hook["kind"] for hook in less] == ["Pod"]


def test_nothing_of_it_is_installed() -> None:
    assert hooks(render({"clusterName": "a"})) == []


@pytest.fixture(scope="module", params=KUBERNETES)
def restricted(request: pytest.FixtureRequest) -> Iterator[RealCluster]:
    """An API server with a namespace that takes restricted Pods alone."""
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    with RealCluster(kubernetes=request.param) as cluster:
        cluster.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE, "labels": label}})
        yield cluster


def test_a_namespace_of_restricted_pods_takes_it(restricted: RealCluster) -> None:
    [pod] = render({"clusterName": "a"}, tests=True).of_kind("Pod")
    restricted.create(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", {"metadata": {"name": NAME}})
    made = ["create", "--dry-run=server", "--validate=strict", "--filename=-"]
    assert restricted.kubectl(*made, stdin=json.dumps(pod)).startswith("pod/eip-doctor created")
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(Exception, match="returned non-zero"):
        restricted.kubectl(*made, stdin=json.dumps(pod))
