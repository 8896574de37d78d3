"""What the API tells about itself, so that kubectl and client libraries find their way: groups, kinds, version.

Only the plain discovery documents are made; clients that ask for the aggregated form fall back to them by the
content type of the answer. The OpenAPI document says no more than that PATCH takes `fieldValidation`: kubectl
then leaves validation to the server, and patches with the merge keys of its own Go types.
"""

from sandbox.kube.resources import ALL, GROUPS, Json, Resource

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def document(path: str, version: str) -> Json | str | None:
    """The document at that path: JSON, a plain text, or None where there is none."""
    parts = tuple(p for p in path.split("/") if p)
    match parts:
        case ("healthz" | "livez" | "readyz",):
            return "ok"
        case ("version",):
            major, minor = version.lstrip("v").split(".")[:2]
            return {"major": major, "minor": minor, "gitVersion": version, "platform": "linux/amd64"}
        case ("api",):
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ("apis",):
            groups = [_group(group, v) for group, v in GROUPS if group]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ("openapi", "v3"):
            names = [f"apis/{group}/{v}" if group else f"api/{v}" for group, v in GROUPS]
            return {"paths": {name: {"serverRelativeURL": f"/openapi/v3/{name}"} for name in names}}
        case ("openapi", "v3", *place):
            return _schema("/".join(place), version)
    return _group_document(parts)


def _group_document(parts: tuple[str, ...]) -> Json | None:
    match parts:
        case ("api", version) if ("", version) in GROUPS:
            return _resources("", version)
        case ("apis", group, version) if (group, version) in GROUPS:
            return _resources(group, version)
        case ("apis", group):
            found = next((_group(g, v) for g, v in GROUPS if g == group), None)
            return found and {"kind": "APIGroup", "apiVersion": "v1", **found}
    return None


def _group(group: str, version: str) -> Json:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resources(group: str, version: str) -> Json:
    kinds = [r for r in ALL if (r.group, r.version) == (group, version)]
    listed = [entry for r in kinds for entry in _entries(r)]
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": listed}


def _schema(place: str, version: str) -> Json:
    """The OpenAPI document of one group: the PATCH of each of its kinds."""
    kinds = [r for r in ALL if place == (f"apis/{r.group}/{r.version}" if r.group else f"api/{r.version}")]
    paths = {f"/{place}/{'namespaces/{namespace}/' * r.namespaced}{r.plural}/{{name}}": _patch_of(r) for r in kinds}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": version}, "paths": paths}


def _patch_of(resource: Resource) -> Json:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    parameters = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
    return {"patch": {"parameters": parameters, "responses": {}, "x-kubernetes-group-version-kind": kind}}


def _entries(resource: Resource) -> list[Json]:
    base: Json = {"kind": resource.kind, "namespaced": resource.namespaced, "singularName": resource.kind.lower()}
    short = {"shortNames": list(resource.short_names)} if resource.short_names else {}
    entries: list[Json] = [{"name": resource.plural, **base, **short, "verbs": _VERBS}]
    if resource.has_status:
        entries.append({"name": f"{resource.plural}/status", **base, "verbs": ["get", "patch", "update"]})
    return entries
