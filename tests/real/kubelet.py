"""A kubelet for the controller's own Pods: it runs them, asks their probes, and says what it found.

With it, the real controllers and the real scheduler, the chart's Deployment runs: `helm install --wait` and `helm test`
wait for processes of the product, and for nothing that was made up.
"""

import threading
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.real.cluster import ApiError, RealCluster
from tests.real.process_pod import IP, ProcessPod

STRATEGIC = "application/strategic-merge-patch+json"
TURN_S = 0.3
GONE = (404, 409)
"""The Pod, or the one with this UID, is not there any more."""
HEARTBEAT_TURNS = 15
ROOM = {"cpu": "64", "memory": "256Gi", "pods": "1000"}


class Kubelet:
    """Runs the Pods of one namespace on one Node, which exists. A context manager: it ends the processes."""

    def __init__(self, real: RealCluster, *, node: str, namespace: str, folder: Path) -> None:
        self._real, self._node, self._folder = real, node, folder
        self._pods_path = f"/api/v1/namespaces/{namespace}/pods"
        self._pods: dict[str, ProcessPod] = {}
        self._told: dict[str, object] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet", daemon=True)

    def __enter__(self) -> Self:
        self._heartbeat()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for pod in self._pods.values():
            if pod.child is not None:
                pod.child.stop()

    def log(self, name: str) -> str:
        """What the Pod of this name has written."""
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def url(self, uid: str) -> str:
        """Where the Pod of this UID serves, as a port-forward would find it."""
        return f"http://{IP}:{self._pods[uid].port}"

    @property
    def pods(self) -> list[ProcessPod]:
        """Those that run, or have run, under it."""
        return list(self._pods.values())

    def _run(self) -> None:
        turn = 0
        while not self._over.wait(TURN_S):
            turn += 1
            if turn % HEARTBEAT_TURNS == 0:
                self._heartbeat()
            for body in self._mine():
                self._follow(body)

    def _mine(self) -> list[dict[str, Any]]:
        """The Pods of this Node."""
        path = f"{self._pods_path}?fieldSelector=spec.nodeName={self._node}"
        found: list[dict[str, Any]] = self._real.request("GET", path)["items"]
        return found

    def _heartbeat(self) -> None:
        """The Node is Ready, and has room: what the controllers must hear in time, or they would evict its Pods."""
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        status = {"conditions": [ready], "capacity": ROOM, "allocatable": ROOM}
        path = f"/api/v1/nodes/{self._node}/status"
        self._real.request("PATCH", path, {"status": status}, content_type=STRATEGIC)

    def _follow(self, body: dict[str, Any]) -> None:
        uid, leaving = body["metadata"]["uid"], "deletionTimestamp" in body["metadata"]
        pod = self._pods.get(uid) or self._started(body)
        if pod is None:
            if leaving:
                self._delete(body)
        elif leaving:
            pod.body = body
            if pod.end():
                self._delete(body)
        else:
            pod.turn()
            self._tell(uid, pod)

    def _started(self, body: dict[str, Any]) -> ProcessPod | None:
        """The Pod, running; None: it ended under the kubelet before this one, it goes, or its account is not there."""
        if body["status"].get("phase") in ("Succeeded", "Failed") or "deletionTimestamp" in body["metadata"]:
            return None
        name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]
        try:
            token = self._real.token_of(namespace, body["spec"]["serviceAccountName"])
        except ApiError as error:
            if error.code != 404:
                raise
            return None  # as with the real one, whose volume with the token waits for the account
        pod = ProcessPod(body, self._real.kubeconfig_for(token, name), self._folder / f"{name}.log")
        pod.start()
        self._pods[body["metadata"]["uid"]] = pod
        return pod

    def _tell(self, uid: str, pod: ProcessPod) -> None:
        status = pod.status()
        if self._told.get(uid) != status:
            self._patch(pod.body["metadata"]["name"], status)
            self._told[uid] = status

    def _patch(self, name: str, status: dict[str, Any]) -> None:
        try:
            path = f"{self._pods_path}/{name}/status"
            self._real.request("PATCH", path, {"status": status}, content_type=STRATEGIC)
        except ApiError as error:
            if error.code not in GONE:
                raise

    def _delete(self, body: dict[str, Any]) -> None:
        """Take it out of the API, as a kubelet does once the containers have ended."""
        options = {"gracePeriodSeconds": 0, "preconditions": {"uid": body["metadata"]["uid"]}}
        try:
            self._real.request("DELETE", f"{self._pods_path}/{body['metadata']['name']}", options)
        except ApiError as error:
            if error.code not in GONE:
                raise
