"""A stolen token of the controller, tried on the oldest and the newest API server: what it can still write.

Everything is as Helm renders it: the account, its roles, and the policy that holds it to its own.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.chart.helm import NAME, NAMESPACE, Object, render
from tests.chart.test_api_server import manifest
from tests.real.catalogue import KUBERNETES
from tests.real.cluster import ApiError, RealCluster
from tests.real.permissions import grant_release

pytestmark = pytest.mark.real

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
POLICY = "refused by the policy"
JSON = "application/json"
STRATEGIC, MERGE = "application/strategic-merge-patch+json", "application/merge-patch+json"
OWN_LABEL, OWN_CONDITION = "aws-pod-eip-controller-public-ip", "aws-samples.github.com/eip-associated"
SYSTEM = "kube-system"
PODS = f"/api/v1/namespaces/{SYSTEM}/pods"
EVENTS = f"/api/v1/namespaces/{SYSTEM}/events"
IN_FORCE_S = 60.0
POD: Object = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "dns", "labels": {"app": "dns"}, "annotations": {"a": "b"}, "finalizers": ["x.io/y"]},
    "spec": {"nodeName": "n1", "containers": [{"name": "main", "image": "good"}]},
}
STATUS = {
    "phase": "Running",
    "podIP": "10.0.0.5",
    "podIPs": [{"ip": "10.0.0.5"}],
    "conditions": [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "True"}],
    "containerStatuses": [
        {"name": "main", "ready": True, "restartCount": 0, "image": "good", "imageID": "", "state": {"running": {}}}
    ],
}


@dataclass
class Thief:
    """Who holds the controller's token."""

    cluster: RealCluster
    token: str

    def writes(self, method: str, path: str, body: Object, content_type: str = STRATEGIC) -> int | str:
        """The server's answer: its code, or POLICY where this is what refused."""
        kind = content_type if method == "PATCH" else JSON
        try:
            self.cluster.request(method, path, body, content_type=kind, token=self.token)
        except ApiError as error:
            return POLICY if f"'{NAME}-own-account'" in str(error) else error.code
        return 200

    def pod(self) -> Object:
        """The Pod as it is."""
        found: Object = self.cluster.request("GET", f"{PODS}/dns")
        return found


@pytest.fixture(scope="module", params=KUBERNETES)
def thief(request: pytest.FixtureRequest) -> Iterator[Thief]:
    """With the policy in force, and a Pod of the system beside."""
    with RealCluster(kubernetes=request.param) as cluster:
        release = render({"clusterName": "a"})
        token = grant_release(cluster, release)
        policies = [
            o for kind in KINDS for o in release.of_kind(kind) if o["metadata"]["name"].endswith("-own-account")
        ]
        assert len(policies) == 2
        cluster.kubectl("apply", "--validate=strict", "--filename=-", stdin=manifest(policies))
        cluster.create(PODS, POD)
        cluster.request("PATCH", f"{PODS}/dns/status", {"status": STATUS}, content_type=STRATEGIC)
        found = Thief(cluster, token)
        wait_in_force(found)
        yield found


def wait_in_force(thief: Thief) -> None:
    """An API server takes a second or so to follow a new role, and a new policy."""
    deadline = time.monotonic() + IN_FORCE_S
    foreign = {"metadata": {"labels": {"probe": str(time.monotonic())}}}
    while thief.writes("PATCH", f"{PODS}/dns/status?dryRun=All", foreign) != POLICY:
        assert time.monotonic() < deadline, "the policy is not followed"
        time.sleep(0.1)


A_SECRET = {"apiVersion": "v1", "kind": "Secret", "namespace": SYSTEM, "name": "s"}
BEYOND_ITS_ROLE: dict[str, tuple[str, str, Object]] = {
    "image": ("PATCH", f"{PODS}/dns", {"spec": {"containers": [{"name": "main", "image": "evil"}]}}),
    "label of the Pod itself": ("PATCH", f"{PODS}/dns", {"metadata": {"labels": {OWN_LABEL: "192.0.2.1"}}}),
    "deletion": ("DELETE", f"{PODS}/dns", {}),
    "binding": ("POST", f"{PODS}/dns/binding", {"target": {"kind": "Node", "name": "n1"}}),
    "ephemeral container": ("PATCH", f"{PODS}/dns/ephemeralcontainers", {"spec": {"ephemeralContainers": []}}),
}
BEYOND_ITS_OWN: dict[str, Object] = {
    "foreign label": {"metadata": {"labels": {"app": "evil"}}},
    "new label": {"metadata": {"labels": {"istio.io/rev": "x"}}},
    "label taken off": {"metadata": {"labels": {"app": None}}},
    "annotation": {"metadata": {"annotations": {"a": "evil"}}},
    "new annotation": {"metadata": {"annotations": {"evil": "x"}}},
    "finalizer": {"metadata": {"finalizers": ["evil.io/z"]}},
    "finalizers taken off": {"metadata": {"finalizers": None}},
    "Ready": {"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
    "another condition": {"status": {"conditions": [{"type": "evil.io/ready", "status": "True"}]}},
    "condition taken off": {"status": {"conditions": [{"type": "PodScheduled", "$patch": "delete"}]}},
    "podIP": {"status": {"podIP": "10.0.0.66", "podIPs": [{"$patch": "replace"}, {"ip": "10.0.0.66"}]}},
    "phase": {"status": {"phase": "Failed"}},
    "message": {"status": {"message": "evil"}},
    "container's state": {"status": {"containerStatuses": [{"name": "main", "ready": False}]}},
    "own and foreign at once": {"metadata": {"labels": {OWN_LABEL: "192.0.2.1", "app": "evil"}}},
}


@pytest.mark.parametrize("name", BEYOND_ITS_ROLE)
def test_the_role_gives_no_more(thief: Thief, name: str) -> None:
    assert thief.writes(*BEYOND_ITS_ROLE[name]) == 403


@pytest.mark.parametrize("name", BEYOND_ITS_OWN)
def test_the_policy_leaves_of_a_pod_what_is_its_own(thief: Thief, name: str) -> None:
    before = thief.pod()
    assert thief.writes("PATCH", f"{PODS}/dns/status", BEYOND_ITS_OWN[name]) == POLICY
    assert thief.pod() == before


def test_without_the_policy_the_role_would_give_it_all(thief: Thief) -> None:
    others = thief.cluster.service_account_token(NAMESPACE, "other")
    role = {"kind": "ClusterRole", "name": NAME, "apiGroup": "rbac.authorization.k8s.io"}
    subject = {"kind": "ServiceAccount", "name": "other", "namespace": NAMESPACE}
    binding = {"metadata": {"name": "other"}, "roleRef": role, "subjects": [subject]}
    thief.cluster.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
    other, deadline = Thief(thief.cluster, others), time.monotonic() + IN_FORCE_S
    while other.writes("PATCH", f"{PODS}/dns/status?dryRun=All", BEYOND_ITS_OWN["podIP"]) == 403:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for wanted in ("foreign label", "annotation", "Ready", "podIP", "phase"):
        assert other.writes("PATCH", f"{PODS}/dns/status?dryRun=All", BEYOND_ITS_OWN[wanted]) == 200


def test_its_own_labels_and_condition_it_may_write_and_take_off(thief: Thief) -> None:
    condition = {"type": OWN_CONDITION, "status": "True", "reason": "Associated", "message": ""}
    labels: Object = {OWN_LABEL: "192.0.2.1", "aws-pod-eip-controller-type": "auto"}
    both = {"metadata": {"labels": labels}, "status": {"conditions": [condition]}}
    assert thief.writes("PATCH", f"{PODS}/dns/status", both) == 200
    assert thief.pod()["metadata"]["labels"] == {"app": "dns", **labels}
    off = {"metadata": {"labels": dict.fromkeys(labels)}, "status": {"conditions": [condition | {"status": "False"}]}}
    assert thief.writes("PATCH", f"{PODS}/dns/status", off) == 200
    assert thief.pod()["metadata"]["labels"] == {"app": "dns"}


BEYOND_ITS_EVENTS: tuple[Object, ...] = (
    {"reportingComponent": "kubelet"},
    {"related": A_SECRET},
    {"action": "Killing"},
    {"metadata": {"name": "own.6", "namespace": SYSTEM, "annotations": {"a": "b"}}},
    {"metadata": {"name": "own.6", "namespace": SYSTEM, "finalizers": ["a.io/b"]}},
)


def event(name: str, **changes: object) -> Object:
    """An event of the controller's own."""
    about = {"apiVersion": "v1", "kind": "Pod", "namespace": SYSTEM, "name": "dns"}
    return {
        "metadata": {"name": name, "namespace": SYSTEM},
        "involvedObject": about,
        "type": "Normal",
        "reason": "EIPAssociated",
        "message": "m",
        "source": {"component": "aws-pod-eip-controller"},
        "reportingComponent": "aws-pod-eip-controller",
        "reportingInstance": "replica-1",
        "count": 1,
        **changes,
    }


def test_of_events_it_writes_its_own(thief: Thief) -> None:
    assert thief.writes("POST", EVENTS, event("own.1")) == 200
    assert thief.writes("PATCH", f"{EVENTS}/own.1", {"count": 2}, MERGE) == 200
    assert thief.writes("PATCH", f"{EVENTS}/own.1", {"message": "evil"}, MERGE) == POLICY
    assert thief.writes("PATCH", f"{EVENTS}/own.1", {"reason": "Evil"}, MERGE) == POLICY
    assert thief.writes("POST", EVENTS, event("own.2", source={"component": "kubelet"})) == POLICY
    assert thief.writes("POST", EVENTS, event("own.3", involvedObject=A_SECRET)) == POLICY
    for change in BEYOND_ITS_EVENTS:
        assert thief.writes("POST", EVENTS, event("own.6", **change)) == POLICY
    for more in ({"reportingInstance": "x"}, {"metadata": {"annotations": {"a": "b"}}}):
        assert thief.writes("PATCH", f"{EVENTS}/own.1", more, MERGE) == POLICY
    thief.cluster.create(EVENTS, event("theirs", source={"component": "kubelet"}, message="theirs"))
    for theirs in ({"count": 9}, {"source": {"component": "aws-pod-eip-controller"}}):
        assert thief.writes("PATCH", f"{EVENTS}/theirs", theirs, MERGE) == POLICY
