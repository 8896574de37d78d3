"""A namespace of its own on one API server, for a contract test: paths, Pods with the least in them, watches.

Plain HTTP below, no client library, so that the sandbox and a real kube-apiserver are asked the very same thing.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import msgspec

from sandbox.kube.client import JSON_PATCH, MERGE, STRATEGIC, Answer, ApiClient

LIMIT_SECONDS = 60.0  # tests share the machine
LEASE_GROUP = "/apis/coordination.k8s.io/v1"
__all__ = [
    "JSON_PATCH",
    "LEASE_GROUP",
    "LIMIT_SECONDS",
    "MERGE",
    "STRATEGIC",
    "Forgetful",
    "KubeApi",
    "Watching",
    "event_body",
    "eventually",
    "pod_body",
    "reason",
]


def pod_body(name: str, node: str = "", spec: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    """The least that a Pod must have, with that metadata."""
    full = {"containers": [{"name": "main", "image": "none"}]} | ({"nodeName": node} if node else {}) | (spec or {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **meta}, "spec": full}


def event_body(name: str, pod: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An Event about a Pod."""
    meta = pod["metadata"]
    about = {"kind": "Pod", "apiVersion": "v1", **{k: meta[k] for k in ("namespace", "name", "uid")}}
    head = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": name}, "involvedObject": about}
    return head | {"reason": "Tested", "message": "it was", "type": "Normal", "count": 1} | more


class Watching:
    """An open watch; `next` waits for the next event."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._lines = _lines(chunks)

    def next(self) -> dict[str, Any]:
        """The next event; StopIteration where the watch has ended."""
        event: dict[str, Any] = msgspec.json.decode(next(self._lines))
        return event

    def summary(self) -> tuple[str, str]:
        """The next event's type and the name of its object."""
        event = self.next()
        return event["type"], event["object"]["metadata"]["name"]

    def rest(self) -> list[dict[str, Any]]:
        """All events until the server ends the watch."""
        return [msgspec.json.decode(line) for line in self._lines]


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole


class KubeApi:
    """One namespace of one API server."""

    def __init__(self, client: ApiClient, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self._numbers = itertools.count(1)
        self.send("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})

    def pods(self, *parts: str) -> str:
        """The path of this namespace's Pods, of one, or of a subresource."""
        return "/".join([f"/api/v1/namespaces/{self.namespace}/pods", *parts])

    def leases(self, *parts: str) -> str:
        """The same of Leases."""
        return "/".join([f"{LEASE_GROUP}/namespaces/{self.namespace}/leases", *parts])

    def events(self, *parts: str) -> str:
        """The same of Events."""
        return "/".join([f"/api/v1/namespaces/{self.namespace}/events", *parts])

    def unique(self, prefix: str) -> str:
        """A name for an object without a namespace that no other test uses."""
        return f"{prefix}-{self.namespace}-{next(self._numbers)}"

    def send(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer:
        """One request, whatever its outcome."""
        return self.client.send(method, path, body, kind)

    def ok(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> dict[str, Any]:
        """One request that must succeed."""
        return self.client.call(method, path, body, kind)

    def pod(self, name: str, node: str = "", **meta: Any) -> dict[str, Any]:
        """Create a Pod."""
        return self.ok("POST", self.pods(), pod_body(name, node, **meta))

    def lease(self, name: str, **spec: Any) -> dict[str, Any]:
        """Create a Lease."""
        return self.ok("POST", self.leases(), {"metadata": {"name": name}, "spec": spec})

    def names(self, path: str, **query: Any) -> list[str]:
        """The names of a list."""
        return [item["metadata"]["name"] for item in self.list(path, **query)["items"]]

    def list(self, path: str, **query: Any) -> dict[str, Any]:
        """A list that must succeed."""
        return self.ok("GET", f"{path}?{urlencode(query)}")

    def version(self) -> str:
        """A resourceVersion that is current."""
        return str(self.list(self.pods())["metadata"]["resourceVersion"])

    @contextmanager
    def watch(self, path: str, **query: Any) -> Iterator[Watching]:
        """Watch a collection; at most 30 s unless `timeoutSeconds` says otherwise."""
        full = urlencode({"watch": "true", "timeoutSeconds": 30} | query)
        response = self.client.stream(f"{path}?{full}", seconds=LIMIT_SECONDS)
        try:
            assert response.status == 200, response.data
            yield Watching(response.stream(65536))
        finally:
            response.close()


Forgetful = tuple[KubeApi, Callable[[], object]]


def reason(answer: Answer) -> tuple[int, str]:
    """The code and the reason of a refusal, which must be a whole Status object."""
    status = answer.body
    assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure"), status
    assert status["code"] == answer.code
    assert status["message"]
    return answer.code, status["reason"]


def eventually(condition: Callable[[], Any]) -> None:
    """Return once the condition holds; a failure after some seconds."""
    end = time.monotonic() + LIMIT_SECONDS
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "the condition never held"
        pause.wait(0.01)
