"""What a scheduler, a kubelet and a user do, in one line each, for tests and the demo.

Only the public API is used, so the same lines work on a real API server: a Pod is created with its node, then
its status is patched, as a kubelet would.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.kube.client import MERGE, ApiClient, UnexpectedAnswerError
from sandbox.kube.resources import Json

CONDITIONS = ("Initialized", "ContainersReady", "PodScheduled")


def terminated(body: Json) -> Json:
    """The Pod's status once all its containers have ended."""
    state = {"terminated": {"exitCode": 0, "reason": "Completed"}}
    ended = [{**c, "ready": False, "state": state} for c in _container_statuses(body)]
    status: Json = body.get("status", {})
    return status | {"containerStatuses": ended}


def _container_statuses(body: Json, *, running: bool = False) -> list[Json]:
    known = {c["name"]: c for c in body.get("status", {}).get("containerStatuses", [])}
    state: Json = {"running": {}} if running else {"waiting": {}}
    fresh = {"ready": running, "restartCount": 0, "imageID": "", "started": running, "state": state}
    return [known.get(c["name"], {"name": c["name"], "image": c["image"], **fresh}) for c in body["spec"]["containers"]]


def _pod_path(namespace: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/pods" + (f"/{name}" if name else "")


class Cluster:
    """Pods, Nodes and namespaces of one cluster, through its API."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    @property
    def client(self) -> ApiClient:
        """The API itself, for what has no line here."""
        return self._client

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def pod(
        self,
        namespace: str,
        name: str,
        *,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        ip: str = "",
        node: str = "",
        phase: str = "Running",
        grace_seconds: int = 30,
        host_network: bool = False,
        readiness_gates: Sequence[str] = (),
    ) -> str:
        """Create a Pod and answer its UID; with an IP it is Running at once. A missing namespace is made."""
        spec: Json = {"containers": [{"name": "main", "image": "sandbox"}], "hostNetwork": host_network}
        spec |= {"terminationGracePeriodSeconds": grace_seconds, **({"nodeName": node} if node else {})}
        spec |= {"readinessGates": [{"conditionType": gate} for gate in readiness_gates]}
        meta = {"name": name, "annotations": dict(annotations or {}), "labels": dict(labels or {})}
        made = self._create_in(namespace, _pod_path(namespace), {"metadata": meta, "spec": spec})
        if ip:
            self.set_ip(namespace, name, ip, phase=phase)
        return str(made["metadata"]["uid"])

    def _create_in(self, namespace: str, path: str, body: Json) -> Json:
        try:
            return self._client.call("POST", path, body)
        except UnexpectedAnswerError as error:
            if error.code != 404:
                raise
        self.namespace(namespace)
        return self._client.call("POST", path, body)

    def namespace(self, name: str) -> str:
        """Make sure that the namespace exists; its UID."""
        try:
            made = self._client.call("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        except UnexpectedAnswerError as error:
            if error.reason != "AlreadyExists":
                raise
            made = self._client.call("GET", f"/api/v1/namespaces/{name}")
        return str(made["metadata"]["uid"])

    def delete_namespace(self, name: str) -> None:
        """Delete the namespace with everything in it."""
        self._client.call("DELETE", f"/api/v1/namespaces/{name}")

    def node(self, name: str, *, provider_id: str = "", ip: str = "", labels: Mapping[str, str] | None = None) -> str:
        """Create a ready Node; its UID."""
        spec = {"providerID": provider_id} if provider_id else {}
        addresses = [{"type": "Hostname", "address": name}]
        addresses += [{"type": "InternalIP", "address": ip}] if ip else []
        ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
        body = {"metadata": {"name": name, "labels": dict(labels or {})}, "spec": spec}
        status = {"addresses": addresses, "conditions": [ready], "nodeInfo": {}}
        made = self._client.call("POST", "/api/v1/nodes", body)
        self._client.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, MERGE)
        return str(made["metadata"]["uid"])

    def delete_node(self, name: str) -> None:
        """Delete the Node; its Pods stay, as when a machine is lost."""
        self._client.call("DELETE", f"/api/v1/nodes/{name}")

    def get_pod(self, namespace: str, name: str) -> Json:
        """The Pod; UnexpectedAnswerError with code 404 where there is none."""
        return self._client.call("GET", _pod_path(namespace, name))

    def pods(self, namespace: str = "", label_selector: str = "") -> list[Json]:
        """All Pods, of one namespace or of all."""
        path = _pod_path(namespace) if namespace else "/api/v1/pods"
        items: list[Json] = self._client.call("GET", f"{path}?labelSelector={label_selector}")["items"]
        return items

    def labels(self, namespace: str, name: str) -> dict[str, str]:
        """The Pod's labels."""
        return dict(self.get_pod(namespace, name)["metadata"].get("labels", {}))

    def conditions(self, namespace: str, name: str) -> dict[str, str]:
        """The Pod's conditions: status by type."""
        found = self.get_pod(namespace, name)["status"].get("conditions", [])
        return {c["type"]: c["status"] for c in found}

    def events(self, namespace: str, name: str) -> list[Json]:
        """The events about the Pod of that name, in the order of their names."""
        selector = f"involvedObject.kind=Pod,involvedObject.name={name}"
        path = f"/api/v1/namespaces/{namespace}/events?fieldSelector={selector}"
        items: list[Json] = self._client.call("GET", path)["items"]
        return items

    def annotate(self, namespace: str, name: str, annotations: Mapping[str, str | None]) -> None:
        """Set annotations; None removes one."""
        self._patch(namespace, name, {"metadata": {"annotations": dict(annotations)}})

    def set_labels(self, namespace: str, name: str, labels: Mapping[str, str | None]) -> None:
        """Set labels; None removes one."""
        self._patch(namespace, name, {"metadata": {"labels": dict(labels)}})

    def set_ip(self, namespace: str, name: str, ip: str, *, phase: str = "Running") -> None:
        """Give the Pod an IP and a phase, as its kubelet does when the sandbox of the Pod is up; "" takes it."""
        running = _container_statuses(self.get_pod(namespace, name), running=phase == "Running")
        conditions = [{"type": kind, "status": "True"} for kind in CONDITIONS]
        status: Json = {"phase": phase, "conditions": conditions, "containerStatuses": running}
        ips: Json = {"podIP": ip, "podIPs": [{"ip": ip}]} if ip else {"podIP": None, "podIPs": None}
        self.set_status(namespace, name, status | ips)

    def set_phase(self, namespace: str, name: str, phase: str) -> None:
        """Set the Pod's phase; a terminal one also ends its containers."""
        ended = terminated(self.get_pod(namespace, name)) if phase in ("Succeeded", "Failed") else {}
        self.set_status(namespace, name, ended | {"phase": phase})

    def terminate_containers(self, namespace: str, name: str) -> None:
        """Mark all containers terminated and leave the phase as it is."""
        self.set_status(namespace, name, terminated(self.get_pod(namespace, name)))

    def delete_pod(self, namespace: str, name: str, *, grace_seconds: int | None = 0, uid: str = "") -> None:
        """Delete the Pod: at once by default, with its own grace if None; a UID is a precondition."""
        options: Json = {"preconditions": {"uid": uid}} if uid else {}
        options |= {} if grace_seconds is None else {"gracePeriodSeconds": grace_seconds}
        self._client.call("DELETE", _pod_path(namespace, name), options)

    def cluster_uid(self) -> str:
        """The UID of `kube-system`, by which the cluster is known."""
        return str(self._client.call("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"])

    def lease(self, namespace: str, name: str) -> Json:
        """The Lease; UnexpectedAnswerError with code 404 where there is none."""
        return self._client.call("GET", f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")

    def set_status(self, namespace: str, name: str, status: Any) -> None:
        """Merge this into the Pod's status; None removes a field."""
        self._client.call("PATCH", _pod_path(namespace, name) + "/status", {"status": status}, MERGE)

    def _patch(self, namespace: str, name: str, patch: Json) -> None:
        self._client.call("PATCH", _pod_path(namespace, name), patch, MERGE)
