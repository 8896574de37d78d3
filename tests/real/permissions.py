"""The chart's own permissions on a real API server, as Helm renders them: nothing is granted by hand."""

from typing import Any

from tests.chart.helm import NAMESPACE, Release, render
from tests.real.cluster import RealCluster

LEASE_NAMESPACE = NAMESPACE
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ROLES = ("ClusterRole", "Role")
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")


def grant(real: RealCluster, **values: str) -> str:
    """Make the chart's ServiceAccount with its roles for these values; a token of it, by TokenRequest.

    The Lease is that of a program that was given no name for it; the chart's own has the release's name.
    """
    return grant_release(real, render({"clusterName": "a", "leaseName": "aws-pod-eip-controller", **values}))


def grant_release(real: RealCluster, release: Release) -> str:
    """Make the release's ServiceAccount with its roles, and no others; a token of it, by TokenRequest."""
    [account] = release.of_kind("ServiceAccount")
    withdraw(real)
    for kind in _ROLES:
        for role in release.of_kind(kind):
            put(real, kind, role)
    for kind in _BINDINGS:
        for binding in release.of_kind(kind):
            put(real, kind, binding)
    real.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    return real.service_account_token(NAMESPACE, account["metadata"]["name"])


def withdraw(real: RealCluster) -> None:
    """Take away the bindings of earlier grants, whose roles are then nobody's."""
    for kind in _BINDINGS:
        for found in real.request("GET", f"{_RBAC}/{kind.lower()}s")["items"]:
            if found["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "Helm":
                path = _path(kind, found["metadata"].get("namespace", ""))
                real.request("DELETE", f"{path}/{found['metadata']['name']}")


def put(real: RealCluster, kind: str, found: dict[str, Any]) -> None:
    """Make the object, with its namespace, or bring it to this state."""
    namespace = found["metadata"].get("namespace", "")
    if namespace:
        real.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
    path = _path(kind, namespace)
    real.create(path, found)
    real.request("PUT", f"{path}/{found['metadata']['name']}", found)


def _path(kind: str, namespace: str) -> str:
    return f"{_RBAC}/namespaces/{namespace}/{kind.lower()}s" if namespace else f"{_RBAC}/{kind.lower()}s"
