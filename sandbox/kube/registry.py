"""What a create, an update, a patch and a delete do to the store: the order of checks of the API server.

Follows apiserver's generic registry (registry/generic/registry/store.go): preconditions, optimistic lock, the
kind's strategy, validation, then one write, or none where nothing changed. Everything happens under the store's
lock, so that a patch without a resourceVersion never conflicts.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.kube import deletion, strategies, validation
from sandbox.kube.deletion import DeleteOptions
from sandbox.kube.metadata import generate_name, keep_system_fields, stamp_created, tidy
from sandbox.kube.namespaces import Namespaces
from sandbox.kube.resources import PODS, Json, Resource
from sandbox.kube.status import FieldFault, already_exists, bad_request, conflict, failure, invalid, not_found
from sandbox.kube.store import Store, Stored
from sandbox.kube.target import Target


class Registry:
    """The verbs that change objects, and `get`."""

    def __init__(self, store: Store, namespaces: Namespaces) -> None:
        self.store = store
        self._namespaces = namespaces

    def get(self, target: Target) -> Stored:
        """The newest version of the object; 404 without one."""
        stored = self.store.read(target.resource, target.key)
        if stored is None:
            raise not_found(target.resource, target.name)
        return stored

    def create(self, target: Target, sent: Json) -> Stored:
        """Store a new object; 409 where its name is taken, 422 where it is invalid."""
        validation.check_types(target.resource, sent)
        if sent.get("metadata", {}).get("resourceVersion"):
            raise failure(500, "", "resourceVersion should not be set on objects to be created")
        return self._create(target, sent)

    def _create(self, target: Target, sent: Json) -> Stored:
        resource = target.resource
        body = _untyped(tidy(sent))
        _check_namespace(target, body)
        with self.store.lock:
            self._namespaces.check_open(target)
            body = _as_created(resource, target.namespace, body)
            name = body["metadata"].get("name", "")
            _refuse(resource, name, _object_faults(resource, body, target.namespace))
            made = Target(resource=resource, namespace=target.namespace, name=name)
            if self.store.read(resource, made.key):
                raise already_exists(resource, name)
            return self.store.write(resource, made.key, body)

    def replace(self, target: Target, sent: Json) -> tuple[Stored, bool]:
        """PUT: the object as stored, and whether it was created; 409 on another UID or a stale version."""
        resource = target.resource
        validation.check_types(resource, sent)
        _check_name(target, sent.get("metadata", {}).get("name", ""))
        with self.store.lock:
            old = self.store.read(resource, target.key)
            _check_uid(target, sent["metadata"].get("uid", ""), old)
            if old is None and resource.create_on_update and not target.subresource:
                return self._create(target, sent), True
            return self._commit(target, self.get(target), sent), False

    def patch(self, target: Target, apply: Callable[[Json], Any]) -> Stored:
        """Store what `apply` makes of the object; without a resourceVersion in the patch it cannot conflict."""
        with self.store.lock:
            old = self.get(target)
            return self._commit(target, old, apply(old.body))

    def delete(self, target: Target, options: DeleteOptions) -> tuple[Stored, bool]:
        """Delete, or begin to: the object, and whether it is gone."""
        with self.store.lock:
            old = self.get(target)
            deletion.check_preconditions(target.resource, old.body, options)
            if self._namespaces.is_one(target):
                return self._namespaces.delete(target, old, self.delete)
            body = deletion.marked(target.resource, old.body, options.grace)
            over = deletion.is_over(body)
            if body is not old.body and (target.resource is PODS or not over):  # a Pod is seen to end even with grace 0
                old = self.store.write(target.resource, target.key, body)
            return (self._remove(target), True) if over else (old, False)

    def _commit(self, target: Target, old: Stored, sent: Any) -> Stored:
        validation.check_types(target.resource, sent)
        new = _untyped(tidy(sent))
        _check_name(target, new["metadata"].get("name", ""))
        _check_namespace(target, new)
        self._check_version(target, new["metadata"], old)
        new = strategies.prepare_update(target.resource, new, old.body, target.subresource)
        new["metadata"] = dict(new["metadata"])
        keep_system_fields(new["metadata"], old.body["metadata"])
        _refuse(target.resource, target.name, _update_faults(target, new, old.body))
        if deletion.is_over(new):
            return self._remove(target)
        return old if new == old.body else self.store.write(target.resource, target.key, new)

    def _check_version(self, target: Target, meta: Json, old: Stored) -> None:
        version = meta.setdefault("resourceVersion", "") or ""
        if version in ("", "0") and not target.resource.unconditional_update:
            fault = validation.wrong("metadata.resourceVersion", 0, "must be specified for an update")
            raise invalid(target.resource.group, target.resource.plural, target.name, [fault])
        if version not in ("", "0", str(old.version)):
            raise conflict(target.resource, target.name)
        meta["resourceVersion"] = str(old.version)

    def _remove(self, target: Target) -> Stored:
        removed = self.store.remove(target.resource, target.key)
        self._namespaces.finish(target.namespace)
        return removed


def _untyped(body: Json) -> Json:
    """The body without kind and apiVersion, which the resource knows."""
    return {k: v for k, v in body.items() if k not in ("kind", "apiVersion")}


def _as_created(resource: Resource, namespace: str, body: Json) -> Json:
    meta = dict(body["metadata"])
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = generate_name(meta["generateName"])
    stamp_created(meta, namespace)
    return strategies.prepare_create(resource, body | {"metadata": meta})


def _check_namespace(target: Target, body: Json) -> None:
    if not target.resource.namespaced:
        body["metadata"].pop("namespace", None)
    elif body["metadata"].setdefault("namespace", target.namespace) != target.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")


def _check_name(target: Target, name: str) -> None:
    if name != target.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({target.name})")


def _check_uid(target: Target, uid: str, old: Stored | None) -> None:
    real = old.body["metadata"]["uid"] if old else ""
    if uid and uid != real and (old or target.resource.create_on_update):
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {real}"
        raise conflict(target.resource, target.name, why)


def _object_faults(resource: Resource, body: Json, namespace: str) -> Iterable[FieldFault]:
    yield from validation.metadata_faults(resource, body["metadata"])
    yield from validation.spec_faults(resource, body, namespace)


def _update_faults(target: Target, new: Json, old: Json) -> Iterable[FieldFault]:
    yield from validation.update_faults(new["metadata"], old["metadata"])
    yield from _object_faults(target.resource, new, target.namespace)
    yield from strategies.update_faults(target.resource, new, old, target.subresource)


def _refuse(resource: Resource, name: str, faults: Iterable[FieldFault]) -> None:
    if found := list(faults):
        raise invalid(resource.group, resource.kind, name, found)
