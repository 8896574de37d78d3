"""Least privilege, tried on a real API server with RBAC: the chart's own roles are enough, and each verb is needed.

The rules are those that Helm renders, so a rule that the adapter does not need, or needs and does not have, cannot
come into the chart unseen. What matters to a user is said too: a missing permission is named by the error.
"""

import copy
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from controller.core.lease import Lease
from controller.core.views import EventType, PodEvent, PodView
from controller.kube.connection import Connection, connect
from controller.kube.eventapi import EventApi, Said
from controller.kube.identity import ClusterIdentity
from controller.kube.lease import KubeLeaseStore
from controller.kube.pods import KubePods
from controller.kube.replicas import ReplicaReader
from state.errors import AccessDenied, PodEipError
from state.model import PodUid
from tests.chart.helm import NAMESPACE, Release, render
from tests.contract.adapters.kube_worlds import LIMIT_S, Switch, until
from tests.real.cluster import RealCluster
from tests.real.host import RealHost
from tests.real.permissions import grant_release, put

pytestmark = pytest.mark.real

LEASE = "aws-pod-eip-controller"
LABELS = {"aws-pod-eip-controller-type": "auto"}
QUOTA = PodEvent(type=EventType.WARNING, reason="EIPAssociationFailed", message="AddressLimitExceeded")
STAMP = "2026-01-02T03:04:05Z"
POD = {"spec": {"nodeName": "n1", "containers": [{"name": "main", "image": "none"}]}}
Deed = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Grant:
    """One verb on one resource, in one rule of one role of a release."""

    role: int
    rule: int
    resource: str
    verb: str


def roles(release: Release) -> list[dict[str, Any]]:
    """All roles of the release."""
    return [*release.of_kind("ClusterRole"), *release.of_kind("Role")]


def grants(release: Release) -> list[Grant]:
    """Everything that the release's roles allow, piece by piece."""
    return [
        Grant(role, number, resource, verb)
        for role, found in enumerate(roles(release))
        for number, rule in enumerate(found["rules"])
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def reduced(role: dict[str, Any], grant: Grant) -> dict[str, Any]:
    """The role without that piece; no rule of the chart has more than one resource."""
    less = copy.deepcopy(role)
    [resource] = less["rules"][grant.rule]["resources"]
    assert resource == grant.resource
    less["rules"][grant.rule]["verbs"].remove(grant.verb)
    less["rules"] = [rule for rule in less["rules"] if rule["verbs"]]
    return less


@dataclass
class Account:
    """The chart's ServiceAccount at work: on all namespaces, or on one."""

    cluster: RealCluster
    connection: Connection
    release: Release
    watch_namespace: str

    @property
    def namespace(self) -> str:
        """Where its Pods are."""
        return self.watch_namespace or "default"

    def make_pod(self) -> PodView:
        """A fresh Pod."""
        pods = f"/api/v1/namespaces/{self.namespace}/pods"
        made = self.cluster.request("POST", pods, {"metadata": {"generateName": "web-"}, **POD})["metadata"]
        return PodView(uid=PodUid(made["uid"]), namespace=self.namespace, name=made["name"])

    @contextmanager
    def without(self, grant: Grant) -> Iterator[None]:
        """One piece less is allowed."""
        role = roles(self.release)[grant.role]
        put(self.cluster, role["kind"], reduced(role, grant))
        try:
            yield
        finally:
            put(self.cluster, role["kind"], role)

    def deeds(self) -> list[Deed]:
        """Everything that the adapter ever asks for, but for the informer."""
        pod, identity = self.make_pod(), ClusterIdentity(self.connection, time.monotonic)
        pods = KubePods(self.connection, Switch(), identity, namespace=self.watch_namespace)
        said = Said(uid=pod.uid, namespace=pod.namespace, name=pod.name, type=QUOTA.type, reason="R", message="M")
        own = Said(uid=pod.uid, namespace=NAMESPACE, name="controller", type=QUOTA.type, reason="R", message="M")
        events = EventApi(self.connection, "replica-1")
        return [
            identity.uid,
            lambda: pods.fetch(pod.namespace, pod.name),
            lambda: pods.patch_labels(pod, LABELS),
            lambda: pods.patch_condition(pod, status=True, reason="Associated", message=""),
            ReplicaReader(self.connection, NAMESPACE, "app.kubernetes.io/instance=eip").read,
            pods.own_instances,
            lambda: pods.read_instance("n1"),
            lambda: [events.tell(said, told, 1, first=STAMP, last=STAMP) for told in (0, 0, 2)],
            lambda: [events.tell(own, told, 1, first=STAMP, last=STAMP) for told in (0, 0, 2)],
            self.elect,
            KubeLeaseStore(self.connection, "kube-public", LEASE).get,  # an earlier install's
        ]

    def elect(self) -> None:
        """Make the Lease or find it, take it, and watch it."""
        store = KubeLeaseStore(self.connection, NAMESPACE, LEASE)
        found = store.get() or store.create(Lease(holder="me", duration_s=15))
        store.update(replace(found, holder="me"))
        next(store.watch(LIMIT_S))

    def forget_lease(self) -> None:
        """Take the Lease away, so that it has to be made."""
        self.cluster.request("DELETE", f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases")

    def informs(self, caplog: pytest.LogCaptureFixture) -> bool:
        """Whether the informer shows a new Pod; False once its log tells which permission is missing."""
        pods = KubePods(
            self.connection,
            Switch(),
            ClusterIdentity(self.connection, time.monotonic),
            namespace=self.watch_namespace,
        )
        pods.start(lambda _: None)
        try:
            until(lambda: pods.synced or "Allow '" in caplog.text)
            fresh = self.make_pod().uid
            until(lambda: pods.get(fresh) or "Allow '" in caplog.text)
            return pods.get(fresh) is not None
        finally:
            pods.stop()


@pytest.fixture(scope="module", params=["", "games"], ids=["all namespaces", "one namespace"])
def account(request: pytest.FixtureRequest, real_host: RealHost) -> Iterator[Account]:
    """An account with all permissions of the chart."""
    release = render({"clusterName": "a", "leaseName": LEASE, "watchNamespace": request.param})
    with real_host.cluster() as cluster:
        token = grant_release(cluster, release)
        connection = connect(str(cluster.kubeconfig_for(token, "account")), version="1.2.3")
        yield Account(cluster, connection, release, request.param)
        connection.close()


def refusal(deed: Deed) -> str:
    """The advice of the error if the deed was refused, else ""."""
    try:
        deed()
    except PodEipError as error:
        return error.advice if isinstance(error, AccessDenied) else ""
    return ""


def permitted(deed: Deed) -> bool:
    """Whether the deed was not refused."""
    return not refusal(deed)


def test_the_charts_permissions_are_enough(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    account.forget_lease()
    for deed in account.deeds():
        until(partial(permitted, deed))  # an API server takes a moment to see a new role
    assert account.informs(caplog)


def test_each_of_the_charts_permissions_is_needed(account: Account, subtests: pytest.Subtests) -> None:
    for grant in grants(account.release):
        if informs(account, grant):
            continue  # the informer never raises
        with subtests.test(msg=f"{grant.verb} {grant.resource}"), account.without(grant):
            until(partial(missed, account, grant))


def informs(account: Account, grant: Grant) -> bool:
    """Whether the informer alone needs it. The Role of the release's own namespace is not its."""
    own = roles(account.release)[grant.role]["metadata"].get("namespace") == NAMESPACE
    return grant.resource == "pods" and grant.verb in ("list", "watch") and not own


def missed(account: Account, grant: Grant) -> bool:
    """Whether a deed was refused for want of just this piece."""
    account.forget_lease()
    named = re.compile(rf"Allow '{grant.verb} {grant.resource}[' .]")
    return any(named.search(refusal(deed)) for deed in account.deeds())


@pytest.mark.parametrize("verb", ["list", "watch"])
def test_the_informer_says_what_it_may_not_do(account: Account, verb: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "controller.kube.informer")
    [grant] = (g for g in grants(account.release) if informs(account, g) and g.verb == verb)
    with account.without(grant):
        until(lambda: not account.informs(caplog))
    assert f"Allow '{verb} pods'" in caplog.text
