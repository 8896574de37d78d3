"""What is served over HTTP: probes, metrics, the status as JSON and as a page. Nothing here changes anything.

Every answer is made from a snapshot, so that no request can be slow because AWS or the API server is. The status
contains what users wrote into their Pods: it is sent as JSON only, and the page shows it as text only.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources
from typing import Any, Protocol

from controller.core.contract import legible
from controller.surface.gunicorn_api import WsgiApp
from controller.surface.metrics import CONTENT_TYPE, Metrics

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"
_HTML = "text/html; charset=utf-8"
_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


class Source(Protocol):
    """What the answers are made from; none of these blocks."""

    def status(self) -> dict[str, Any]:
        """The status document."""
        ...

    def healthy(self) -> tuple[bool, str]:
        """Whether the loop lives, and why not."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Whether the caches are synced, and why not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One response, whole."""

    body: bytes
    content_type: str = _TEXT
    status: HTTPStatus = HTTPStatus.OK
    policy: str = "default-src 'none'; frame-ancestors 'none'"
    allow: str = ""

    def headers(self) -> list[tuple[str, str]]:
        """All headers: never cached, never sniffed, never framed."""
        headers = [
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", self.policy),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
        ]
        return [*headers, ("Allow", self.allow)] if self.allow else headers


def application(source: Source, metrics: Metrics) -> WsgiApp:
    """The WSGI application (PEP 3333) that answers GET and HEAD from `source` and `metrics`."""
    routes = _routes(source, metrics)

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        found = _answer(routes, environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
        start_response(f"{found.status.value} {found.status.phrase}", found.headers())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [found.body]

    return answer


def _routes(source: Source, metrics: Metrics) -> dict[str, Callable[[], Answer]]:
    page = _page()
    return {
        "/": lambda: page,
        "/healthz": lambda: _probe(*source.healthy()),
        "/readyz": lambda: _probe(*source.ready()),
        "/metrics": lambda: Answer(body=metrics.render(source.status()), content_type=CONTENT_TYPE),
        "/api/v1/status": lambda: Answer(body=_json(source.status()), content_type=_JSON),
    }


def _answer(routes: dict[str, Callable[[], Answer]], method: str, path: str) -> Answer:
    route = routes.get(path)
    if route is None:
        return Answer(body=b"not found\n", status=HTTPStatus.NOT_FOUND)
    if method not in ("GET", "HEAD"):
        return Answer(body=b"only GET and HEAD\n", status=HTTPStatus.METHOD_NOT_ALLOWED, allow="GET, HEAD")
    return route()


def _probe(good: bool, reason: str) -> Answer:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(body=f"{legible(reason or 'ok')}\n".encode(), status=status)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _page() -> Answer:
    """The page with its script and style inside, and the policy that allows exactly these two (CSP Level 3, hashes)."""
    html = resources.files("controller.surface").joinpath("page.html").read_text("utf-8")
    hashes = {kind: _hash(content) for kind, content in _INLINE.findall(html)}
    policy = (
        f"default-src 'none'; script-src {hashes['script']}; style-src {hashes['style']}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Answer(body=html.encode(), content_type=_HTML, policy=policy)


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
