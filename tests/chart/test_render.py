"""What the chart renders, by the real Helm: objects that Kubernetes accepts, in the shape that was promised."""

from typing import Any

import kubernetes_validate
import pytest

from controller.core import config
from controller.core.config import SETTINGS
from tests.chart.files import CHART, FULL, UPSTREAM, load
from tests.chart.flags_doc import OUTSIDE_THE_CHART
from tests.chart.helm import NAME, NAMESPACE, HelmFailed, Object, render, run
from tests.real.catalogue import KUBERNETES

pytestmark = pytest.mark.real

LEAST: dict[str, Any] = {"clusterName": "production"}
CASES = {"default": LEAST, "full": load(FULL), "upstream": load(UPSTREAM)}
every_case = pytest.mark.parametrize("values", CASES.values(), ids=CASES.keys())


@every_case
def test_lint_has_nothing_to_say(values: dict[str, Any]) -> None:
    assert "[WARNING]" not in run("lint", "--strict", str(CHART), values=values)


@every_case
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_knows_every_field(values: dict[str, Any], version: str) -> None:
    rendered = render(values, tests=True).objects
    objects = [one for one in rendered if one["apiVersion"] != "monitoring.coreos.com/v1"]
    assert len(objects) >= 7
    for found in objects:
        kubernetes_validate.validate(found, version, strict=True)


@every_case
def test_the_variables_are_settings_that_the_program_accepts(values: dict[str, Any]) -> None:
    env = {name: value for name, value in render(values).env.items() if name.startswith("PEC_")}
    assert env.keys() == {setting.env for setting in SETTINGS if setting.field not in OUTSIDE_THE_CHART}
    assert config.parse({}, env).cluster_name == "production"


def test_the_default_variables_are_the_programs_defaults_but_for_two() -> None:
    """Two releases of a namespace have two Leases; and `helm install --wait` fails where the role may not allocate."""
    own = config.parse({"cluster_name": "production", "lease_name": NAME, "require_allocation": "true"}, {})
    assert config.parse({}, render(LEAST).env) == own


def test_every_value_reaches_its_variable() -> None:
    given, own = render(load(FULL)).env, render({"clusterName": "another"}).env
    assert not [name for name, value in own.items() if given[name] == value and name != "POD_SELECTOR"]
    # Helm reads numbers as floating point: 2592000 must not come out as 2.592e+06.
    assert given["PEC_SILENCE"] == "2592000"


def test_names_and_selector_are_those_of_the_go_controllers_chart() -> None:
    release = render(LEAST)
    deployment = release.one("Deployment")
    assert deployment["spec"]["selector"] == {"matchLabels": SELECTOR}
    assert SELECTOR.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert release.container["name"] == "aws-pod-eip-controller"
    for kind in ("ClusterRole", "ClusterRoleBinding", "Service", "PodDisruptionBudget", "ServiceAccount"):
        release.one(kind)


def test_labels_of_the_user_do_not_touch_the_selector() -> None:
    labels = {"app.kubernetes.io/name": "other", "team": "network"}
    template = render({**LEAST, "podLabels": labels}).one("Deployment")["spec"]["template"]
    assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "aws-pod-eip-controller"
    assert template["metadata"]["labels"]["team"] == "network"


def test_two_replicas_spread_and_replaced_whole_where_nothing_is_known() -> None:
    release = render(LEAST)
    spec = release.one("Deployment")["spec"]
    assert spec["replicas"] == 2
    assert spec["strategy"] == {"type": "Recreate", "rollingUpdate": None}
    spread = release.pod["topologySpreadConstraints"]
    assert [found["topologyKey"] for found in spread] == ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
    assert {found["whenUnsatisfiable"] for found in spread} == {"ScheduleAnyway"}
    assert all(found["labelSelector"] == spec["selector"] for found in spread)
    budget = release.one("PodDisruptionBudget")["spec"]
    assert (budget["maxUnavailable"], budget["selector"]) == (1, spec["selector"])


def test_probes_allow_a_slow_start_and_time_to_release_the_lease() -> None:
    release = render(LEAST)
    probes = {name: release.container[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    paths = {name: probe["httpGet"]["path"] for name, probe in probes.items()}
    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {probe["httpGet"]["port"] for probe in probes.values()} == {"http"}
    assert probes["startupProbe"]["periodSeconds"] * probes["startupProbe"]["failureThreshold"] >= 120
    assert release.pod["terminationGracePeriodSeconds"] >= 30
    assert release.one("Service")["spec"]["ports"][0]["targetPort"] == "http"


def test_the_port_follows_the_address_that_is_listened_on() -> None:
    release = render({**LEAST, "listen": ":9090", "metrics": {"annotations": True}})
    assert release.container["ports"] == [{"name": "http", "containerPort": 9090, "protocol": "TCP"}]
    annotations = release.one("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == "9090"


@pytest.mark.parametrize("values", [LEAST, CASES["upstream"]], ids=["default", "upstream"])
def test_it_fits_the_restricted_pod_security_standard(values: dict[str, Any]) -> None:
    release = render(values)
    pod, container = release.pod["securityContext"], release.container["securityContext"]
    assert (pod["runAsNonRoot"], pod["runAsUser"], pod["seccompProfile"]) == (True, 65532, {"type": "RuntimeDefault"})
    assert container == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert release.container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert "emptyDir" in release.pod["volumes"][0]


def test_a_key_of_a_security_context_can_be_left_out() -> None:
    pod = render({**LEAST, "podSecurityContext": {"runAsUser": None}}).pod["securityContext"]
    assert "runAsUser" not in pod
    assert pod["runAsNonRoot"] is True


@pytest.mark.parametrize(
    ("image", "reference"),
    [
        ("registry/eip:1", "registry/eip:1"),
        ("", "aws-pod-eip-controller:0.1.0"),
        ({"repository": "registry/eip"}, "registry/eip:0.1.0"),
        ({"repository": "registry/eip", "tag": 2}, "registry/eip:2"),
        ({"repository": "r/e", "tag": "1", "digest": f"sha256:{'0' * 64}"}, f"r/e@sha256:{'0' * 64}"),
    ],
    ids=str,
)
def test_the_image_is_a_string_or_a_map(image: object, reference: str) -> None:
    container = render({**LEAST, "image": image}).container
    assert (container["image"], container["imagePullPolicy"]) == (reference, "IfNotPresent")


@pytest.mark.parametrize(
    ("given", "name", "made"),
    [
        ({}, NAME, True),
        ({"serviceAccountName": "mine"}, "mine", False),
        ({"createServiceAccount": False, "serviceAccountName": "mine"}, "mine", False),
        ({"createServiceAccount": True, "serviceAccountName": "mine"}, "mine", True),
        ({"createServiceAccount": True}, NAME, True),
        ({"createServiceAccount": False}, NAME, False),
        ({"createServiceAccount": False, "serviceAccountName": ""}, NAME, False),
    ],
    ids=str,
)
def test_the_service_account(given: dict[str, Any], name: str, made: bool) -> None:
    release = render({**LEAST, **given})
    assert release.pod["serviceAccountName"] == name
    assert [found["metadata"]["name"] for found in release.of_kind("ServiceAccount")] == ([name] if made else [])
    subject = {"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}
    bindings = release.of_kind("ClusterRoleBinding") + release.of_kind("RoleBinding")
    assert [found["subjects"] for found in bindings] == [[subject]] * 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "clusterName is required"),
        ({"clusterName": "a", "service": {"enabled": False}, "metrics": {"serviceMonitor": True}}, "service.enabled"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_with_a_reason(given: dict[str, Any], message: str) -> None:
    with pytest.raises(HelmFailed, match=message):
        render(given)


def test_traces_are_off_until_there_is_an_endpoint() -> None:
    assert not [name for name in render(LEAST).env if name.startswith("OTEL_")]
    env = render({**LEAST, "otel": {"endpoint": "http://c:4318", "resourceAttributes": {"a": 1, "b": "x"}}}).env
    assert {name: value for name, value in env.items() if name.startswith("OTEL_EXPORTER")} == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
    }
    assert "OTEL_TRACES_EXPORTER" not in env
    assert env["OTEL_RESOURCE_ATTRIBUTES"].endswith(",a=1,b=x")


def test_one_value_sends_traces_to_x_ray() -> None:
    env = render({**LEAST, "otel": {"xray": True}}).env
    assert env["OTEL_TRACES_EXPORTER"] == "xray"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in env
    both = render({**LEAST, "otel": {"xray": True, "endpoint": "http://c:4318"}}).env
    assert both["OTEL_TRACES_EXPORTER"] == "otlp,xray"
    assert "update-trace-segment-destination" in notes({**LEAST, "otel": {"xray": True}})


def test_the_resource_names_the_pod_by_the_downward_api() -> None:
    [container] = render({**LEAST, "otel": {"xray": True}}).pod["containers"]
    names = [entry["name"] for entry in container["env"]]
    told = {e["name"]: e["valueFrom"]["fieldRef"]["fieldPath"] for e in container["env"] if "valueFrom" in e}
    attributes = dict(
        pair.split("=") for pair in container["env"][names.index("OTEL_RESOURCE_ATTRIBUTES")]["value"].split(",")
    )
    assert attributes["k8s.namespace.name"] == NAMESPACE
    assert attributes["k8s.deployment.name"] == NAME
    assert attributes["cloud.platform"] == "aws_eks"
    for attribute, path in (
        ("k8s.pod.name", "metadata.name"),
        ("k8s.pod.uid", "metadata.uid"),
        ("k8s.node.name", "spec.nodeName"),
    ):
        variable = attributes[attribute].removeprefix("$(").removesuffix(")")
        assert told[variable] == path
        # Kubernetes documentation, "Define dependent environment variables": what is named must stand before.
        assert names.index(variable) < names.index("OTEL_RESOURCE_ATTRIBUTES")


def test_the_notes_tell_how_the_table_is_made() -> None:
    notes = run("install", NAME, str(CHART), "--dry-run=client", values={**LEAST, "region": "eu-central-1"})
    assert "aws-pod-eip-controller table create --table aws-pod-eip-controller --region eu-central-1" in notes


def notes(values: dict[str, Any]) -> str:
    """What Helm says after an installation with these values, on one line."""
    said = run("install", NAME, str(CHART), "--dry-run=client", values={**LEAST, **values})
    return " ".join(said.partition("NOTES:")[2].split())


SELECTOR = {"app.kubernetes.io/name": "aws-pod-eip-controller", "app.kubernetes.io/instance": NAME}


def network_policies(**values: object) -> list[Object]:
    """The NetworkPolicies of a release with these values."""
    return render({"clusterName": "a", **values}).of_kind("NetworkPolicy")


def test_strict_puts_a_network_policy_before_the_port() -> None:
    assert not network_policies()
    assert not network_policies(tenancy="strict", networkPolicy={"enabled": False})
    [own] = network_policies(tenancy="strict")
    [rule] = own["spec"]["ingress"]
    assert own["spec"]["podSelector"] == {"matchLabels": SELECTOR}
    assert rule == {
        "from": [{"podSelector": {"matchLabels": SELECTOR}}],
        "ports": [{"port": "http", "protocol": "TCP"}],
    }
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    [open_to] = network_policies(networkPolicy={"enabled": True, "from": [monitoring]})
    assert monitoring in open_to["spec"]["ingress"][0]["from"]


def test_the_account_is_held_to_its_own_unless_that_is_switched_off() -> None:
    def held(**values: object) -> bool:
        release = render({"clusterName": "a", **values})
        return any(o["metadata"]["name"] == f"{NAME}-own-account" for o in release.of_kind("ValidatingAdmissionPolicy"))

    assert held()
    assert not held(restrictOwnAccount=False)


def test_the_notes_say_what_the_tenancy_means() -> None:
    assert "Tenancy is open: whoever may create a Pod may ask for any address" in notes({})
    strict = notes({"tenancy": "strict", "poolKeys": ["games", "team-*"], "maxAddresses": 7})
    assert "only games, team-* may be a pool" in strict
    assert "this install 7" in strict
