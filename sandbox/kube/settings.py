"""What one sandbox cluster is made with; everything that changes while it runs goes through `control` instead.

Defaults are those of a real API server where there is one, so that a test which passes here says something
about a cluster; times that a test wants shorter are settings.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeSettings:
    """Immutable settings of one `KubeServer`."""

    name: str = "sandbox"
    """The cluster's name in the kubeconfig."""

    host: str = "127.0.0.1"
    port: int = 0
    """Port to listen on; 0 takes a free one."""

    cluster_uid: str = ""
    """UID of the `kube-system` namespace, by which the cluster is known; empty makes a random one."""

    kubelet_seconds: float | None = None
    """None: no kubelet, a Pod under graceful deletion stays until somebody deletes it with grace 0.

    A number: a tiny kubelet ends its containers and removes it when its grace is over, or after this
    many seconds, whichever comes first.
    """

    bookmark_seconds: float = 60.0
    """How often an idle watch that asked for bookmarks gets one; the API server uses a minute."""

    history: int = 100_000
    """Changes kept of each resource; a watch or a continued list from before them gets 410."""

    log_entries: int = 200_000
    """Requests kept in the log; the oldest are dropped."""

    version: str = "v1.34.0"
    """The version that `/version` tells."""
