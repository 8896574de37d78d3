"""A real Kubernetes cluster on loopback for tests: etcd, kube-apiserver with RBAC, and on demand what makes it live.

Alone, the API server has no kubelet and no controllers: a test makes a Pod with `spec.nodeName`, patches its status
and deletes it with grace period 0. With `live=True` the controller manager and the scheduler run too, and Deployments,
garbage collection and node loss are the real thing; kwok is the kubelet of all Nodes, unless `kwok=False`.
"""

import json
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.process import Child, free_port
from tests.real import etcd, servers
from tests.real.audit import Request, read_log
from tests.real.catalogue import KUBERNETES
from tests.real.keys import ADMIN_TOKEN, write_kubeconfig, write_signing_key, write_users

CALL_S = 60.0  # thousands of Pods are deleted by one call


class ApiError(RuntimeError):
    """The API server refused a request: `code` is the HTTP status, the message is its own."""

    def __init__(self, code: int, message: str):
        super().__init__(f"{code}: {message}")
        self.code = code


class RealCluster:
    """A running cluster, as a context manager. MissingPart if a program has not been built, StartError if one fails.

    `url`, `ca` (its certificates, for verification), `token` and `kubeconfig` (both of an administrator) stay the
    same while the API server is stopped and started again.
    """

    def __init__(self, *, kubernetes: str = KUBERNETES[0], live: bool = False, kwok: bool = True):
        self._stack = ExitStack()
        self._live, self._kwok = live, kwok
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="real-cluster-"))
        self._place = servers.Place(folder=Path(folder), kubernetes=kubernetes)
        self._port = free_port()
        self._key = write_signing_key(self.folder / "tokens.key")
        self._users = write_users(self.folder / "users.csv")
        self._api: Child | None = None
        self._etcd = ""
        self.url = f"https://127.0.0.1:{self._port}"
        self.ca = self.folder / "api" / "apiserver.crt"
        self.token = ADMIN_TOKEN
        self.kubeconfig = self.kubeconfig_for(ADMIN_TOKEN, "admin")

    @property
    def folder(self) -> Path:
        """Where the servers' files and logs are, until the cluster ends."""
        return self._place.folder

    def __enter__(self) -> Self:
        if self._etcd:
            raise RuntimeError("this cluster has been started before; two servers would share its folder")
        with ExitStack() as undo:
            undo.callback(self._stack.close)
            for name in ("etcd", "kube-apiserver"):
                self._place.program(name)
            database, self._etcd = servers.start_etcd(self._place)
            self._stack.callback(database.stop)
            self._stack.callback(self.stop_api)
            self.start_api()
            if self._live:
                self._start_life()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start_life(self) -> None:
        manager = servers.start_controller_manager(self._place, self.kubeconfig, self._key)
        self._stack.callback(manager.stop)
        self._stack.callback(servers.start_scheduler(self._place, self.kubeconfig).stop)
        if self._kwok:
            self._stack.callback(servers.start_kwok(self._place, self.kubeconfig).stop)

    def start_api(self) -> None:
        """Start the API server on its port, and return when it is ready. Nothing happens if it runs."""
        if self._api is not None:
            return
        flags = servers.api_server_flags(
            self._place, etcd=self._etcd, port=self._port, key=self._key, users=self._users
        )
        probe = servers.trusting(f"{self.url}/readyz", self.ca, ADMIN_TOKEN)
        self._api = self._place.start("kube-apiserver", flags, probe)

    def stop_api(self, *, grace: float = 5) -> None:
        """Stop the API server alone; etcd keeps everything. It is killed after `grace` seconds, at once for 0."""
        if self._api is not None:
            self._api.stop(grace)
            self._api = None

    def compact(self) -> int:
        """Let etcd forget every version but the newest, which is given."""
        return etcd.compact(self._etcd)

    def requests(self) -> list[Request]:
        """What ServiceAccounts have asked so far, by the API server's audit log."""
        return read_log(self.folder / servers.AUDIT_LOG)

    def kubeconfig_for(self, token: str, name: str = "client") -> Path:
        """Write a kubeconfig for the bearer of a token; `name` is that of the file."""
        return write_kubeconfig(self.folder / f"{name}.kubeconfig", server=self.url, ca=self.ca, token=token)

    def service_account_token(self, namespace: str, name: str, *, seconds: int = 3600) -> str:
        """A token of a ServiceAccount, which is made if it is not there, by TokenRequest (10 minutes at least)."""
        self.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": name}})
        return self.token_of(namespace, name, seconds=seconds)

    def token_of(self, namespace: str, name: str, *, seconds: int = 3600) -> str:
        """A token of a ServiceAccount by TokenRequest. ApiError, code 404, if there is no such account."""
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": seconds},
        }
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        token: str = self.request("POST", path, request)["status"]["token"]
        return token

    def create(self, path: str, body: Mapping[str, Any]) -> None:
        """POST an object; one of that name that is there already stays as it is."""
        try:
            self.request("POST", path, body)
        except ApiError as error:
            if error.code != 409:
                raise

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=str(self.ca))
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        token: str = ADMIN_TOKEN,
    ) -> Any:
        """One call as the bearer of `token`; gives the decoded answer. ApiError if it is refused."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=CALL_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, error.read().decode(errors="replace")) from error

    def program(self, name: str) -> Path:
        """One of Kubernetes' programs, of this cluster's version."""
        return self._place.program(name)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator; gives its output. CalledProcessError if it fails."""
        argv = [str(self._place.program("kubectl")), f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    def add_node(self, name: str, *, ip: str, pod_cidr: str, provider_id: str = "") -> None:
        """Make a Node with an internal IP, whose Pods get IPs of `pod_cidr` from kwok, if it runs."""
        spec = {"podCIDR": pod_cidr, "podCIDRs": [pod_cidr], "providerID": provider_id}
        metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
        self.request("POST", "/api/v1/nodes", {"metadata": metadata, "spec": spec})
        addresses = [{"type": "InternalIP", "address": ip}, {"type": "Hostname", "address": name}]
        status = {"addresses": addresses, "capacity": {"cpu": "64", "memory": "256Gi", "pods": "1000"}}
        self.request(
            "PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, content_type="application/merge-patch+json"
        )

    def serve_kubelet(self, node: str, *, ip: str, port: int) -> None:
        """Tell the API server that the Node's kubelet listens there; it does not verify its certificate."""
        addresses = [{"type": "ExternalIP", "address": ip}]
        status = {"addresses": addresses, "daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}
        path = f"/api/v1/nodes/{node}/status"
        self.request("PATCH", path, {"status": status}, content_type="application/strategic-merge-patch+json")
