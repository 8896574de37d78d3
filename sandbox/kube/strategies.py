"""What is special to each kind when it is created or changed: defaults, and which half of it may be written.

The API server calls these strategies (kubernetes/pkg/registry): a write to the object cannot change its status,
a write to `/status` cannot change its spec, a Pod's spec is nearly immutable, and podIP and podIPs follow
each other.
"""

from collections.abc import Iterator
from typing import Any

from sandbox.kube.resources import NAMESPACES, NODES, PODS, Json, Resource
from sandbox.kube.status import FieldFault
from sandbox.kube.validation import not_allowed

_POD_DEFAULTS: Json = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "serviceAccountName": "default",
    "serviceAccount": "default",
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
}
_CONTAINER_DEFAULTS: Json = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "imagePullPolicy": "IfNotPresent",
}
_MUTABLE_POD_FIELDS = ("activeDeadlineSeconds", "tolerations", "containers", "initContainers", "schedulingGates")


def prepare_create(resource: Resource, body: Json) -> Json:
    """The new object with defaults, and without what its creator may not say."""
    if resource is PODS:
        status = {"phase": "Pending", "qosClass": "BestEffort"}
        return body | {"spec": _pod_spec(body.get("spec", {})), "status": status}
    if resource is NAMESPACES:
        meta = body["metadata"]
        labels = meta.get("labels", {}) | {"kubernetes.io/metadata.name": meta.get("name", "")}
        spec = {"finalizers": ["kubernetes"]}
        return body | {"metadata": meta | {"labels": labels}, "spec": spec, "status": {"phase": "Active"}}
    if resource is NODES:
        return {"spec": {}, "status": {}} | body
    return body


def _pod_spec(spec: Json) -> Json:
    containers = [_CONTAINER_DEFAULTS | {"resources": {}} | c for c in spec.get("containers", [])]
    return _POD_DEFAULTS | {"securityContext": {}} | spec | {"containers": containers}


def prepare_update(resource: Resource, new: Json, old: Json, subresource: str) -> Json:
    """The new object with the half that this path may not write taken from the old one."""
    if not resource.has_status:
        return new
    if subresource != "status":
        return _with(new, old, ("status", "spec") if resource is NAMESPACES else ("status",))
    kept = _with(new, old, ("spec",))
    if resource is PODS:
        owners = {"ownerReferences": old["metadata"].get("ownerReferences")}
        kept["metadata"] = {k: v for k, v in (kept["metadata"] | owners).items() if v is not None}
        kept["status"] = _pod_status(kept.get("status", {}), old.get("status", {}))
    return kept


def _with(new: Json, old: Json, parts: tuple[str, ...]) -> Json:
    kept = {k: v for k, v in new.items() if k not in parts}
    return kept | {part: old[part] for part in parts if part in old}


def _pod_status(status: Json, old: Json) -> Json:
    """podIP wins over podIPs where both are there and differ; each fills the other; qosClass stays."""
    kept = {k: v for k, v in status.items() if k not in ("podIP", "podIPs")}
    ip, ips = status.get("podIP", ""), status.get("podIPs", [])
    if ip and (not ips or ips[0]["ip"] != ip):
        ips = [{"ip": ip}]
    if ips:
        kept |= {"podIP": ips[0]["ip"], "podIPs": ips}
    if "qosClass" in old:
        kept.setdefault("qosClass", old["qosClass"])
    return kept


def update_faults(resource: Resource, new: Json, old: Json, subresource: str) -> Iterator[FieldFault]:
    """What an update of this kind may not change."""
    if resource is PODS and subresource != "status" and _frozen(new) != _frozen(old):
        why = "pod updates may not change fields other than images, activeDeadlineSeconds and tolerations"
        yield not_allowed("spec", why)


def _frozen(body: Json) -> tuple[Json, list[Any]]:
    spec = body.get("spec", {})
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    without_image = [{k: v for k, v in c.items() if k != "image"} for c in containers]
    return {k: v for k, v in spec.items() if k not in _MUTABLE_POD_FIELDS}, without_image
