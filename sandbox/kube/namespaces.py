"""Namespaces as admission and as the namespace controller treat them, for both are one process here.

Nothing is created in one that is missing or ending. One that is deleted takes everything in it along: with a
kubelet its Pods get their grace first, without one they go at once, for nobody else would end them.
"""

from collections.abc import Callable

from sandbox.kube import resources
from sandbox.kube.deletion import DeleteOptions, marked
from sandbox.kube.metadata import stamp_created
from sandbox.kube.resources import NAMESPACES, PODS, Json, storage_key
from sandbox.kube.status import forbidden, not_found
from sandbox.kube.store import Store, Stored
from sandbox.kube.strategies import prepare_create
from sandbox.kube.target import Target

FIRST = ("default", "kube-node-lease", "kube-public", "kube-system")
_PROTECTED = ("default", "kube-public", "kube-system")


class Namespaces:
    """Admission to namespaces, and their end."""

    def __init__(self, store: Store, *, cluster_uid: str, kubelet: bool) -> None:
        self._store = store
        self._pod_grace = None if kubelet else 0
        for name in FIRST:
            self.ensure(name, cluster_uid if name == "kube-system" else "")

    def ensure(self, name: str, uid: str = "") -> None:
        """Make the namespace unless it is there, with that UID if one is given."""
        with self._store.lock:
            if self._store.read(NAMESPACES, name) is None:
                meta: Json = {"name": name}
                stamp_created(meta, "")
                meta["uid"] = uid or meta["uid"]
                self._store.write(NAMESPACES, name, prepare_create(NAMESPACES, {"metadata": meta}))

    def check_open(self, target: Target) -> None:
        """Raise where an object may not be made there: 404 without the namespace, 403 while it ends."""
        if not target.resource.namespaced:
            return
        namespace = self._store.read(NAMESPACES, target.namespace)
        if namespace is None:
            raise not_found(NAMESPACES, target.namespace)
        if "deletionTimestamp" in namespace.body["metadata"]:
            why = f"unable to create new content in namespace {target.namespace} because it is being terminated"
            cause = {"reason": "NamespaceTerminating", "message": why, "field": "metadata.namespace"}
            raise forbidden(target.resource, target.name, why, [cause])

    def is_one(self, target: Target) -> bool:
        """Whether the target is a namespace."""
        return target.resource is NAMESPACES

    def delete(
        self, target: Target, old: Stored, delete: Callable[[Target, DeleteOptions], tuple[Stored, bool]]
    ) -> tuple[Stored, bool]:
        """Begin to end the namespace: everything in it is deleted, and then itself."""
        if target.name in _PROTECTED:
            raise forbidden(NAMESPACES, target.name, "this namespace may not be deleted")
        ending = old
        if "deletionTimestamp" not in old.body["metadata"]:
            body = marked(NAMESPACES, old.body, None) | {"status": {"phase": "Terminating"}}
            ending = self._store.write(NAMESPACES, target.name, body)
        for content in self._contents(target.name):
            delete(content, DeleteOptions(grace=self._pod_grace if content.resource is PODS else None))
        self.finish(target.name)
        return ending, False

    def finish(self, name: str) -> None:
        """Remove an ending namespace when nothing is left in it."""
        namespace = self._store.read(NAMESPACES, name)
        if namespace and "deletionTimestamp" in namespace.body["metadata"] and not self._contents(name):
            self._store.remove(NAMESPACES, name)

    def _contents(self, name: str) -> list[Target]:
        prefix = storage_key(name, "")
        return [
            Target(resource=kind, namespace=name, name=stored.body["metadata"]["name"])
            for kind in resources.ALL
            if kind.namespaced
            for stored in self._store.contents(kind, prefix)[1]
        ]
