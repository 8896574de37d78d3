"""The conveniences by which tests and the demo move Pods and Nodes, the tiny kubelet, and kubectl against it all."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.kube.client import MERGE, ApiClient, UnexpectedAnswerError
from sandbox.kube.control import KubeControl
from sandbox.kube.server import KubeServer
from sandbox.kube.settings import KubeSettings
from tests.contract.simulators.kube_api import LIMIT_SECONDS, KubeApi, event_body, eventually

pytest_plugins = ["tests.contract.simulators.kube_world"]

needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl here")


@pytest.fixture
def control(kube: KubeServer) -> KubeControl:
    """The controls of a server of its own."""
    return kube.control


def _gone(control: KubeControl, namespace: str, name: str) -> bool:
    return name not in {pod["metadata"]["name"] for pod in control.pods(namespace)}


def test_pod_with_ip_and_node(control: KubeControl) -> None:
    uid = control.pod("game", "a", annotations={"k": "v"}, labels={"app": "x"}, ip="10.0.0.7", node="n1")
    pod = control.get_pod("game", "a")
    assert pod["metadata"]["uid"] == uid
    assert pod["metadata"]["annotations"] == {"k": "v"}
    assert control.labels("game", "a") == {"app": "x"}
    assert pod["spec"]["nodeName"] == "n1"
    status = pod["status"]
    assert (status["phase"], status["podIP"], status["podIPs"]) == ("Running", "10.0.0.7", [{"ip": "10.0.0.7"}])
    assert "running" in status["containerStatuses"][0]["state"]


def test_pod_comes_to_life_in_steps(control: KubeControl) -> None:
    control.pod("default", "a", readiness_gates=["example.com/gate"], host_network=True)
    pod = control.get_pod("default", "a")
    assert (pod["status"]["phase"], pod["spec"]["hostNetwork"]) == ("Pending", True)
    assert pod["spec"]["readinessGates"] == [{"conditionType": "example.com/gate"}]
    control.set_ip("default", "a", "10.0.0.7")
    control.set_ip("default", "a", "10.0.0.8")
    assert control.get_pod("default", "a")["status"]["podIPs"] == [{"ip": "10.0.0.8"}]
    control.set_ip("default", "a", "")
    assert "podIP" not in control.get_pod("default", "a")["status"]


def test_annotations_labels_and_conditions(control: KubeControl) -> None:
    control.pod("default", "a", annotations={"one": "1"}, ip="10.0.0.7")
    control.annotate("default", "a", {"one": None, "two": "2"})
    control.set_labels("default", "a", {"x": "y"})
    assert control.get_pod("default", "a")["metadata"]["annotations"] == {"two": "2"}
    assert control.labels("default", "a") == {"x": "y"}
    assert control.conditions("default", "a")["PodScheduled"] == "True"


def test_end_of_containers_and_phase(control: KubeControl) -> None:
    control.pod("default", "a", ip="10.0.0.7", node="n1")
    control.terminate_containers("default", "a")
    status = control.get_pod("default", "a")["status"]
    assert status["phase"] == "Running"
    assert "terminated" in status["containerStatuses"][0]["state"]
    control.set_phase("default", "a", "Failed")
    assert control.get_pod("default", "a")["status"]["phase"] == "Failed"


def test_deletion(control: KubeControl) -> None:
    for name in ("a", "b"):
        control.pod("default", name, node="n1")
    control.delete_pod("default", "a", grace_seconds=None)
    assert control.get_pod("default", "a")["metadata"]["deletionTimestamp"]
    with pytest.raises(UnexpectedAnswerError) as refused:
        control.delete_pod("default", "b", uid="another")
    assert (refused.value.code, refused.value.reason) == (409, "Conflict")
    control.delete_pod("default", "b")
    assert _gone(control, "default", "b")


def test_events_of_a_pod(kube: KubeServer, control: KubeControl) -> None:
    for name in ("a", "b"):
        control.pod("default", name)
    client = ApiClient(kube.url)
    api = KubeApi(client, "default")
    api.ok("POST", api.events(), event_body("e", control.get_pod("default", "a")))
    client.close()
    assert [event["reason"] for event in control.events("default", "a")] == ["Tested"]
    assert control.events("default", "b") == []


def test_nodes(kube: KubeServer, control: KubeControl) -> None:
    control.node("n1", provider_id="aws:///zone/i-1", ip="10.0.0.1")
    client = ApiClient(kube.url)
    node = client.call("GET", "/api/v1/nodes/n1")
    assert node["spec"]["providerID"] == "aws:///zone/i-1"
    control.delete_node("n1")
    assert client.send("GET", "/api/v1/nodes/n1").code == 404
    client.close()


def test_namespace_is_deleted_with_its_pods(control: KubeControl) -> None:
    control.pod("game", "a", node="n1")
    control.pod("other", "b", node="n1")
    uid = control.namespace("game")
    control.delete_namespace("game")
    assert [pod["metadata"]["name"] for pod in control.pods()] == ["b"]
    assert control.namespace("game") != uid


def test_cluster_is_known_by_the_uid_that_was_given() -> None:
    uid = "00000000-0000-0000-0000-00000000000a"
    with KubeServer(KubeSettings(cluster_uid=uid)) as kube:
        assert kube.control.cluster_uid() == uid


@pytest.fixture
def alive() -> Iterator[KubeControl]:
    """The controls of a cluster with a tiny kubelet, which grants a tenth of a second."""
    with KubeServer(KubeSettings(kubelet_seconds=0.1)) as kube:
        yield kube.control


def test_kubelet_ends_pods(alive: KubeControl) -> None:
    alive.pod("default", "a", node="n1", ip="10.0.0.7")
    alive.delete_pod("default", "a", grace_seconds=None)
    eventually(lambda: _gone(alive, "default", "a"))


def test_kubelet_empties_a_namespace(alive: KubeControl) -> None:
    client = ApiClient(alive.url)
    api = KubeApi(client, "game")
    api.pod("a", "n1")
    with api.watch(api.pods(), resourceVersion=api.version()) as watching:
        alive.delete_namespace("game")
        marked = watching.next()
        assert (marked["type"], "deletionTimestamp" in marked["object"]["metadata"]) == ("MODIFIED", True)
        eventually(lambda: _gone(alive, "game", "a"))
    client.close()


def test_finalizers_outlast_the_kubelet(alive: KubeControl) -> None:
    alive.pod("default", "a", node="n1")
    client = ApiClient(alive.url)
    path = "/api/v1/namespaces/default/pods/a"
    client.call("PATCH", path, {"metadata": {"finalizers": ["example.com/held"]}}, MERGE)
    alive.delete_pod("default", "a", grace_seconds=None)
    eventually(lambda: alive.get_pod("default", "a")["metadata"]["deletionGracePeriodSeconds"] == 0)
    assert "terminated" in alive.get_pod("default", "a")["status"]["containerStatuses"][0]["state"]
    client.call("PATCH", path, {"metadata": {"finalizers": None}}, MERGE)
    client.close()
    assert _gone(alive, "default", "a")


def _kubectl(config: Path, *arguments: str, stdin: str | None = None) -> str:
    home = {"HOME": str(config.parent), "PATH": "/usr/local/bin:/usr/bin:/bin"}
    argv = ["kubectl", f"--kubeconfig={config}", *arguments]
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60, check=False, env=home)
    assert done.returncode == 0, done.stderr
    return done.stdout


MANIFEST = """
apiVersion: v1
kind: Pod
metadata: {name: web-0, labels: {app: APP}}
spec: {nodeName: n1, containers: [{name: main, image: nginx}]}
"""


@needs_kubectl
def test_kubectl(alive: KubeControl, tmp_path: Path) -> None:
    config = alive.kubeconfig(tmp_path / "config")
    assert "created" in _kubectl(config, "apply", "-f", "-", stdin=MANIFEST)
    assert "configured" in _kubectl(config, "apply", "-f", "-", stdin=MANIFEST.replace("APP", "web"))
    _kubectl(config, "annotate", "pod", "web-0", "example.com/a=b")
    _kubectl(config, "label", "pod", "web-0", "tier=front")
    assert alive.labels("default", "web-0") == {"app": "web", "tier": "front"}
    alive.set_ip("default", "web-0", "10.0.0.7")
    shown = _kubectl(config, "get", "pods", "-o", "wide").split()
    assert {"web-0", "1/1", "Running", "10.0.0.7", "n1"} <= set(shown)
    described = _kubectl(config, "describe", "pod", "web-0")
    assert "example.com/a: b" in described
    _kubectl(config, "delete", "pod", "web-0")
    assert _gone(alive, "default", "web-0")


@needs_kubectl
def test_kubectl_shows_the_other_kinds(kube: KubeServer, control: KubeControl, tmp_path: Path) -> None:
    config = control.kubeconfig(tmp_path / "config")
    control.node("n1")
    control.pod("default", "a")
    client = ApiClient(kube.url)
    api = KubeApi(client, "default")
    api.lease("l", holderIdentity="me")
    api.ok("POST", api.events(), event_body("e", control.get_pod("default", "a"), message="look here"))
    client.close()
    assert "kube-system" in _kubectl(config, "get", "namespaces")
    assert "Ready" in _kubectl(config, "get", "nodes")
    assert "me" in _kubectl(config, "get", "leases")
    assert "look here" in _kubectl(config, "get", "events")
    assert "look here" in _kubectl(config, "describe", "pod", "a")


def test_process(tmp_path: Path) -> None:
    config = tmp_path / "config"
    argv = [sys.executable, "-m", "sandbox.kube", "--kubeconfig", str(config), "--kubelet-seconds", "1"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            with KubeControl(url) as control:
                assert control.pod("default", "a", ip="10.0.0.7")
            assert url in config.read_text()
        finally:
            process.terminate()
        assert process.wait(LIMIT_SECONDS) == 0


def test_two_thousand_pods_in_pages(kube: KubeServer, control: KubeControl) -> None:
    for number in range(2000):
        control.pod("default", f"p{number}")
    client = ApiClient(kube.url)
    api = KubeApi(client, "default")
    names, token = [], ""
    while True:
        page = api.list(api.pods(), limit=500, **{"continue": token})
        names += [item["metadata"]["name"] for item in page["items"]]
        if not (token := page["metadata"].get("continue", "")):
            break
    assert (len(names), len(set(names))) == (2000, 2000)
    client.close()
