"""The chart is put in the place of the Go controller by an upgrade: on real controllers, by the real Helm."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.files import CHART, UPSTREAM, load
from tests.chart.helm import NAME, NAMESPACE, HelmFailed, render, run
from tests.real.cluster import RealCluster

pytestmark = pytest.mark.real

ROLLED_OUT_S = 60.0
PREDECESSOR = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: &labels
    app.kubernetes.io/name: {{ .Chart.Name }}
    app.kubernetes.io/instance: {{ .Release.Name }}
spec:
  replicas: 1
  strategy:
    type: Recreate
  selector:
    matchLabels: *labels
  template:
    metadata:
      labels: *labels
    spec:
      serviceAccountName: {{ .Values.serviceAccountName }}
      containers:
        - name: {{ .Chart.Name }}
          image: {{ .Values.image }}
          env:
            - name: PEC_CLUSTER_NAME
              value: {{ .Values.clusterName }}
"""


@pytest.fixture
def predecessor(tmp_path: Path) -> Path:
    """A chart with the Go controller's name, values, selector and strategy."""
    chart = tmp_path / "predecessor"
    (chart / "templates").mkdir(parents=True)
    described = {"apiVersion": "v2", "name": load(CHART / "Chart.yaml")["name"], "version": "0.1.0"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(described))
    shutil.copy(UPSTREAM, chart / "values.yaml")
    (chart / "templates" / "deployment.yaml").write_text(PREDECESSOR)
    return chart


@pytest.fixture(scope="module")
def live() -> Iterator[RealCluster]:
    """A cluster that runs Deployments, with a node and the namespace of the release."""
    with RealCluster(live=True) as cluster:
        cluster.add_node("node-1", ip="10.0.0.10", pod_cidr="10.0.1.0/24")
        cluster.kubectl("create", "namespace", NAMESPACE)
        cluster.kubectl("create", "serviceaccount", "eip-account", f"--namespace={NAMESPACE}")
        yield cluster


def helm(cluster: RealCluster, *arguments: str) -> None:
    """Install or upgrade the release, and wait until all its Pods are of the new revision."""
    run(*arguments, f"--kubeconfig={cluster.kubeconfig}", f"--namespace={NAMESPACE}")
    deadline = time.monotonic() + ROLLED_OUT_S
    while not rolled_out(deployment(cluster)):
        assert time.monotonic() < deadline, deployment(cluster)["status"]
        time.sleep(0.2)


def rolled_out(found: dict[str, Any]) -> bool:
    """Whether the controllers have seen the newest revision, and every Pod is of it."""
    status, wanted = found["status"], found["spec"]["replicas"]
    seen = status.get("observedGeneration") == found["metadata"]["generation"]
    return bool(seen and status.get("updatedReplicas") == status.get("replicas") == wanted)


def deployment(cluster: RealCluster) -> dict[str, Any]:
    """The release's Deployment as it is in the cluster."""
    found = cluster.request("GET", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}")
    assert isinstance(found, dict)
    return found


def strategy(cluster: RealCluster) -> str:
    """The type of the release's strategy as it is in the cluster."""
    return str(deployment(cluster)["spec"]["strategy"]["type"])


def test_an_upgrade_in_place_recreates_at_first_and_rolls_from_then_on(live: RealCluster, predecessor: Path) -> None:
    helm(live, "install", NAME, str(predecessor))
    before = deployment(live)
    helm(live, "upgrade", NAME, str(CHART), "--reuse-values")
    after = deployment(live)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["selector"] == before["spec"]["selector"]
    assert (strategy(live), after["spec"]["replicas"]) == ("Recreate", 2)
    assert after["spec"]["template"]["spec"]["serviceAccountName"] == "eip-account"

    helm(live, "upgrade", NAME, str(CHART), "--reuse-values", "--set=logLevel=info")
    assert strategy(live) == "RollingUpdate"
    for another in ("leaseName=another", "leaseNamespace=default"):  # another install, that waits for the first to end
        helm(live, "upgrade", NAME, str(CHART), "--reuse-values", f"--set={another}")
        assert strategy(live) == "Recreate"
        helm(live, "upgrade", NAME, str(CHART), "--reuse-values", "--set=logLevel=warn")
        assert strategy(live) == "RollingUpdate"
    helm(live, "upgrade", NAME, str(CHART), "--reuse-values", "--set=strategy.type=Recreate")
    assert strategy(live) == "Recreate"
    helm(live, "rollback", NAME, "1")
    assert strategy(live) == "Recreate"
    helm(live, "upgrade", NAME, str(CHART), f"--values={UPSTREAM}")
    assert strategy(live) == "Recreate"


def test_values_of_a_users_own_are_refused_and_unset_as_the_message_says(live: RealCluster, predecessor: Path) -> None:
    where = (f"--kubeconfig={live.kubeconfig}", f"--namespace={NAMESPACE}")
    run("install", "own", str(predecessor), *where, "--set=team=games,clusterName=production")
    with pytest.raises(HelmFailed, match=r"team is no value .* give --reset-then-reuse-values --set 'team=null'"):
        run("upgrade", "own", str(CHART), *where, "--reuse-values")
    run("upgrade", "own", str(CHART), *where, "--reset-then-reuse-values", "--set", "team=null")
    run("upgrade", "own", str(CHART), *where, "--reuse-values")


def test_reused_values_of_the_go_controllers_chart_are_enough(tmp_path: Path) -> None:
    shutil.copytree(CHART, tmp_path / "chart")
    shutil.copy(UPSTREAM, tmp_path / "chart" / "values.yaml")
    reused, given = render({}, chart=tmp_path / "chart"), render(load(UPSTREAM))
    reused.container.pop("env")
    given.container.pop("env")
    assert reused == given
