"""The controller's own Pods, as a real API server lists them: one that was evicted stays there, and is no replica."""

import pytest

from controller.kube.connection import connect
from controller.kube.replicas import ReplicaReader
from tests.real.host import RealHost

pytestmark = pytest.mark.real
PODS = "/api/v1/namespaces/eip/pods"


def test_an_evicted_pod_is_no_replica(real_host: RealHost) -> None:
    with real_host.cluster() as real:
        real.create("/api/v1/namespaces", {"metadata": {"name": "eip"}})
        real.create("/api/v1/namespaces/eip/serviceaccounts", {"metadata": {"name": "default"}})
        phases = {"alive": "Running", "evicted": "Failed", "done": "Succeeded", "young": "Pending"}
        for name, phase in phases.items():
            metadata = {"name": name, "labels": {"app": "eip"}}
            real.create(PODS, {"metadata": metadata, "spec": {"containers": [{"name": "main", "image": "i"}]}})
            status = {"phase": phase, "reason": "Evicted" if phase == "Failed" else ""}
            merge = "application/merge-patch+json"
            real.request("PATCH", f"{PODS}/{name}/status", {"status": status}, content_type=merge)
        connection = connect(str(real.kubeconfig), version="1")
        assert [pod.name for pod in ReplicaReader(connection, "eip", "app=eip").read()] == ["alive", "young"]
        connection.close()
