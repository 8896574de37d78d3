"""The permissions that the adapter needs, tried on a real API server with RBAC: all of them, and each one missing."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from controller.core.ports import EventType, Lease, PodEvent, PodView
from controller.kube.connection import Connection, connect
from controller.kube.eventapi import EventApi, Said
from controller.kube.identity import ClusterIdentity
from controller.kube.lease import KubeLeaseStore
from controller.kube.pods import KubePods
from state.errors import AccessDenied, PodEipError
from state.model import PodUid
from tests.contract.kubeadapter_worlds import Switch, until
from tests.real.cluster import RealCluster
from tests.real.servers import MissingPart

NAMESPACE, LEASE = "eip", "aws-pod-eip-controller"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ACCOUNT = {"kind": "ServiceAccount", "name": "controller", "namespace": NAMESPACE}
LABELS = {"aws-samples.github.com/aws-pod-eip-controller-type": "auto"}
QUOTA = PodEvent(type=EventType.WARNING, reason="EIPAssociationFailed", message="AddressLimitExceeded")
Rules = list[dict[str, Any]]

CLUSTER_RULES: Rules = [
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["patch"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "get", "patch"]},
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]},
]
LEASES = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
LEASE_RULES: Rules = [
    {**LEASES, "verbs": ["create"]},
    {**LEASES, "resourceNames": [LEASE], "verbs": ["get", "update", "watch"]},
]
VERBS = [(rule["resources"][0], verb) for rule in (*CLUSTER_RULES, *LEASE_RULES) for verb in rule["verbs"]]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RealCluster]:
    """A real cluster with a ServiceAccount that may do nothing yet."""
    try:
        with RealCluster() as made:
            made.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
            yield made
    except MissingPart as missing:
        pytest.skip(str(missing))


def grant(cluster: RealCluster, kind: str, path: str, rules: Rules) -> None:
    """Give the ServiceAccount a role with exactly these rules."""
    role, binding = f"{path}/{kind.lower()}s", f"{path}/{kind.lower()}bindings"
    body = {"metadata": {"name": "eip"}, "rules": rules}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": "eip"}
    cluster.create(role, body)
    cluster.request("PUT", f"{role}/eip", body)
    cluster.create(binding, {"metadata": {"name": "eip"}, "roleRef": reference, "subjects": [ACCOUNT]})


@contextmanager
def allowed(cluster: RealCluster, without: tuple[str, str] | None = None) -> Iterator[Connection]:
    """A connection of the ServiceAccount with all permissions but one."""
    token = cluster.service_account_token(NAMESPACE, "controller")
    grant(cluster, "ClusterRole", RBAC, reduced(CLUSTER_RULES, without))
    grant(cluster, "Role", f"{RBAC}/namespaces/{NAMESPACE}", reduced(LEASE_RULES, without))
    connection = connect(str(cluster.kubeconfig_for(token)), version="1.2.3")
    try:
        yield connection
    finally:
        connection.close()


def reduced(rules: Rules, without: tuple[str, str] | None) -> Rules:
    """The rules without one verb of one resource."""
    kept = ({**rule, "verbs": [v for v in rule["verbs"] if (rule["resources"][0], v) != without]} for rule in rules)
    return [rule for rule in kept if rule["verbs"]]


def make_pod(cluster: RealCluster) -> PodView:
    """A fresh Pod."""
    pods = "/api/v1/namespaces/default/pods"
    body: Mapping[str, Any] = {
        "metadata": {"generateName": "web-"},
        "spec": {"nodeName": "n1", "containers": [{"name": "main", "image": "none"}]},
    }
    made = cluster.request("POST", pods, body)["metadata"]
    return PodView(uid=PodUid(made["uid"]), namespace="default", name=made["name"])


def deeds(cluster: RealCluster, connection: Connection) -> list[Callable[[], object]]:
    """Everything that the adapter ever asks for."""
    pod, identity = make_pod(cluster), ClusterIdentity(connection, time.monotonic)
    pods = KubePods(connection, Switch(), identity)
    store = KubeLeaseStore(connection, NAMESPACE, LEASE)
    said = Said(uid=pod.uid, namespace="default", name=pod.name, type=QUOTA.type, reason="R", message="M")
    events = EventApi(connection, "replica-1")
    lease = Lease(holder="me", duration_s=15)

    def elect() -> None:
        found = store.get() or store.create(lease)
        store.update(replace(found, holder="me"))
        next(store.watch(3.0))

    def inform() -> None:
        pods.start(lambda _: None)
        try:
            until(lambda: pods.synced and pods.get(pod.uid))
            until(lambda: pods.get(make_pod(cluster).uid), limit_s=4)
        finally:
            pods.stop()

    return [
        identity.uid,
        lambda: pods.fetch("default", pod.name),
        lambda: pods.patch_labels(pod, LABELS),
        lambda: pods.patch_condition(pod, status=True, reason="Associated", message=""),
        pods.own_instances,
        lambda: pods.instance_of("n1"),
        lambda: [events.tell(said, told, 1, first=STAMP, last=STAMP) for told in (0, 0, 2)],
        elect,
        inform,
    ]


STAMP = "2026-01-02T03:04:05Z"


@pytest.mark.real
def test_the_permissions_are_enough(cluster: RealCluster) -> None:
    with allowed(cluster) as connection:
        for deed in deeds(cluster, connection):
            until(partial(permitted, deed), limit_s=10)  # an API server takes a moment to see a new role


def permitted(deed: Callable[[], object]) -> bool:
    """Whether the deed was allowed."""
    try:
        deed()
    except AccessDenied:
        return False
    return True


@pytest.mark.real
@pytest.mark.parametrize("missing", [verb for verb in VERBS if verb[1] not in ("list", "watch") or verb[0] != "pods"])
def test_no_permission_is_too_much(cluster: RealCluster, missing: tuple[str, str]) -> None:
    cluster.request("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases")
    with allowed(cluster, without=missing) as connection:
        until(lambda: any(refused(deed) for deed in deeds(cluster, connection)[:-1]), limit_s=10)


def refused(deed: Callable[[], object]) -> bool:
    """Whether the deed was refused for a missing permission."""
    try:
        deed()
    except PodEipError as error:
        return isinstance(error, AccessDenied) and "Allow '" in error.advice
    return False
