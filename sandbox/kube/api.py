"""From a call to its answer: the verbs of the API, with nothing of sockets, faults or the log.

Each verb reads its parameters, asks the registry, the list or the watch, and puts the outcome into the form
that the client asked for.
"""

import random
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import Any

from sandbox.kube import discovery, validation, views, watch
from sandbox.kube.listing import ListQuery, list_page, parse_version
from sandbox.kube.patches import PatchError, json_patch, merge
from sandbox.kube.protocol import Call, Reply, Stream, json_reply
from sandbox.kube.registry import Registry
from sandbox.kube.resources import Json
from sandbox.kube.reviews import review
from sandbox.kube.selectors import select
from sandbox.kube.status import (
    FieldFault,
    RefusedError,
    bad_request,
    details,
    invalid,
    method_not_allowed,
    no_such_path,
    success,
    unsupported_media,
)
from sandbox.kube.store import Stored
from sandbox.kube.strategic import strategic_merge
from sandbox.kube.target import Target
from sandbox.kube.watch import WatchQuery, WatchSwitch

_PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/merge-patch+json": merge,
    "application/strategic-merge-patch+json": strategic_merge,
    "application/json-patch+json": json_patch,
}


class Api:
    """The kinds under their verbs, and discovery."""

    def __init__(self, registry: Registry, switch: WatchSwitch, version: str) -> None:
        self._registry = registry
        self._store = registry.store
        self._switch = switch
        self._version = version
        self._verbs: dict[str, Callable[[Target, Call], Reply | Stream]] = {
            "get": self._get,
            "list": self._list,
            "watch": self._watch,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
            "deletecollection": self._delete_collection,
        }

    def describe(self, call: Call) -> Reply:
        """Answer a path that names no kind: a review, discovery, health, or a 404."""
        reviewed = review(call)
        if reviewed is not None:
            return json_reply(reviewed, 201)
        found = discovery.document(call.path, self._version)
        if found is None:
            raise no_such_path()
        return json_reply(found) if isinstance(found, dict) else Reply(body=found.encode(), content_type="text/plain")

    def perform(self, verb: str, target: Target, call: Call) -> Reply | Stream:
        """Carry out one verb; RefusedError with the Status to answer instead."""
        if call.query.get("dryRun"):
            raise bad_request("the sandbox makes no dry runs")
        if verb not in self._verbs or (verb == "create" and target.name):
            raise method_not_allowed()
        if not target.namespace and target.resource.namespaced and (target.name or verb == "create"):
            raise method_not_allowed()
        return self._verbs[verb](target, call)

    def _get(self, target: Target, call: Call) -> Reply:
        return self._answer(target, call, self._registry.get(target))

    def _list(self, target: Target, call: Call) -> Reply:
        return self.list_at(target, call, None)

    def list_at(self, target: Target, call: Call, version: int | None) -> Reply:
        """A list, as of an older version where one is given: what a lagging API server would answer."""
        view = views.choose(call.headers.get("accept", ""))
        query = call.query
        pinned = version is not None and not query.get("continue")
        wanted = ListQuery(
            selection=self._selection(target, call),
            limit=call.number("limit") or 0,
            token=query.get("continue", ""),
            version=str(version) if pinned else query.get("resourceVersion", ""),
            match="Exact" if pinned else query.get("resourceVersionMatch", ""),
        )
        return Reply(body=views.page(view, target.resource, list_page(self._store, target, wanted)))

    def _watch(self, target: Target, call: Call) -> Stream:
        view = views.choose(call.headers.get("accept", ""))
        batches = watch.watch(self._store, self._watch_query(target, call), self._switch)
        return Stream(chunks=_lines(view, target, batches))

    def _watch_query(self, target: Target, call: Call) -> WatchQuery:
        version, initial = call.query.get("resourceVersion", ""), call.query.get("sendInitialEvents", "")
        _check_watch_options(call, initial)
        return WatchQuery(
            target=target,
            selection=self._selection(target, call),
            after=None if version in ("", "0") or initial == "true" else parse_version(version),
            bookmarks=call.flag("allowWatchBookmarks"),
            client=(call.bearer, call.agent),
            seconds=call.number("timeoutSeconds") or random.uniform(1800, 3600),
            initial_end=initial == "true" and call.flag("allowWatchBookmarks"),
        )

    def _create(self, target: Target, call: Call) -> Reply:
        stored = self._registry.create(target, call.sent_object())
        return self._answer(target, call, stored, 201)

    def _update(self, target: Target, call: Call) -> Reply:
        stored, created = self._registry.replace(_named(target), call.sent_object())
        return self._answer(target, call, stored, 201 if created else 200)

    def _patch(self, target: Target, call: Call) -> Reply:
        apply = _PATCHES.get(call.content_type)
        if apply is None:
            raise unsupported_media(", ".join(_PATCHES))
        sent = call.json()
        if not isinstance(sent, list if apply is json_patch else dict):
            raise bad_request("the patch is not of the form that its content type says")
        stored = self._registry.patch(_named(target), partial(_patched, target, apply, sent))
        return self._answer(target, call, stored)

    def _delete(self, target: Target, call: Call) -> Reply:
        stored, gone = self._registry.delete(target, call.delete_options())
        if gone and not target.resource.returns_deleted:
            about = details(target.resource, target.name) | {"uid": stored.body["metadata"]["uid"]}
            return json_reply(success(about))
        return self._answer(target, call, stored)

    def _delete_collection(self, target: Target, call: Call) -> Reply:
        options, selection = call.delete_options(), self._selection(target, call)
        version, found = self._store.contents(target.resource, target.prefix)
        for stored in filter(lambda s: selection(s.body), found):
            meta = stored.body["metadata"]
            one = Target(resource=target.resource, namespace=meta.get("namespace", ""), name=meta["name"])
            self._registry.delete(one, options)
        about = {"kind": f"{target.resource.kind}List", "apiVersion": target.resource.api_version}
        return json_reply({**about, "metadata": {"resourceVersion": str(version)}, "items": []})

    def _selection(self, target: Target, call: Call) -> Any:
        return select(target.resource, call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""))

    def _answer(self, target: Target, call: Call, stored: Stored, code: int = 200) -> Reply:
        view = views.choose(call.headers.get("accept", ""))
        return Reply(code=code, body=views.one(view, target.resource, stored))


def _lines(view: views.View, target: Target, batches: Iterator[list[watch.Event]]) -> Generator[bytes, None, None]:
    for batch in batches:
        yield views.events(view, target.resource, batch)


def _named(target: Target) -> Target:
    if not target.name:
        raise method_not_allowed()
    return target


def _patched(target: Target, apply: Callable[[Any, Any], Any], sent: Any, body: Json) -> Any:
    """The patched body; 422 where the patch does not fit this object, or makes something else of it."""
    try:
        patched = apply(body, sent)
        validation.check_types(target.resource, patched)
        return patched
    except (PatchError, RefusedError) as error:
        fault = FieldFault(field="patch", message=f"Invalid value: {error}")
        raise invalid(target.resource.group, target.resource.kind, target.name, [fault]) from error


def _check_watch_options(call: Call, initial: str) -> None:
    match = call.query.get("resourceVersionMatch", "")
    why = ""
    if initial and match != "NotOlderThan":
        why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    elif match and not initial:
        why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    if why:
        fault = FieldFault(field="resourceVersionMatch", message=f"Forbidden: {why}", reason="FieldValueForbidden")
        raise invalid("meta.k8s.io", "ListOptions", "", [fault])
