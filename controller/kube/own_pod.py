"""The Pod that we run in, as the kubelet names it in our environment; the chart asks for it (Downward API)."""

from collections.abc import Mapping

from controller.core.views import PodView
from controller.kube.namespace import own_namespace
from state.model import PodUid


def own_pod(env: Mapping[str, str]) -> PodView | None:
    """Name, namespace and UID; None outside a cluster, or where the environment does not say."""
    name, uid = env.get("POD_NAME", "").strip(), env.get("POD_UID", "").strip()
    namespace = env.get("POD_NAMESPACE", "").strip() or own_namespace()
    return PodView(uid=PodUid(uid), namespace=namespace, name=name) if name and uid else None
