"""Where a request points: which kind, which namespace and object, which subresource, and by which verb.

The verbs are those of RBAC and of the audit log, so that faults and the log speak as an administrator does.
"""

from dataclasses import dataclass

from sandbox.kube.resources import Resource, find, storage_key

_SUBRESOURCES = ("status", "finalize", "binding", "eviction")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place in the API; `name` is empty for a collection, `namespace` for all namespaces."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> str:
        """The object's key in the store."""
        return storage_key(self.namespace, self.name)

    @property
    def prefix(self) -> str:
        """What the keys of the collection start with."""
        return f"{self.namespace}/" if self.namespace else ""


def parse_path(path: str) -> Target | None:
    """Read a resource path of the core or a named group; None where no kind is served."""
    parts = [p for p in path.split("/") if p]
    if parts[:1] == ["api"] and len(parts) >= 3:
        return _target("", parts[1], parts[2:])
    if parts[:1] == ["apis"] and len(parts) >= 4:
        return _target(parts[1], parts[2], parts[3:])
    return None


def _target(group: str, version: str, parts: list[str]) -> Target | None:
    namespace = ""
    if parts[0] == "namespaces" and len(parts) >= 3 and parts[2] not in _SUBRESOURCES:
        namespace, parts = parts[1], parts[2:]
    resource = find(group, version, parts[0])
    if resource is None or len(parts) > 3 or (namespace and not resource.namespaced):
        return None
    name, subresource = (*parts[1:], "", "")[:2]
    if subresource and not (subresource == "status" and resource.has_status):
        return None
    return Target(resource=resource, namespace=namespace, name=name, subresource=subresource)


def verb_of(method: str, target: Target, *, watching: bool) -> str:
    """The Kubernetes verb of an HTTP method on that target; the method itself where there is none."""
    if method == "GET":
        return "get" if target.name else "watch" if watching else "list"
    if method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return _VERBS.get(method, method)
