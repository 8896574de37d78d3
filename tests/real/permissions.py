"""The chart's own permissions on a real API server, as Helm renders them: nothing is granted by hand."""

from tests.chart.helm import NAMESPACE, render
from tests.real.cluster import RealCluster

LEASE_NAMESPACE = NAMESPACE
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_KINDS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


def grant(real: RealCluster) -> str:
    """Make the chart's ServiceAccount with its roles; a token of it, by TokenRequest."""
    release = render({"clusterName": "a"})
    real.create("/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    for kind in _KINDS:
        for found in release.of_kind(kind):
            real.create(_path(kind, found["metadata"].get("namespace", NAMESPACE)), found)
    [account] = release.of_kind("ServiceAccount")
    return real.service_account_token(NAMESPACE, account["metadata"]["name"])


def _path(kind: str, namespace: str) -> str:
    match kind:
        case "ServiceAccount":
            return f"/api/v1/namespaces/{namespace}/serviceaccounts"
        case "ClusterRole" | "ClusterRoleBinding":
            return f"{_RBAC}/{kind.lower()}s"
    return f"{_RBAC}/namespaces/{namespace}/{kind.lower()}s"
