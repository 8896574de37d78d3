"""The log of all requests, in the order in which they arrived: what a test or the demo counts and times.

An entry is there from the moment its request is read; its code is None while it is not answered, and 0 where
the connection was cut instead.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from sandbox.kube.protocol import Call
from sandbox.kube.target import Target


@dataclass(slots=True, kw_only=True)
class LogEntry:
    """One request; `time` in seconds of the Unix clock, when it arrived."""

    sequence: int
    time: float
    verb: str
    resource: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    user: str = ""
    agent: str = ""
    query: dict[str, str] | None = None
    body: Any = None
    """What a create, an update or a patch sent."""
    code: int | None = None


class RequestLog:
    """The newest requests."""

    def __init__(self, limit: int) -> None:
        self._lock = threading.Lock()
        self._entries: deque[LogEntry] = deque(maxlen=limit)
        self._sequence = 0

    def open(self, verb: str, target: Target, call: Call, body: Any) -> LogEntry:
        """Note a request that has just been read."""
        with self._lock:
            self._sequence += 1
            entry = LogEntry(
                sequence=self._sequence,
                time=time.time(),
                verb=verb,
                resource=target.resource.plural,
                namespace=target.namespace,
                name=target.name,
                subresource=target.subresource,
                user=call.bearer,
                agent=call.agent,
                query=call.query,
                body=body,
            )
            self._entries.append(entry)
            return entry

    def after(self, sequence: int) -> list[LogEntry]:
        """The entries with a higher sequence number."""
        with self._lock:
            return [e for e in self._entries if e.sequence > sequence]
