"""The command line of each program of a real cluster, and how to tell that it is ready.

The flags are the fewest with which each one runs alone on loopback: no kubelet, no cloud, no leader election, and
etcd without fsync, for its data is gone with the test.
"""

import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.process import Child, Probe, answers, free_port
from tests.real.catalogue import Part, parts

AUDIT_LOG = "audit.log"
START_S = 60.0  # a server that is not ready by then, even on a busy machine, will not be


class MissingPart(RuntimeError):
    """A program has not been built here; the message says how to get it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the servers of one cluster keep their files, and which version of Kubernetes they are."""

    folder: Path
    kubernetes: str

    def program(self, name: str) -> Path:
        """The path of a program. MissingPart if it has not been built."""
        found = self.part(name).program()
        if found is None:
            raise MissingPart(f"{name} has not been built: python -m tests.real.build --kubernetes {self.kubernetes}")
        return found

    def part(self, name: str) -> Part:
        """The part of that name at this version of Kubernetes."""
        return parts(self.kubernetes)[name]

    def start(self, name: str, flags: Sequence[str], probe: Probe) -> Child:
        """Start a program, wait until it is ready, and keep its output in a file of its name."""
        child = Child([self.program(name), *flags], log=self.folder / f"{name}.log")
        return child.wait_ready(probe, START_S)


def trusting(url: str, ca: Path, token: str) -> Probe:
    """A probe of an HTTPS server that makes its own certificate while it starts."""

    def probe() -> bool:
        try:
            context = ssl.create_default_context(cafile=str(ca))
        except (FileNotFoundError, ssl.SSLError):  # not written yet, or half of it
            return False
        return answers(url, context=context, headers={"Authorization": f"Bearer {token}"})()

    return probe


def start_etcd(place: Place) -> tuple[Child, str]:
    """Start etcd; gives it and its URL."""
    url, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    flags = ["--data-dir", str(place.folder / "etcd"), "--unsafe-no-fsync", "--log-level", "warn"]
    flags += ["--listen-client-urls", url, "--advertise-client-urls", url]
    flags += ["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}"]
    return place.start("etcd", flags, answers(f"{url}/health")), url


def api_server_flags(place: Place, *, etcd: str, port: int, key: Path, users: Path) -> list[str]:
    """RBAC is on. The ServiceAccount admission plugin is off: without controllers no Pod would get past it.

    A kubelet is looked for at its Node's external IP, for tests make up names and internal IPs.
    """
    return [
        f"--etcd-servers={etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={place.folder / 'api'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        f"--token-auth-file={users}",
        "--authorization-mode=RBAC",
        "--disable-admission-plugins=ServiceAccount",
        "--service-cluster-ip-range=10.96.0.0/16",
        "--endpoint-reconciler-type=none",
        "--kubelet-preferred-address-types=ExternalIP",
        f"--audit-policy-file={write_audit_policy(place.folder / 'audit.json')}",
        f"--audit-log-path={place.folder / AUDIT_LOG}",
    ]


def write_audit_policy(path: Path) -> Path:
    """Log what ServiceAccounts ask, once for each request: when its answer has begun or, if it is no watch, ended."""
    rules = [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}]
    policy = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": rules}
    path.write_text(json.dumps(policy))
    return path


def start_controller_manager(place: Place, kubeconfig: Path, key: Path) -> Child:
    """Start the controllers: Deployments, StatefulSets, garbage collection, namespaces, node loss after 15 s."""
    port, certs = free_port(), place.folder / "controller-manager"
    flags = ["--kubeconfig", str(kubeconfig), "--service-account-private-key-file", str(key), "--leader-elect=false"]
    flags += ["--node-monitor-grace-period=15s", "--bind-address=127.0.0.1"]
    flags += [f"--secure-port={port}", f"--cert-dir={certs}"]
    probe = trusting(f"https://127.0.0.1:{port}/healthz", certs / "kube-controller-manager.crt", "")
    return place.start("kube-controller-manager", flags, probe)


def start_scheduler(place: Place, kubeconfig: Path) -> Child:
    """Start the scheduler, which gives Pods a node."""
    port, certs = free_port(), place.folder / "scheduler"
    flags = ["--kubeconfig", str(kubeconfig), "--leader-elect=false", "--bind-address=127.0.0.1"]
    flags += [f"--secure-port={port}", f"--cert-dir={certs}"]
    probe = trusting(f"https://127.0.0.1:{port}/healthz", certs / "kube-scheduler.crt", "")
    return place.start("kube-scheduler", flags, probe)


def start_kwok(place: Place, kubeconfig: Path) -> Child:
    """Start kwok, which plays the kubelet of every node: Pods become Ready with an IP of the node's podCIDR.

    It renews a node's Lease every quarter of the duration, which must be sooner than the controllers' patience.
    """
    address = f"127.0.0.1:{free_port()}"
    stages = place.part("kwok").folder / "stages.yaml"
    flags = ["--kubeconfig", str(kubeconfig), "--manage-all-nodes=true", "--config", str(stages)]
    flags += ["--node-lease-duration-seconds=12"]
    return place.start("kwok", [*flags, "--server-address", address], answers(f"http://{address}/healthz"))
