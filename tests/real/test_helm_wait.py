"""`helm install --wait` and `helm test` on a cluster whose Deployments run: Helm waits for real replicas.

The real controllers make the chart's Pods, the real scheduler places them, and `Kubelet` runs each as a process, under
the roles that the release itself brought. DynamoDB Local has the table, the sandbox's EC2 the addresses.
"""

import itertools
import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import REGION, VPC, ClusterSettings, WorldSettings, wait_until
from tests.chart.files import CHART
from tests.chart.helm import NAME, NAMESPACE, HelmFailed, run
from tests.e2e.scene import PUBLIC_IP, Scene, auto, denied
from tests.kubectl.plugin import FOLDER
from tests.real.cluster import RealCluster
from tests.real.exec_server import exec_server
from tests.real.host import RealHost
from tests.real.kubelet import Kubelet
from tests.real.world import RealControl, RealWorld

pytestmark = [pytest.mark.real, pytest.mark.timeout(400)]

WAIT_S = 150  # as Helm is told: two replicas that start beside a cluster, on two processors
TOO_LONG_S = (
    15  # for those that will never be ready; what they say is waited for, and that they are not ready looked at
)
LATE_S = 60  # on a busy machine they may not have begun to ask by then
NUMBER = itertools.count(1)


class BareControl(RealControl):
    """A hand on a cluster to which nothing was granted: the release brings its own roles."""

    def kubeconfig(self, path: Path) -> Path:
        """The administrator's."""
        return self.real.kubeconfig


class ChartWorld(RealWorld):
    """A world without replicas of its own, on one cluster that its maker starts and stops."""

    def __init__(self, folder: Path, *, host: RealHost, real: RealCluster) -> None:
        super().__init__(WorldSettings(clusters=(ClusterSettings(name="a", replicas=0),)), folder, host=host)
        self.real = real

    def _take_cluster(self) -> RealCluster:
        return self.real

    def _control(self, real: RealCluster, flags: Mapping[str, str]) -> RealControl:
        return BareControl(real, "")

    def values(self) -> dict[str, Any]:
        """What an operator would give the chart here: AWS is elsewhere, and nobody has to wait for long."""
        env = {
            "AWS_ENDPOINT_URL_EC2": self.ec2_url,
            "AWS_ENDPOINT_URL_IAM": self.ec2_url,
            "AWS_ENDPOINT_URL_STS": self.ec2_url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb_url,
            "AWS_ACCESS_KEY_ID": "release",
            "AWS_SECRET_ACCESS_KEY": "sandbox",
        }
        return {
            "clusterName": "a",
            "leaseNamespace": NAMESPACE,  # no file of the ServiceAccount is mounted that would say it
            "vpcID": VPC,
            "region": REGION,
            "table": self.settings.table,
            "replicas": 2,
            "leaseDuration": 6,
            "renewDeadline": 4,
            "retryPeriod": 1,
            "callTimeout": 2,
            "extraEnv": [{"name": name, "value": value} for name, value in env.items()],
        }


@pytest.fixture(scope="module")
def world(real_host: RealHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChartWorld]:
    """A cluster with controllers and a scheduler, and one Node that runs the controller's Pods."""
    folder = tmp_path_factory.mktemp("chart")
    with (
        RealCluster(live=True, kwok=False) as real,
        ChartWorld(folder, host=real_host, real=real) as made,
    ):
        real.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        yield made


@pytest.fixture
def kubelet(world: ChartWorld) -> Iterator[Kubelet]:
    """It runs while the test does; the release is gone afterwards, with its Pods."""
    node = world.clusters["a"].nodes[0].name
    with Kubelet(world.real, node=node, namespace=NAMESPACE, folder=world.folder) as running:
        yield running
        world.ec2.clear_faults()
        helm(world, "uninstall", "--wait")


@pytest.fixture
def scene(world: ChartWorld) -> Scene:
    """A namespace of its own."""
    return Scene(world, world.clusters["a"], f"chart{next(NUMBER)}")


def helm(
    world: ChartWorld, command: str, *arguments: str, values: dict[str, Any] | None = None, wait_s: int = WAIT_S
) -> str:
    """One command on the release; what it prints. HelmFailed if it does not come to its end in time."""
    where = (f"--kubeconfig={world.real.kubeconfig}", f"--namespace={NAMESPACE}", f"--timeout={wait_s}s")
    return run(command, NAME, *arguments, *where, values=values, limit_s=wait_s + 60)


def pods(world: ChartWorld) -> list[dict[str, Any]]:
    """The replicas' Pods, without those that are being deleted."""
    selector = f"app.kubernetes.io/name=aws-pod-eip-controller,app.kubernetes.io/instance={NAME}"
    found = world.real.request("GET", f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector={selector}")["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def is_ready(pod: dict[str, Any]) -> bool:
    """Whether its readiness probe passes."""
    found = pod["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in found)


def said_of(world: ChartWorld, name: str) -> str:
    """The events of a Pod of the release, as kubectl shows them."""
    return world.real.kubectl("events", f"--namespace={NAMESPACE}", f"--for=pod/{name}")


def shown_by(kubelet: Kubelet, uid: str) -> list[tuple[str, bool, bool]]:
    """The replicas in the status of this one: name, whether it leads, whether it is ready."""
    with urllib.request.urlopen(f"{kubelet.url(uid)}/api/v1/status", timeout=5) as answer:
        rows = json.load(answer)["replicas"] or []
    return sorted((row["identity"], row["leads"], row["ready"]) for row in rows)


def all_shown(world: ChartWorld, kubelet: Kubelet) -> bool:
    """Whether each replica shows both as ready, and the same one of them as the leader."""
    found, names = pods(world), sorted(pod["metadata"]["name"] for pod in pods(world))
    seen = [shown_by(kubelet, pod["metadata"]["uid"]) for pod in found]
    ready = all([row[0] for row in rows] == names and all(row[2] for row in rows) for rows in seen)
    return ready and all(rows == seen[0] and sum(row[1] for row in rows) == 1 for rows in seen)


def is_told(world: ChartWorld, name: str) -> bool:
    """Whether the Pod has the event that it is not able."""
    return "EIPControllerUnable" in said_of(world, name)


def test_an_install_waits_for_replicas_that_serve_and_its_test_passes(
    world: ChartWorld, kubelet: Kubelet, scene: Scene
) -> None:
    helm(world, "install", str(CHART), "--wait", values=world.values())
    assert len(pods(world)) == 2
    scene.run("p", auto())
    scene.served("p")
    wait_until(lambda: all_shown(world, kubelet), LATE_S, "each replica shows both, ready, and who leads")
    helm(world, "test")
    said = kubelet.log(f"{NAME}-doctor")
    assert f"√ rbac: system:serviceaccount:{NAMESPACE}:{NAME} may do all that is needed" in said
    before = {pod["metadata"]["uid"] for pod in pods(world)}
    helm(world, "upgrade", str(CHART), "--wait", values={**world.values(), "logLevel": "debug"})
    assert not before & {pod["metadata"]["uid"] for pod in pods(world)}
    assert scene.label("p", PUBLIC_IP)
    scene.delete("p")


DENIED = "UnauthorizedOperation: You are not authorized to perform: ec2:{}"
SIMULATED = "is not authorized to perform: ec2:{} on an address of this install because no identity-based policy"
BY = {
    "DescribeAddresses": DENIED,
    "AllocateAddress": DENIED,
    "AssociateAddress": SIMULATED,
    "DisassociateAddress": SIMULATED,
    "ReleaseAddress": SIMULATED,
}


@pytest.mark.parametrize("action", BY)
def test_an_install_whose_role_lacks_a_right_fails_and_says_why(
    world: ChartWorld, kubelet: Kubelet, action: str
) -> None:
    """No Pod asks for an address yet."""
    world.ec2.inject(denied(action))
    with pytest.raises(HelmFailed, match="deadline exceeded"):
        helm(world, "install", str(CHART), "--wait", values=world.values(), wait_s=TOO_LONG_S)
    names = [pod["metadata"]["name"] for pod in pods(world)]
    assert len(names) == 2
    for name in names:
        wait_until(partial(is_told, world, name), LATE_S, f"{name} has the event")
        for told in (said_of(world, name), kubelet.log(name)):
            assert BY[action].format(action) in told
            assert "deploy/iam/aws/install.json" in told
    assert not any(is_ready(pod) for pod in pods(world))


def test_the_plugin_runs_in_the_leaders_pod(world: ChartWorld, kubelet: Kubelet, scene: Scene, tmp_path: Path) -> None:
    """With the real kubectl, API server and protocol of exec: a laptop has no Python and no rights in AWS."""
    helm(world, "install", str(CHART), "--wait", values=world.values())
    scene.run("p", auto())
    scene.served("p")
    real = world.real
    laptop = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECTL": str(real.program("kubectl"))}

    def plugin(*words: str, kubeconfig: Path = real.kubeconfig) -> subprocess.CompletedProcess[str]:
        argv = [str(FOLDER / "kubectl-eip"), f"--kubeconfig={kubeconfig}", *words]
        return subprocess.run(argv, env=laptop, capture_output=True, text=True, timeout=120, check=False)

    with exec_server(real, kubelet.pods, node=world.clusters["a"].nodes[0].name, folder=tmp_path):
        status = plugin("status", "-o", "json")
        assert (status.returncode, status.stderr) == (0, "")
        answered = json.loads(status.stdout)["answered_by"]
        assert answered["leads"]
        lease = real.request("GET", f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}")
        assert answered["identity"] == lease["spec"]["holderIdentity"]
        explained = plugin("explain", f"{scene.namespace}/p")
        assert explained.stdout.startswith(f"{scene.namespace}/p: served. "), explained
        assert str(scene.label("p", PUBLIC_IP)) in explained.stdout
        examined = plugin("doctor")
        assert examined.returncode in (0, 1), examined
        assert "√ ec2: " in examined.stdout
        nobody = plugin("explain", f"{scene.namespace}/nobody")
        assert nobody.returncode == 1
        assert "nobody" in nobody.stdout + nobody.stderr
        reader = real.kubeconfig_for(real.service_account_token(NAMESPACE, "reader"), "reader")
        real.kubectl(
            "create", "clusterrolebinding", "reader", "--clusterrole=view", f"--serviceaccount={NAMESPACE}:reader"
        )
        refused = plugin("status", "-n", NAMESPACE, kubeconfig=reader)
        assert refused.returncode == 1
        assert "it takes the right 'create' on pods/exec" in refused.stderr
    scene.delete("p")
