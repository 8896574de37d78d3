"""One event in the API: made once, then counted up.

The shape is that of `core/v1 Event` as the kubelet and the scheduler write it, which is what `kubectl describe`
shows: `involvedObject` with the UID, `source.component`, first and last time, and `count`.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from controller.core.contract import COMPONENT
from controller.kube.connection import MERGE_PATCH, Call, Connection, path_of
from controller.kube.decode import malformed
from state.errors import ObjectConflict, ObjectNotFound

LONGEST_NAME = 253  # of an object (RFC 1123 subdomain)
LONGEST_INSTANCE = 128  # of reportingInstance


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an event says. An event that is equal in all of these fields is the same one, emitted again."""

    uid: str
    namespace: str
    name: str
    type: str
    reason: str
    message: str

    @property
    def event_name(self) -> str:
        """`PODNAME.HASH`: the same name for the same content, in every replica."""
        said = "\0".join((self.uid, self.type, self.reason, self.message))
        digest = hashlib.sha256(said.encode()).hexdigest()[:16]
        return f"{self.name[: LONGEST_NAME - 17].rstrip('-.')}.{digest}"


class Counted(msgspec.Struct, frozen=True):
    """`core/v1 Event`, its count."""

    count: int | None = None


class EventApi:
    """Creates and counts events."""

    def __init__(self, connection: Connection, instance: str) -> None:
        self._connection = connection
        self._instance = instance[:LONGEST_INSTANCE]

    def tell(self, said: Said, told: int, more: int, *, first: str, last: str) -> int:
        """Add `more` to the event, of which `told` are known to be there; returns the count that it has now.

        Raises the errors of `codes`; Refused means that the API server will never accept it.
        """
        if told:
            try:
                return self._count(said, told + more, last)
            except ObjectNotFound:  # events expire after an hour
                pass
        try:
            self._create(said, more, first if not told else last, last)
        except ObjectConflict:
            return self._count(said, self._read(said) + more, last)
        return more

    def _create(self, said: Said, count: int, first: str, last: str) -> None:
        body = self._object(said) | {"count": count, "firstTimestamp": first, "lastTimestamp": last}
        self._connection.send(Call(verb="create", resource="events", path=_path(said), body=body))

    def _read(self, said: Said) -> int:
        body = self._connection.send(Call(verb="get", resource="events", path=_path(said, said.event_name)))
        try:
            return msgspec.json.decode(body, type=Counted).count or 0
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed("Event", error) from error

    def _count(self, said: Said, count: int, last: str) -> int:
        self._connection.send(
            Call(
                verb="patch",
                resource="events",
                path=_path(said, said.event_name),
                body={"count": count, "lastTimestamp": last},
                content_type=MERGE_PATCH,
            )
        )
        return count

    def _object(self, said: Said) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": said.event_name, "namespace": said.namespace},
            "involvedObject": {
                "apiVersion": "v1",
                "kind": "Pod",
                "namespace": said.namespace,
                "name": said.name,
                "uid": said.uid,
            },
            "type": said.type,
            "reason": said.reason,
            "message": said.message,
            "source": {"component": COMPONENT},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._instance,
        }


def _path(said: Said, *name: str) -> str:
    return path_of("api", "v1", "namespaces", said.namespace, "events", *name)
