"""The API server refuses what the controller would refuse, in the same words, and nothing else: held together here.

The table says what is wrong; what is said about it comes from the controller's own code, never from the table.
"""

import ast
import inspect
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.core import contract, foreign_keys
from controller.core import desire as desire_module
from controller.core.desire import Invalid, Pending, Serve, desire
from controller.kube.decode import pod_of, view_of
from tests.chart.files import FULL, load
from tests.chart.helm import NAME, Object, Release, render
from tests.chart.test_api_server import manifest
from tests.chart.wrong_pods import PREFIX, RIGHT, TYPE, WRONG, WRONG_LATER, asking
from tests.real.catalogue import KUBERNETES
from tests.real.cluster import ApiError, RealCluster

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
PODS = "/api/v1/namespaces/default/pods"
FIXED_TAG = "aws-samples.github.com/aws-pod-eip-controller-fixed-tag"
MERGE = "application/merge-patch+json"
IN_FORCE_S = 60.0
NASTY = st.text(
    st.sampled_from("aA:w-s /'\"\\\n\t\x1b\x7f\x85\xa0é٣伝😀\u0301\u200b\u2028\u202e\ufeff{}[]#%"), max_size=8
) | st.sampled_from(
    [
        "auto",
        "fixed-tag",
        "fixed-tag-value",
        "aws:",
        "Name",
        "eks:",
        "a.k8s.io/",
        PREFIX,
        "k" * 100,
        "k" * 101,
        "é" * 129,
    ]
)


def controller_says(pod: Object) -> str:
    """What the controller would tell this Pod's author; empty if nothing."""
    found = {**pod, "metadata": {**pod["metadata"], "uid": "u", "namespace": "default"}}
    wanted = desire(view_of(pod_of(json.dumps(found).encode())))
    if isinstance(wanted, Serve | Pending):
        return foreign_keys.refusal(wanted.mode, wanted.pool) or ""
    return wanted.why if isinstance(wanted, Invalid) else ""


def server_says(cluster: RealCluster, pod: Object, *, namespace: str = "default") -> str:
    """What the API server's policy says of this Pod; empty if it would make it."""
    try:
        cluster.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
    except ApiError as error:
        return refusal(error)
    return ""


def refusal(error: ApiError) -> str:
    """The policy's own words; fails where something else refused."""
    assert error.code == 422, error
    status = json.loads(str(error).partition(": ")[2])
    _, said, words = status["message"].partition(f"'{NAME}' denied request: ")
    assert said, status
    return str(words)


def policies(release: Release, kind: str = KINDS[0]) -> list[Object]:
    """The release's policy about Pods that ask wrongly; the one about its own account is another matter."""
    return [found for found in release.of_kind(kind) if found["metadata"]["name"] == NAME]


def put_in_force(cluster: RealCluster, values: dict[str, Any], namespace: str) -> None:
    """Apply the chart's policy, and wait until the server follows it: it takes a second or so."""
    release = render({"clusterName": "a", "admissionPolicy": {"enabled": True}, **values})
    objects = [found for kind in KINDS for found in policies(release, kind)]
    cluster.kubectl("apply", "--validate=strict", "--filename=-", stdin=manifest(objects))
    deadline = time.monotonic() + IN_FORCE_S
    while not server_says(cluster, asking("sometimes"), namespace=namespace):
        assert time.monotonic() < deadline, "the policy is not followed"
        time.sleep(0.1)


@pytest.fixture(scope="module", params=KUBERNETES)
def guarded(request: pytest.FixtureRequest) -> Iterator[RealCluster]:
    """An API server of each version that follows the policy."""
    with RealCluster(kubernetes=request.param) as cluster:
        cluster.kubectl("create", "namespace", "games")
        cluster.create(PODS, {**asking("sometimes"), "metadata": {**asking("sometimes")["metadata"], "name": "old"}})
        put_in_force(cluster, {}, "default")
        yield cluster


@pytest.mark.parametrize("name", WRONG | WRONG_LATER)
def test_the_controller_refuses(name: str) -> None:
    assert controller_says((WRONG | WRONG_LATER)[name])


@pytest.mark.parametrize("name", RIGHT)
def test_the_controller_accepts(name: str) -> None:
    assert not controller_says(RIGHT[name])


def test_every_refusal_in_the_code_has_a_case() -> None:
    said = "\n".join(controller_says(pod) for pod in (WRONG | WRONG_LATER).values())
    makers = (desire_module, contract.public_pool_fault, contract.tag_key_fault, foreign_keys.refusal)
    sentences = [text for maker in makers for text in _texts(inspect.getsource(maker))]
    assert len(sentences) >= 8
    assert not [part for part in sentences if part not in said]


def _texts(source: str) -> Iterator[str]:
    """The longest fixed part of each sentence that a piece of code makes: `Invalid(why=...)`, or a returned text."""
    for node in ast.walk(ast.parse(source)):
        why = node.value if isinstance(node, ast.Return) else None
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Invalid":
            why = node.keywords[0].value
        if isinstance(why, ast.JoinedStr | ast.Constant):
            parts = [n.value for n in ast.walk(why) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
            yield max(parts, key=len, default="")


@pytest.mark.real
def test_the_policy_escapes_what_the_controller_escapes() -> None:
    [policy] = policies(render({"clusterName": "a", "admissionPolicy": {"enabled": True}}))
    [escapes] = [found["expression"] for found in policy["spec"]["variables"] if found["name"] == "escapes"]
    table = ast.literal_eval(escapes)  # such a map is written alike in CEL and in Python
    assert str.maketrans(table) == contract.ESCAPES
    assert escapes.count("': '") == len(table), "CEL refuses a key that is there twice"


@pytest.mark.real
def test_the_policy_knows_the_controllers_families_of_keys() -> None:
    [policy] = policies(render({"clusterName": "a", "admissionPolicy": {"enabled": True}}))
    [foreign] = [found["expression"] for found in policy["spec"]["variables"] if found["name"] == "foreignKeys"]
    assert foreign == f"r'{foreign_keys.pattern()}'"


@pytest.mark.real
@pytest.mark.parametrize("name", WRONG)
def test_the_server_refuses_in_the_same_words(guarded: RealCluster, name: str) -> None:
    assert server_says(guarded, WRONG[name]) == controller_says(WRONG[name])


@pytest.mark.real
@pytest.mark.parametrize("name", RIGHT)
def test_the_server_accepts(guarded: RealCluster, name: str) -> None:
    assert server_says(guarded, RIGHT[name]) == ""


@pytest.mark.real
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mode=NASTY, fixed_tag=NASTY, public_ipv4_pool=NASTY)
def test_both_say_the_same_of_anything(guarded: RealCluster, mode: str, fixed_tag: str, public_ipv4_pool: str) -> None:
    pod = asking(mode, fixed_tag=fixed_tag, public_ipv4_pool=public_ipv4_pool)
    assert server_says(guarded, pod) == controller_says(pod)


def patch(cluster: RealCluster, name: str, metadata: Object) -> str:
    """Patch a Pod's metadata; what the policy has against it."""
    try:
        cluster.request("PATCH", f"{PODS}/{name}", {"metadata": metadata}, content_type=MERGE)
    except ApiError as error:
        return refusal(error)
    return ""


@pytest.mark.real
def test_a_pod_that_is_wrong_already_is_not_stuck(guarded: RealCluster) -> None:
    assert patch(guarded, "old", {"labels": {"a": "b"}, "annotations": {"other": "x"}, "finalizers": ["a/b"]}) == ""
    assert patch(guarded, "old", {"annotations": {TYPE: "never"}}).startswith(f"annotation {TYPE}: 'never'")
    assert patch(guarded, "old", {"annotations": {FIXED_TAG: "k"}}).startswith("annotation")
    assert patch(guarded, "old", {"annotations": {TYPE: "auto"}, "finalizers": None}) == ""
    assert "needs the annotation" in patch(guarded, "old", {"annotations": {TYPE: "fixed-tag"}})
    both = {TYPE: "fixed-tag", FIXED_TAG: "k"}
    assert patch(guarded, "old", {"annotations": both}) == ""
    assert patch(guarded, "old", {"annotations": {TYPE: None, FIXED_TAG: "no\tgood"}}) == ""
    wrong_again = {"annotations": {TYPE: "fixed-tag"}}
    guarded.request("PATCH", f"{PODS}/old/status", {"status": {"phase": "Failed"}}, content_type=MERGE)
    assert patch(guarded, "old", wrong_again) == ""  # the controller does not look at one that has ended
    guarded.request("PATCH", f"{PODS}/old/status", {"status": {"phase": "Running"}}, content_type=MERGE)


@pytest.mark.real
def test_only_the_watched_namespace_is_guarded(guarded: RealCluster) -> None:
    wrong = asking("sometimes")
    try:
        put_in_force(guarded, {"watchNamespace": "games"}, "games")
        deadline = time.monotonic() + IN_FORCE_S
        while server_says(guarded, wrong):
            assert time.monotonic() < deadline, "the other namespace is still guarded"
            time.sleep(0.1)
        assert server_says(guarded, wrong, namespace="games") == controller_says(wrong)
    finally:
        put_in_force(guarded, {}, "default")


@pytest.mark.real
def test_it_is_off_and_ignores_its_own_failure_unless_told_otherwise() -> None:
    assert not [kind for kind in KINDS if policies(render({"clusterName": "a"}), kind)]
    [policy] = policies(render({"clusterName": "a", "admissionPolicy": {"enabled": True}}))
    assert policy["spec"]["failurePolicy"] == "Ignore"
    [policy] = policies(render(load(FULL)))
    assert policy["spec"]["failurePolicy"] == "Fail"
    [policy] = policies(render({"clusterName": "a", "tenancy": "strict"}))
    assert policy["spec"]["failurePolicy"] == "Fail"
    assert not policies(render({"clusterName": "a", "tenancy": "strict", "admissionPolicy": {"enabled": False}}))
