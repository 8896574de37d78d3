"""`doctor` on a real API server: reviews of access, Deployments, the DaemonSet, and rights that it does not have."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.core.diagnosis.rbac import Right, of_controller
from controller.doctor.kubernetes import ClusterReader
from controller.kube.connection import connect
from state.errors import AccessDenied
from tests.chart.helm import NAME, NAMESPACE, render
from tests.contract.adapters.kube_worlds import until
from tests.real.cluster import RealCluster
from tests.real.host import RealHost
from tests.real.permissions import grant_release, put

pytestmark = pytest.mark.real

APPS = "/apis/apps/v1/namespaces/{}/{}"


@pytest.fixture
def cluster(real_host: RealHost) -> Iterator[RealCluster]:
    """An API server with the chart's roles in it."""
    with real_host.cluster() as real:
        yield real


def reader_of(real: RealCluster, token: str) -> ClusterReader:
    """It asks as the bearer of this token."""
    return ClusterReader(connect(str(real.kubeconfig_for(token, "doctor")), version="1"))


def workload(name: str, image: str, env: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """A Deployment or DaemonSet of one container."""
    container = {"name": "main", "image": image, "env": [{"name": k, "value": v} for k, v in env.items()]}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": labels}, "template": template, **more}}


def test_the_charts_account_may_do_what_doctor_asks_for_and_a_missing_verb_is_found(cluster: RealCluster) -> None:
    release = render({"clusterName": "a"})
    reader = reader_of(cluster, grant_release(cluster, release))
    asked = of_controller("", NAMESPACE, NAME, NAMESPACE)
    until(lambda: all(map(reader.may, asked)))
    assert reader.who() == f"system:serviceaccount:{NAMESPACE}:{NAME}"
    assert not reader.may(Right(verb="patch", resource="pods"))
    assert not reader.may(Right(verb="get", resource="leases", group="coordination.k8s.io", name="another"))
    role = release.one("ClusterRole")
    less = [rule for rule in role["rules"] if "pods/status" not in rule["resources"]]
    put(cluster, "ClusterRole", {**role, "rules": less})
    denied = [Right(verb="patch", resource="pods/status")]
    until(lambda: [right for right in asked if not reader.may(right)] == denied)
    reader.close()


def test_an_account_without_the_rights_of_the_test_hook_is_told_so(cluster: RealCluster) -> None:
    reader = reader_of(cluster, grant_release(cluster, render({"clusterName": "a"})))
    for look in (reader.controllers, reader.cni_settings):
        with pytest.raises(AccessDenied):
            look()
    reader.close()
    reader = reader_of(cluster, grant_release(cluster, render({"clusterName": "a"}, tests=True)))
    until(lambda: allowed(reader))
    reader.close()


def allowed(reader: ClusterReader) -> bool:
    """Whether it may read both."""
    try:
        return reader.controllers() is not None and reader.cni_settings() is None
    except AccessDenied:
        return False


def test_controllers_and_the_settings_of_the_cni_are_read_as_the_api_server_gives_them(cluster: RealCluster) -> None:
    cluster.create("/api/v1/namespaces", {"metadata": {"name": "old"}})
    [ours] = render({"clusterName": "a"}).of_kind("Deployment")
    cluster.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    cluster.create(APPS.format(NAMESPACE, "deployments"), ours)
    go = workload("go", "ghcr.io/x/aws-pod-eip-controller:v1", {"PEC_CLUSTER_NAME": "a"}, replicas=0)
    cluster.create(APPS.format("old", "deployments"), go)
    cluster.create(APPS.format("old", "deployments"), workload("web", "nginx", {}))
    cni = workload("aws-node", "cni", {"AWS_VPC_K8S_CNI_EXTERNALSNAT": "true"})
    cluster.create(APPS.format("kube-system", "daemonsets"), cni)
    reader = reader_of(cluster, cluster.token)
    try:
        found = {controller.name: controller for controller in reader.controllers()}
        assert found.keys() == {f"{NAMESPACE}/{NAME}", "old/go"}
        own = found[f"{NAMESPACE}/{NAME}"]
        assert (own.lease, own.upstream, own.replicas) == (f"{NAMESPACE}/{NAME}", False, 2)
        assert (found["old/go"].upstream, found["old/go"].replicas) == (True, 0)
        settings = reader.cni_settings()
        assert settings is not None
        assert settings["AWS_VPC_K8S_CNI_EXTERNALSNAT"] == "true"
    finally:
        reader.close()
        for path in (APPS.format(NAMESPACE, f"deployments/{NAME}"), APPS.format("old", "deployments/go")):
            cluster.request("DELETE", path)
        cluster.request("DELETE", APPS.format("old", "deployments/web"))
        cluster.request("DELETE", APPS.format("kube-system", "daemonsets/aws-node"))


def test_before_the_install_a_person_without_rights_reads_which(cluster: RealCluster, tmp_path: Path) -> None:
    nobody = cluster.kubeconfig_for(cluster.service_account_token("default", "nobody"), "nobody")
    for kubeconfig, code in ((cluster.kubeconfig, 0), (nobody, 2)):
        argv = [sys.executable, "-m", "controller", "doctor", "--pre", "--kubeconfig", str(kubeconfig)]
        env = {"PATH": "/usr/bin:/bin", "PYTHONUTF8": "1", "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
        argv += ["--region", "us-west-2", "--lease-namespace", NAMESPACE]
        root = str(Path(__file__).parents[2])
        said = subprocess.run(argv, env=env, capture_output=True, text=True, cwd=root, timeout=60, check=False)
        lines = [line for line in said.stdout.splitlines() if " rbac: " in line]
        assert lines, said
        if code:
            assert "× rbac: system:serviceaccount:default:nobody may not create clusterroles" in lines
        else:
            [line] = lines
            assert "may do all that is needed to install the chart" in line
