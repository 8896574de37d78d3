"""`kubectl eip` with the real kubectl and API server, and as krew installs it.

`exec`, which needs a kubelet, is a stand-in's here; `test_helm_wait.py` has the whole way.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubectl.plugin import FOLDER, NAME
from tests.real.cluster import RealCluster

pytestmark = pytest.mark.real
LEASE = "/apis/coordination.k8s.io/v1/namespaces/leases/leases"


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    """An API server alone, with two of the controller's Pods, and the Lease that one of them holds."""
    with RealCluster() as running:
        for namespace in ("net", "leases", "games"):
            running.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        for name in ("mine-1", "mine-2"):
            add_pod(running, name)
        body = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "mine-2_0b1e-77"}}
        running.create(LEASE, body)
        yield running


def add_pod(cluster: RealCluster, name: str, release: str = "mine") -> None:
    """One of the controller's, as the chart makes it, that runs."""
    labels = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": release}
    env = [
        {"name": "PEC_TABLE", "value": "t"},
        {"name": "PEC_LEASE_NAME", "value": "l"},
        {"name": "PEC_LEASE_NAMESPACE", "value": "leases"},
    ]
    containers = [{"name": NAME, "image": "i", "env": env}, {"name": "sidecar", "image": "i"}]
    body = {"metadata": {"name": name, "labels": labels}, "spec": {"containers": containers}}
    cluster.create("/api/v1/namespaces/net/serviceaccounts", {"metadata": {"name": "default"}})
    cluster.create("/api/v1/namespaces/net/pods", body)
    status = {"status": {"phase": "Running"}}
    path = f"/api/v1/namespaces/net/pods/{name}/status"
    cluster.request("PATCH", path, status, content_type="application/merge-patch+json")


def plugin(
    cluster: RealCluster, folder: Path, *words: str, kubeconfig: Path | None = None
) -> tuple[int, str, list[str]]:
    """Its exit code, what it complained of, and the words of `exec`."""
    real = cluster.program("kubectl")
    file = folder / "kubectl"
    file.write_text(
        f"""#!/bin/sh
for word in "$@"; do
  if [ "$word" = exec ]; then printf '%s\\n' "$@" > {folder}/exec; exit 0; fi
done
exec {real} "$@"
"""
    )
    file.chmod(0o755)
    env = {**os.environ, "KUBECTL": str(file)}
    argv = [str(FOLDER / "kubectl-eip"), f"--kubeconfig={kubeconfig or cluster.kubeconfig}", *words]
    ended = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)
    sent = folder / "exec"
    return ended.returncode, ended.stderr, sent.read_text().splitlines() if sent.exists() else []


def test_the_leader_is_found_by_its_lease(cluster: RealCluster, tmp_path: Path) -> None:
    code, said, sent = plugin(cluster, tmp_path, "explain", "games/server-1")
    assert (code, said) == (0, "")
    assert sent[1:] == [
        "exec",
        "--namespace=net",
        "mine-2",
        f"--container={NAME}",
        "--",
        NAME,
        "explain",
        "games/server-1",
    ]


def test_who_may_do_nothing_is_told_so(cluster: RealCluster, tmp_path: Path) -> None:
    nobody = cluster.kubeconfig_for(cluster.service_account_token("default", "nobody"), "nobody")
    code, said, sent = plugin(cluster, tmp_path, "status", kubeconfig=nobody)
    assert (code, sent) == (1, [])
    assert "forbidden" in said.lower()
    assert "name the controller's: -n NAMESPACE" in said


def test_kubectl_lists_the_plugin_and_completes_its_words(cluster: RealCluster) -> None:
    real = str(cluster.program("kubectl"))
    path = f"{FOLDER}{os.pathsep}{Path(real).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "KUBECONFIG": str(cluster.kubeconfig), "KUBECTL": real}

    def run(*words: str) -> str:
        return subprocess.run([real, *words], env=env, capture_output=True, text=True, timeout=60, check=True).stdout

    assert str(FOLDER / "kubectl-eip") in run("plugin", "list")
    assert run("__complete", "eip", "").splitlines() == ["status", "explain", "doctor", ":4"]
    assert run("__complete", "eip", "explain", "ga").splitlines() == ["games/", ":6"]
    assert run("__complete", "eip", "explain", "net/mine").splitlines() == ["net/mine-1", "net/mine-2", ":4"]
    assert json.loads(run("get", "--raw", f"{LEASE}/l"))["spec"]["holderIdentity"].startswith("mine-2")


def test_krew_installs_it_and_kubectl_finds_it(cluster: RealCluster, tmp_path: Path) -> None:
    dist, real = tmp_path / "dist", cluster.program("kubectl")
    root = {"KREW_ROOT": str(tmp_path / "krew"), "HOME": str(tmp_path)}
    path = os.pathsep.join((f"{tmp_path}/krew/bin", str(real.parent), os.environ["PATH"]))

    def run(*argv: str) -> str:
        env = {**root, "PATH": path, "KUBECTL": str(real)}
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=True).stdout

    run(sys.executable, str(FOLDER / "krew.py"), str(dist), "--url", "https://example.com/kubectl-eip.tar.gz")
    run(
        str(cluster.program("krew")),
        "install",
        f"--manifest={dist / 'eip.yaml'}",
        f"--archive={dist / 'kubectl-eip.tar.gz'}",
    )
    assert f"{tmp_path}/krew/bin/kubectl-eip" in run(str(real), "plugin", "list")
    assert "kubectl eip explain [NAMESPACE/]POD" in run(str(real), "eip", "--help")
