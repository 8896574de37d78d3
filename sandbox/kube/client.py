"""A plain HTTP client for a Kubernetes API, the sandbox's or a real one, for those who set up a world.

It knows nothing of kinds; `cluster.Cluster` says on top of it what tests and the demo do all day.
"""

import ssl
from dataclasses import dataclass
from typing import Any

import msgspec
import urllib3

from sandbox.kube.resources import Json

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is the decoded JSON, or the text where it is none."""

    code: int
    body: Any
    headers: urllib3.HTTPHeaderDict


class UnexpectedAnswerError(Exception):
    """The API answered with a failure; `code` and `reason` are those of its Status."""

    def __init__(self, method: str, path: str, answer: Answer) -> None:
        super().__init__(f"{method} {path}: {answer.code} {answer.body}")
        self.code = answer.code
        self.reason = answer.body.get("reason", "") if isinstance(answer.body, dict) else ""


class ApiClient:
    """Requests to one API server; `ca_file` is needed for https, `headers` go with each request."""

    def __init__(self, url: str, headers: dict[str, str] | None = None, ca_file: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._headers = {"User-Agent": "sandbox", **(headers or {})}
        context = ssl.create_default_context(cafile=ca_file) if ca_file else None
        timeout = urllib3.Timeout(TIMEOUT_SECONDS)
        self._pool = urllib3.PoolManager(maxsize=8, retries=False, timeout=timeout, ssl_context=context)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = "application/json",
        *,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request, whatever its outcome; urllib3's errors where there is no answer."""
        about = {"Content-Type": content_type} if body is not None else {}
        sent = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        reply = self._pool.request(method, self.url + path, body=sent, headers=self._headers | about | (headers or {}))
        return Answer(reply.status, _decoded(reply.data), reply.headers)

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Json:
        """One request that must succeed; UnexpectedAnswerError otherwise."""
        answer = self.send(method, path, body, content_type)
        if answer.code >= 300:
            raise UnexpectedAnswerError(method, path, answer)
        decoded: Json = answer.body
        return decoded

    def stream(self, path: str, seconds: float = TIMEOUT_SECONDS) -> urllib3.BaseHTTPResponse:
        """A GET whose body is read as it comes; the caller closes it."""
        timeout = urllib3.Timeout(connect=TIMEOUT_SECONDS, read=seconds)
        return self._pool.request("GET", self.url + path, headers=self._headers, preload_content=False, timeout=timeout)


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        return data.decode(errors="replace")
