"""The harness itself, on the real programs: what a test of the product takes for granted about its cluster."""

import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.process import StartError
from tests.real.catalogue import parts
from tests.real.cluster import ApiError, RealCluster

pytestmark = pytest.mark.real


def await_value(read: Callable[[], Any], limit: float = 30) -> Any:
    """Poll until `read` gives something true; AssertionError after `limit` seconds."""
    deadline = time.monotonic() + limit
    while not (value := read()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return value


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    """An API server alone."""
    with RealCluster() as running:
        yield running


def test_it_says_the_version_that_was_asked_for(cluster: RealCluster) -> None:
    assert cluster.request("GET", "/version")["gitVersion"] == f"v{parts()['kube-apiserver'].version}"


def test_a_service_account_may_do_only_what_a_role_grants(cluster: RealCluster) -> None:
    token = cluster.service_account_token("default", "reader")
    with pytest.raises(ApiError, match="403"):
        cluster.request("GET", "/api/v1/pods", token=token)
    cluster.kubectl("create", "clusterrole", "read-pods", "--verb=list", "--resource=pods")
    cluster.kubectl(
        "create", "clusterrolebinding", "reader", "--clusterrole=read-pods", "--serviceaccount=default:reader"
    )

    def allowed() -> bool:
        try:
            return bool(cluster.request("GET", "/api/v1/pods", token=token))
        except ApiError:
            return False

    await_value(allowed)
    with pytest.raises(ApiError, match="403"):
        cluster.request("GET", "/api/v1/nodes", token=token)


def test_a_kubeconfig_is_of_its_bearer(cluster: RealCluster) -> None:
    kubeconfig = cluster.kubeconfig_for(cluster.service_account_token("default", "somebody"))
    argv = ["kubectl", f"--kubeconfig={kubeconfig}", "auth", "whoami", "-o=jsonpath={.status.userInfo.username}"]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=True).stdout
    assert said == "system:serviceaccount:default:somebody"


@pytest.mark.parametrize("grace", [5, 0])
def test_the_api_server_comes_back_with_what_it_had(cluster: RealCluster, grace: float) -> None:
    name = f"kept-{grace}"
    cluster.kubectl("create", "configmap", name)
    token = cluster.service_account_token("default", "before")
    cluster.stop_api(grace=grace)
    with pytest.raises(OSError, match="refused"):
        cluster.request("GET", "/version")
    cluster.start_api()
    assert cluster.kubectl("get", "configmap", name, "-o=name") == f"configmap/{name}\n"
    with pytest.raises(ApiError, match="403"):  # known, and not allowed: its token is still good
        cluster.request("GET", "/api/v1/nodes", token=token)


def test_a_start_that_fails_says_what_the_server_said(cluster: RealCluster) -> None:
    with RealCluster() as other:
        other.stop_api()
        other.folder.joinpath("users.csv").write_text("nonsense")
        with pytest.raises(StartError, match=r"(?s)kube-apiserver: ended with code 1.*token"):
            other.start_api()


def test_a_live_cluster_runs_deployments_and_notices_a_lost_node() -> None:
    with RealCluster(live=True) as live:
        check_life(live)


def check_life(live: RealCluster) -> None:
    """A Deployment gets Pods with IPs of their node, and loses one that is deleted and made anew."""
    live.add_node("node-1", ip="10.0.0.10", pod_cidr="10.0.1.0/24")
    live.kubectl("create", "deployment", "web", "--image=web", "--replicas=2")
    path = "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb"

    def ready() -> list[Any]:
        found = live.request("GET", path)["items"]
        running = [pod for pod in found if pod["status"].get("podIP", "").startswith("10.0.1.")]
        return running if len(running) == 2 else []

    first = await_value(ready, 60)
    live.kubectl("delete", "pod", first[0]["metadata"]["name"])
    names = {pod["metadata"]["name"] for pod in first}
    await_value(lambda: {pod["metadata"]["name"] for pod in ready()} - names, 60)
