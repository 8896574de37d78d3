"""A ValidatingAdmissionPolicy of somebody else's, which forbids a label in one namespace of a real API server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sandbox.kube.client import UnexpectedAnswerError
from sandbox.kube.cluster import Cluster
from tests.e2e.scene import Scene

API = "/apis/admissionregistration.k8s.io/v1/"


@contextmanager
def denied(scene: Scene, label: str, *, why: str) -> Iterator[None]:
    """In force from the first moment to the last; what is refused has the reason Forbidden."""
    kube: Cluster = scene.cluster.kube
    name = f"denial-{scene.namespace}"
    try:
        kube.client.call("POST", API + "validatingadmissionpolicies", _policy(name, label, why))
        kube.client.call("POST", API + "validatingadmissionpolicybindings", _binding(name, scene.namespace))
        scene.run("probe", {})
        scene.eventually(lambda: _refuses(scene, label), "the policy is in force")
        yield
    finally:
        for kind in ("validatingadmissionpolicybindings", "validatingadmissionpolicies"):
            kube.client.send("DELETE", f"{API}{kind}/{name}")


def _policy(name: str, label: str, why: str) -> dict[str, Any]:
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["pods", "pods/status"]}
    rule = f"!has(object.metadata.labels) || !('{label}' in object.metadata.labels)"
    return {
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [pods]},
            "validations": [{"expression": rule, "message": why, "reason": "Forbidden"}],
        },
    }


def _binding(name: str, namespace: str) -> dict[str, Any]:
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    return {
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": here},
    }


def _refuses(scene: Scene, label: str) -> bool:
    try:
        scene.cluster.kube.set_labels(scene.namespace, "probe", {label: None})
        scene.cluster.kube.set_labels(scene.namespace, "probe", {label: "192.0.2.1"})
    except UnexpectedAnswerError as error:
        return error.code == 403
    return False
