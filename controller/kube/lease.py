"""The Lease that replicas compete for, read without trust in its fields: people edit it, other programs write it.

Times are written for people and never compared; the epoch stands in an annotation. An update keeps what others have
put into the object's metadata, and is conditional on the version that was read.

Where the holder answers over HTTP stands in an annotation, behind its identity. A release that does not know this
annotation keeps it as it is, so it counts for the holder that it names, and for nobody else.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import IPv6Network, ip_address
from typing import Any

import msgspec

from controller.core.contract import LEASE_ADDRESS, LEASE_EPOCH
from controller.core.lease import Lease
from controller.core.values import Endpoint, endpoint
from controller.kube.connection import SILENCE, Call, Connection, path_of
from controller.kube.decode import malformed
from controller.kube.watching import WatchEvent, batches
from state.errors import ObjectNotFound, Unavailable

RESOURCE = "leases.coordination.k8s.io"
REMEMBERED = 4
WATCH_S = 300

Json = dict[str, Any]
_METADATA = IPv6Network("fd00:ec2::/32")
"""Instance metadata and other services of the machine itself, by IPv6 (EC2 user guide)."""


class KubeLeaseStore:
    """Implements `controller.core.lease.LeaseStore`. Thread-safe; every call is sent once."""

    def __init__(self, connection: Connection, namespace: str, name: str, address: Endpoint | None = None) -> None:
        """`address`: where we answer over HTTP; it stands on the Lease while we hold it."""
        self._connection, self._name, self._address = connection, name, address
        self._all = path_of("apis", "coordination.k8s.io", "v1", "namespaces", namespace, "leases")
        self._one = self._all + path_of(name)
        self._lock = threading.Lock()
        self._metadata: OrderedDict[str, Json] = OrderedDict()

    def get(self) -> Lease | None:
        """The Lease as the API server has it now; None where it does not exist."""
        try:
            return self._read(self._connection.send(self._call("get")))
        except ObjectNotFound:
            return None

    def create(self, lease: Lease) -> Lease:
        """Create it; ObjectConflict where it exists."""
        return self._read(self._connection.send(self._call("create", self._object(lease))))

    def update(self, lease: Lease) -> Lease:
        """Replace it, if its version is still `lease.version`; ObjectConflict otherwise, ObjectNotFound if gone."""
        return self._read(self._connection.send(self._call("update", self._object(lease))))

    def watch(self, timeout_s: float) -> Iterator[Lease | None]:
        """Yield the Lease as it is, then each change (None: deleted), until the server ends the watch or is silent."""
        query = [("watch", "1"), ("fieldSelector", f"metadata.name={self._name}"), ("timeoutSeconds", str(WATCH_S))]
        call = Call(verb="watch", resource=RESOURCE, path=self._all, query=query)
        stream = self._connection.open(call, silence_s=timeout_s)
        try:
            for batch in batches(stream, call.doing):
                yield from (self._change(event) for event in batch if event.type != "BOOKMARK")
        except Unavailable as error:
            if error.code != SILENCE:
                raise
        finally:
            stream.close()

    def _call(self, verb: str, body: Json | None = None) -> Call:
        path = self._all if verb == "create" else self._one
        return Call(verb=verb, resource=RESOURCE, path=path, body=body)

    def _change(self, event: WatchEvent) -> Lease | None:
        return None if event.type == "DELETED" else self._read(event.object)

    def _read(self, body: bytes | msgspec.Raw) -> Lease:
        try:
            found = msgspec.json.decode(body, type=Json)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed("Lease", error) from error
        lease = lease_of(found)
        self._remember(lease.version, _mapping(found.get("metadata")))
        return lease

    def _remember(self, version: str, metadata: Json) -> None:
        with self._lock:
            self._metadata[version] = metadata
            while len(self._metadata) > REMEMBERED:
                self._metadata.popitem(last=False)

    def _object(self, lease: Lease) -> Json:
        with self._lock:
            metadata = dict(self._metadata.get(lease.version, {})) if lease.version else {}
        metadata["name"] = self._name
        annotations = _mapping(metadata.get("annotations")) | {LEASE_EPOCH: str(lease.epoch)}
        annotations.pop(LEASE_ADDRESS, None)
        if lease.holder and self._address is not None:
            annotations[LEASE_ADDRESS] = f"{lease.holder} {self._address}"
        metadata["annotations"] = annotations
        metadata.pop("managedFields", None)
        if lease.version:
            metadata["resourceVersion"] = lease.version
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": _spec(lease)}


def lease_of(found: Json) -> Lease:
    """The Lease in an object; a field that is missing or of a wrong type counts as empty."""
    metadata, spec = _mapping(found.get("metadata")), _mapping(found.get("spec"))
    annotations, holder = _mapping(metadata.get("annotations")), _text(spec.get("holderIdentity"))
    return Lease(
        holder=holder,
        duration_s=_number(spec.get("leaseDurationSeconds")),
        transitions=_number(spec.get("leaseTransitions")),
        epoch=_number(annotations.get(LEASE_EPOCH)),
        address=_address(_text(annotations.get(LEASE_ADDRESS)), holder),
        acquired=_text(spec.get("acquireTime")),
        renewed=_text(spec.get("renewTime")),
        version=_text(metadata.get("resourceVersion")),
    )


def _spec(lease: Lease) -> Json:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {
        "holderIdentity": lease.holder,
        "leaseDurationSeconds": max(lease.duration_s, 1),
        "leaseTransitions": lease.transitions,
        "acquireTime": lease.acquired or now,
        "renewTime": lease.renewed or now,
    }


def _address(annotation: str, holder: str) -> Endpoint | None:
    """Where this holder answers; None where the annotation is another's, or names no address that a Pod can have."""
    named, _, where = annotation.rpartition(" ")
    try:
        found = endpoint(where)
        ip = ip_address(found.host)
    except ValueError:
        return None
    mapped = ip.version == 6 and (ip.ipv4_mapped is not None or ip in _METADATA)
    usable = not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or mapped)
    return found if named == holder and holder and usable else None


def _mapping(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int:
    """A whole number that is not negative, as a JSON number or as a string of digits; 0 for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
