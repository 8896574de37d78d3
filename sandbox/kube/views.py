"""The form in which a client wants its answer: objects, a Table, or metadata alone; always as JSON.

The Accept header lists forms in order of liking (apiserver/pkg/endpoints/handlers/negotiation); the first that
can be made here is taken, so a client that prefers protobuf and also takes JSON gets JSON.
"""

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from sandbox.kube.listing import Page
from sandbox.kube.protocol import object_json
from sandbox.kube.resources import Json, Resource
from sandbox.kube.status import failure
from sandbox.kube.store import Stored
from sandbox.kube.table import partial, table
from sandbox.kube.watch import Event

View: TypeAlias = Literal["object", "table", "partial"]
_FORMS: dict[str, View] = {
    "": "object",
    "Table": "table",
    "PartialObjectMetadata": "partial",
    "PartialObjectMetadataList": "partial",
}


def choose(accept: str) -> View:
    """The form to answer in; 406 where the client takes none that is made here."""
    for offer in (accept or "*/*").split(","):
        media, *parameters = [part.strip() for part in offer.split(";")]
        wanted = dict(p.split("=", 1) for p in parameters if "=" in p).get("as", "")
        if media in ("application/json", "application/*", "*/*") and wanted in _FORMS:
            return _FORMS[wanted]
    raise failure(406, "NotAcceptable", "only the following media types are accepted: application/json")


def one(view: View, resource: Resource, stored: Stored) -> bytes:
    """One object."""
    if view == "table":
        version = {"resourceVersion": str(stored.version)}
        return msgspec.json.encode(table(resource, [stored], version))
    if view == "partial":
        return msgspec.json.encode(partial(stored))
    return object_json(resource.head, stored.raw)


def page(view: View, resource: Resource, listed: Page) -> bytes:
    """A list; its items carry no kind, as the API server sends them."""
    if view == "table":
        return msgspec.json.encode(table(resource, listed.items, listed.metadata))
    if view == "partial":
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": listed.metadata}
        return msgspec.json.encode({**head, "items": [partial(s) for s in listed.items]})
    head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": listed.metadata}
    items = b",".join(s.raw for s in listed.items)
    return msgspec.json.encode(head)[:-1] + b',"items":[' + items + b"]}"


def events(view: View, resource: Resource, batch: Iterable[Event]) -> bytes:
    """A batch of watch events, one JSON object a line."""
    return b"".join(_line(view, resource, event) for event in batch)


def _line(view: View, resource: Resource, event: Event) -> bytes:
    if event.object is not None:
        shown = one(view, resource, event.object)
    else:
        shown = msgspec.json.encode(_bare(view, resource, event))
    return b'{"type":"' + event.kind.encode() + b'","object":' + shown + b"}\n"


def _bare(view: View, resource: Resource, event: Event) -> Json:
    """A bookmark in the form of the watch; an error as it is."""
    body = event.body or {}
    if event.kind == "ERROR":
        return body
    if view == "table":
        return table(resource, [], body["metadata"], headed=False)
    if view == "partial":
        return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", **body}
    return {"kind": resource.kind, "apiVersion": resource.api_version, **body}
