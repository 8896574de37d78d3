"""What is served over HTTP: probes, metrics, the status as JSON and as a page. Nothing here changes anything.

Every answer is made from a snapshot, so a slow AWS or API server makes no request slow. The status contains text that
users wrote into their Pods: it is sent as JSON, and the page (`views`) shows it as text only.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol

from controller.core.contract import legible
from controller.surface.documents import Document, Documents, document, status_document, takes_gzip
from controller.surface.gunicorn_api import WsgiApp
from controller.surface.hosts import is_ours
from controller.surface.leader_client import ASKED_BY
from controller.surface.leader_client import PATH as STATUS
from controller.surface.metrics import CONTENT_TYPE, Metrics
from controller.surface.pod_route import answer as explained
from controller.surface.pod_route import pod_of_path
from controller.surface.probes import HEALTH, READINESS
from controller.surface.views import site

_ASKED_BY = f"HTTP_{ASKED_BY.upper().replace('-', '_')}"
_TEXT = "text/plain; charset=utf-8"
_POLICY = "default-src 'none'; frame-ancestors 'none'"
_MISDIRECTED = b"not for this name: use localhost, an IP address, or SERVICE.NAMESPACE.svc\n"


class StatusSource(Protocol):
    """The source of the answers; no method blocks, but `status` for a second or so."""

    def status(self) -> dict[str, Any]:
        """The status document, as the leader knows it where that can be had."""
        ...

    def own_status(self) -> dict[str, Any]:
        """What this replica knows itself: for metrics, and for a replica that asks."""
        ...

    def explain(self, namespace: str, name: str, *, own: bool = False) -> dict[str, Any] | None:
        """One Pod's explanation, the leader's unless our `own` is asked for; None while the replica is starting."""
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
    policy: str = _POLICY
    more: tuple[tuple[str, str], ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        """All headers: never stored, never sniffed, never framed."""
        content = [("Content-Type", self.content_type), ("Content-Length", str(len(self.body)))]
        return [
            *(content if self.status is not HTTPStatus.NOT_MODIFIED else ()),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", self.policy),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("X-Frame-Options", "DENY"),
            *self.more,
        ]


Environ = dict[str, Any]
Route = Callable[[Environ], Answer]


def application(
    source: StatusSource, metrics: Metrics, own_names: Collection[str] = (), trace_url: str = ""
) -> WsgiApp:
    """The WSGI application (PEP 3333) that answers GET and HEAD from `source` and `metrics`.

    `own_names`: further names that a Host header may have. `trace_url`: where a trace is shown, with `{trace_id}`.
    """
    documents = Documents(source.status, {STATUS: status_document})
    probes, routes = _probes(source), _routes(documents, source, metrics)
    page = site.Site(documents.look, trace_url, source.explain)

    def answer(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path in probes or is_ours(environ.get("HTTP_HOST", ""), own_names):
            route = probes.get(path) or routes.get(path) or _of_pod(source, path) or _of_page(page, path)
            found = _answer(route, environ)
        else:
            found = Answer(body=_MISDIRECTED, status=HTTPStatus.MISDIRECTED_REQUEST)
        start_response(f"{found.status.value} {found.status.phrase}", found.headers())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [found.body]

    return answer


def _probes(source: StatusSource) -> dict[str, Route]:
    return {HEALTH: lambda _: _probe(*source.healthy()), READINESS: lambda _: _probe(*source.ready())}


def _routes(documents: Documents, source: StatusSource, metrics: Metrics) -> dict[str, Route]:
    def scrape(status: dict[str, Any]) -> Document:
        return document(metrics.render(status, ready=source.ready()[0]), CONTENT_TYPE)

    own = Documents(source.own_status, {"/metrics": scrape, STATUS: status_document})
    return {
        "/metrics": _route(own, "/metrics"),
        STATUS: _for_replicas(_route(own, STATUS), _route(documents, STATUS)),
    }


def _of_page(page: site.Site, path: str) -> Route | None:
    if not page.has(path):
        return None

    def route(environ: Environ) -> Answer:
        view = page.get(environ)
        return _sent(None, environ) if view is None else _sent(view.document, environ, site.POLICY, view.status)

    return route


def _route(documents: Documents, path: str) -> Route:
    return lambda environ: _sent(documents.get(path), environ)


def _of_pod(source: StatusSource, path: str) -> Route | None:
    pod = pod_of_path(path)
    if pod is None:
        return None

    def route(environ: Environ) -> Answer:
        status, body = explained(partial(source.explain, own=_ASKED_BY in environ), pod)
        return Answer(body=body, content_type="application/json", status=status)

    return route


def _for_replicas(own: Route, others: Route) -> Route:
    """A replica that asks gets what this one knows itself: so no question goes in circles."""
    return lambda environ: (own if environ.get(_ASKED_BY) else others)(environ)


def _answer(route: Route | None, environ: Environ) -> Answer:
    if route is None:
        return Answer(body=b"not found\n", status=HTTPStatus.NOT_FOUND)
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        more = (("Allow", "GET, HEAD"),)
        return Answer(body=b"only GET and HEAD\n", status=HTTPStatus.METHOD_NOT_ALLOWED, more=more)
    return route(environ)


def _probe(good: bool, reason: str) -> Answer:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(body=f"{legible(reason or 'ok')}\n".encode(), status=status)


def _sent(
    found: Document | None, environ: Environ, policy: str = _POLICY, status: HTTPStatus = HTTPStatus.OK
) -> Answer:
    """The document in the encoding that the client accepts, or 304 where the client has it already."""
    if found is None:
        late = HTTPStatus.SERVICE_UNAVAILABLE
        return Answer(body=b"it is still being made\n", status=late, more=(("Retry-After", "1"),))
    tags = (("ETag", found.etag), ("Vary", "Accept-Encoding"))
    if found.is_known(environ.get("HTTP_IF_NONE_MATCH", "")):
        return Answer(body=b"", status=HTTPStatus.NOT_MODIFIED, policy=policy, more=tags)
    if takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
        more = (*tags, ("Content-Encoding", "gzip"))
        return Answer(body=found.packed, content_type=found.content_type, status=status, policy=policy, more=more)
    return Answer(body=found.body, content_type=found.content_type, status=status, policy=policy, more=tags)
