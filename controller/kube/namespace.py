"""Which namespace we run in. It is a module of its own, so that the server can ask without the client library."""

from pathlib import Path

DEFAULT_NAMESPACE = "kube-system"
NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def own_namespace(file: Path = NAMESPACE_FILE) -> str:
    """The namespace that we run in; `kube-system` outside a cluster."""
    try:
        return file.read_text(encoding="utf-8").strip() or DEFAULT_NAMESPACE
    except OSError:
        return DEFAULT_NAMESPACE
