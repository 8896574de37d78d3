"""The columns that `kubectl get` prints: it asks for Tables, and without them shows only name and age.

The cells are what kubernetes/pkg/printers/internalversion prints for these kinds, for the fields that the
sandbox's objects have.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from sandbox.kube.metadata import parse_time
from sandbox.kube.resources import DAEMON_SETS, DEPLOYMENTS, EVENTS, LEASES, NAMESPACES, NODES, PODS, Json, Resource
from sandbox.kube.store import Stored

_WIDE = 1
_COLUMNS: dict[Resource, tuple[tuple[str, int], ...]] = {
    PODS: (
        *((name, 0) for name in ("Name", "Ready", "Status", "Restarts", "Age")),
        *((name, _WIDE) for name in ("IP", "Node", "Nominated Node", "Readiness Gates")),
    ),
    NODES: (("Name", 0), ("Status", 0), ("Age", 0), ("Version", 0), ("Internal-IP", _WIDE), ("Provider-ID", _WIDE)),
    NAMESPACES: (("Name", 0), ("Status", 0), ("Age", 0)),
    LEASES: (("Name", 0), ("Holder", 0), ("Age", 0)),
    DEPLOYMENTS: (("Name", 0), ("Age", 0)),
    DAEMON_SETS: (("Name", 0), ("Age", 0)),
    EVENTS: (
        *((name, 0) for name in ("Last Seen", "Type", "Reason", "Object", "Message")),
        *((name, _WIDE) for name in ("Source", "Count", "Name")),
    ),
}


def table(resource: Resource, stored: Iterable[Stored], metadata: Json, *, headed: bool = True) -> Json:
    """The objects as a Table; a watch sends its columns only with the first event."""
    columns = [
        {
            "name": name,
            "type": "string",
            "format": "name" if name == "Name" else "",
            "description": "",
            "priority": wide,
        }
        for name, wide in _COLUMNS[resource]
    ]
    rows = [_row(resource, s) for s in stored]
    head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
    return {**head, "columnDefinitions": columns if headed else [], "rows": rows}


def partial(stored: Stored) -> Json:
    """The object's metadata alone, as PartialObjectMetadata."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": stored.body["metadata"]}


def _row(resource: Resource, stored: Stored) -> Json:
    return {"cells": _CELLS[resource](stored.body), "object": partial(stored)}


def age(text: str | None) -> str:
    """How long ago, as kubectl prints it: seconds, minutes, hours or days."""
    if not text:
        return "<unknown>"
    seconds = max(0, int((datetime.now(UTC) - parse_time(text)).total_seconds()))
    for limit, unit, letter in ((120, 1, "s"), (7200, 60, "m"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds // unit}{letter}"
    return f"{seconds // 86_400}d"


def _pod(body: Json) -> list[str]:
    meta, spec, status = body["metadata"], body["spec"], body.get("status", {})
    containers = status.get("containerStatuses", [])
    ready = f"{sum(bool(c.get('ready')) for c in containers)}/{len(spec['containers'])}"
    restarts = str(sum(c.get("restartCount", 0) for c in containers))
    shown = "Terminating" if "deletionTimestamp" in meta else status.get("reason") or status.get("phase", "Unknown")
    wide = [status.get("podIP"), spec.get("nodeName"), status.get("nominatedNodeName"), _gates(spec, status)]
    narrow = [meta["name"], ready, shown, restarts, age(meta["creationTimestamp"])]
    return [*narrow, *(cell or "<none>" for cell in wide)]


def _gates(spec: Json, status: Json) -> str:
    gates = [gate["conditionType"] for gate in spec.get("readinessGates", [])]
    true = {c["type"] for c in status.get("conditions", []) if c.get("status") == "True"}
    return f"{len(true.intersection(gates))}/{len(gates)}" if gates else ""


def _node(body: Json) -> list[str]:
    meta, status = body["metadata"], body.get("status", {})
    ready = next((c.get("status") for c in status.get("conditions", []) if c.get("type") == "Ready"), "Unknown")
    shown = {"True": "Ready", "False": "NotReady"}.get(ready, "Unknown")
    address = next((a["address"] for a in status.get("addresses", []) if a["type"] == "InternalIP"), "<none>")
    version = status.get("nodeInfo", {}).get("kubeletVersion", "")
    provider = body.get("spec", {}).get("providerID", "<none>")
    return [meta["name"], shown, age(meta["creationTimestamp"]), version, address, provider]


def _namespace(body: Json) -> list[str]:
    return [body["metadata"]["name"], body["status"].get("phase", ""), age(body["metadata"]["creationTimestamp"])]


def _lease(body: Json) -> list[str]:
    holder = body.get("spec", {}).get("holderIdentity", "")
    return [body["metadata"]["name"], holder, age(body["metadata"]["creationTimestamp"])]


def _workload(body: Json) -> list[str]:
    return [body["metadata"]["name"], age(body["metadata"]["creationTimestamp"])]


def _event(body: Json) -> list[str]:
    about, source = body.get("involvedObject", {}), body.get("source", {})
    seen = body.get("series", {}).get("lastObservedTime") or body.get("lastTimestamp") or body.get("eventTime")
    thing = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    narrow = [age(seen), body.get("type", ""), body.get("reason", ""), thing, body.get("message", "")]
    component = source.get("component") or body.get("reportingComponent", "")
    return [*narrow, component, str(body.get("count", 1)), body["metadata"]["name"]]


_CELLS: dict[Resource, Callable[[Json], list[str]]] = {
    PODS: _pod,
    NODES: _node,
    NAMESPACES: _namespace,
    LEASES: _lease,
    DEPLOYMENTS: _workload,
    DAEMON_SETS: _workload,
    EVENTS: _event,
}
