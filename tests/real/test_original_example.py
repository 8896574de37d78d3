"""The Go controller's own example, in our words and with its contract: a Deployment that waits for its address's label.

Its init container looks with grep for a line of the file that the downward API makes of the Pod's labels. kwok runs no
containers, so the file is made here as the kubelet makes it (Kubernetes source, pkg/fieldpath: `key="value"`, a line
each, sorted by key), and the real grep runs on it.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import ClusterSettings, WorldSettings
from tests.e2e.scene import QUICK, Scene, running
from tests.real.cluster import RealCluster
from tests.real.host import RealHost
from tests.real.live import LiveWorld

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

COLUMNS = (
    "NAME:.metadata.name,STATUS:.status.phase,PODIP:.status.podIP,EIP:.metadata.labels.aws-pod-eip-controller-public-ip"
)
LOOKS_FOR = "^aws-pod-eip-controller-public-ip?"
EXAMPLE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "example"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {
                "labels": {"app": "web"},
                "annotations": {"aws-samples.github.com/aws-pod-eip-controller-type": "auto"},
            },
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "initContainers": [
                    {
                        "name": "wait",
                        "image": "busybox",
                        "command": ["sh", "-c", f"until grep -E '{LOOKS_FOR}' /etc/podinfo/labels; do sleep 2; done"],
                        "volumeMounts": [{"name": "podinfo", "mountPath": "/etc/podinfo"}],
                    }
                ],
                "containers": [{"name": "web", "image": "nginx"}],
                "volumes": [
                    {
                        "name": "podinfo",
                        "downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]},
                    }
                ],
            },
        },
    },
}


@pytest.fixture
def scene(real_host: RealHost, tmp_path: Path) -> Iterator[Scene]:
    """A live cluster whose only replica leads."""
    settings = WorldSettings(clusters=(ClusterSettings(name="a", nodes=1, replicas=1),), flags=QUICK)
    with (
        RealCluster(live=True) as real,
        LiveWorld(settings, tmp_path / "world", host=real_host, real=real) as made,
        running(made),
    ):
        made.control.namespace("example")
        yield Scene(made, made.clusters["a"], "example")


def labels_file(pod: dict[str, Any]) -> str:
    """The file that the kubelet makes of the Pod's labels; Go's %q and JSON quote what labels may hold alike."""
    labels = pod["metadata"].get("labels", {})
    return "\n".join(f"{key}={json.dumps(labels[key])}" for key in sorted(labels))


def found_by_init_container(scene: Scene, file: Path) -> str:
    """What the example's grep finds in the file now; nothing where it would go on waiting."""
    [pod] = scene.cluster.kube.pods("example")
    file.write_text(labels_file(pod))
    return subprocess.run(["grep", "-E", LOOKS_FOR, str(file)], capture_output=True, text=True, check=False).stdout


def test_the_example_starts_shows_its_address_and_gives_it_back(scene: Scene, tmp_path: Path) -> None:
    assert isinstance(scene.world, LiveWorld)
    control = scene.world.control
    control.apply(EXAMPLE)
    scene.eventually(lambda: scene.cluster.kube.pods("example"), "the Deployment has its Pod")
    file = tmp_path / "labels"
    scene.eventually(lambda: found_by_init_container(scene, file), "the init container ends")
    [pod] = scene.cluster.kube.pods("example")
    [address] = [a for a in scene.addresses() if a.association]
    assert address.association is not None
    assert address.association.private_ip == pod["status"]["podIP"]
    assert found_by_init_container(scene, file) == f'aws-pod-eip-controller-public-ip="{address.public_ip}"\n'
    kubectl = control.real.kubectl
    shown = kubectl("get", "pods", pod["metadata"]["name"], f"-o=custom-columns={COLUMNS}", "-n", "example")
    assert shown.split("\n")[1].split()[2:] == [pod["status"]["podIP"], address.public_ip]
    kubectl("delete", "deployment", "web", "-n", "example")
    scene.eventually(lambda: scene.address(address.allocation_id) is None, "deletion releases the address")
