"""The chart is installed, upgraded and uninstalled for real, on the oldest and the newest Kubernetes that it names.

Nothing but the API server runs, so no Pod comes of it: what is tested is that Helm and the server take every object
of every release, with every field, and that an uninstalled release leaves nothing.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.files import CHART, FULL, load
from tests.chart.helm import NAME, NAMESPACE, run
from tests.real.catalogue import KUBERNETES
from tests.real.cluster import RealCluster

pytestmark = pytest.mark.real

OURS = f"app.kubernetes.io/instance={NAME}"
KINDS = "deployments,serviceaccounts,services,poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings"
KINDS += ",configmaps,validatingadmissionpolicies,validatingadmissionpolicybindings"
# The server knows none of these without the Prometheus operator's definitions; schemas as open as can be.
OPERATORS = ("ServiceMonitor", "PrometheusRule")
DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: KIND, plural: PLURAL, singular: SINGULAR}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""


@pytest.fixture(scope="module", params=KUBERNETES)
def bare(request: pytest.FixtureRequest) -> Iterator[RealCluster]:
    """An API server of each version, with the namespaces and the definitions that the values name."""
    with RealCluster(kubernetes=request.param) as cluster:
        for namespace in (NAMESPACE, "games"):
            cluster.kubectl("create", "namespace", namespace)
        for kind in OPERATORS:
            definition = DEFINITION.replace("KIND", kind).replace("PLURAL", f"{kind.lower()}s")
            cluster.kubectl("apply", "--filename=-", stdin=definition.replace("SINGULAR", kind.lower()))
            cluster.kubectl("wait", "--for=condition=Established", f"crd/{kind.lower()}s.monitoring.coreos.com")
        yield cluster


def helm(
    cluster: RealCluster, command: str, *arguments: str, values: dict[str, Any] | None = None, name: str = NAME
) -> None:
    """One command on the release; HelmFailed if Helm or the server refuses it."""
    where = (f"--kubeconfig={cluster.kubeconfig}", f"--namespace={NAMESPACE}")
    run(command, name, *arguments, *where, values=values)


def ours(cluster: RealCluster) -> list[str]:
    """The release's objects in the cluster."""
    return cluster.kubectl("get", KINDS, "--all-namespaces", f"--selector={OURS}", "--output=name").split()


def replicas(cluster: RealCluster) -> int:
    """How many Pods the release's Deployment asks for."""
    found = cluster.request("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}")
    return int(found["spec"]["replicas"])


@pytest.mark.parametrize("values", [{"clusterName": "production"}, load(FULL)], ids=["default", "full"])
def test_a_release_is_installed_upgraded_and_uninstalled(bare: RealCluster, values: dict[str, Any]) -> None:
    helm(bare, "install", str(CHART), values=values)
    assert f"deployment.apps/{NAME}" in ours(bare)
    helm(bare, "upgrade", str(CHART), values={**values, "replicas": 4})
    assert replicas(bare) == 4
    helm(bare, "uninstall")
    assert not ours(bare)


def test_two_releases_of_one_namespace_stand_side_by_side(bare: RealCluster) -> None:
    for name, watched in ((NAME, "games"), ("second", NAMESPACE)):
        helm(bare, "install", str(CHART), values={"clusterName": "production", "watchNamespace": watched}, name=name)
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
    found = [bare.request("GET", f"{path}/{name}")["spec"]["template"]["spec"] for name in (NAME, "second")]
    leases = [{e["name"]: e.get("value", "") for e in pod["containers"][0]["env"]}["PEC_LEASE_NAME"] for pod in found]
    assert leases == ["eip", "second"]
    for name in (NAME, "second"):
        helm(bare, "uninstall", name=name)
    assert not ours(bare)
