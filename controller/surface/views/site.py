"""Answers the page's requests: the view that is asked for, made from a snapshot that all requests of a second share.

While the snapshot is the same, so is a view: whoever asks for one that has been made gets it as it is. A view's ETag
leaves out when the snapshot was taken, so a browser that renews a view learns in a few bytes that nothing has changed.
"""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib import resources
from typing import Any

from controller.surface.documents import Document, document
from controller.surface.views import words
from controller.surface.views.asked import Asked, asked
from controller.surface.views.clusters import cluster_list
from controller.surface.views.index import Index
from controller.surface.views.links import Links
from controller.surface.views.pod_list import pod_list
from controller.surface.views.pod_story import Explain, stories
from controller.surface.views.pools import pool_list, pool_view
from controller.surface.views.rendering import pages
from controller.surface.views.state_of_controller import controller_view
from controller.surface.views.summary import summary

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
MOST_KEPT = 32
_HTML = "text/html; charset=utf-8"
_ASSETS = {"page.css": "text/css; charset=utf-8", "page.js": "text/javascript; charset=utf-8"}
_TAKEN = re.compile(rb'<time id="as-of".*?</time>')
_EXACT = ("", "pools", "clusters", "controller", *_ASSETS)
_PODS = "pods/"
_MISSING = "missing.html"

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """A view as it is sent."""

    document: Document
    status: HTTPStatus = HTTPStatus.OK


class Site:
    """The page's views. Thread-safe. `look` gives the status document, None where it is not made in time; `explain`
    the explanation of one Pod.
    """

    def __init__(self, look: Callable[[], Status | None], trace_url: str = "", explain: Explain | None = None) -> None:
        self._look, self._trace_url, self._explain = look, trace_url, explain
        self._pages, self._lock = pages(), threading.Lock()
        self._assets = {name: View(_asset(name, kind)) for name, kind in _ASSETS.items()}
        self._seen: Status | None = None
        self._indexed: Index | None = None
        self._made: dict[tuple[str, str], View] = {}

    def has(self, path: str) -> bool:
        """Whether this path is the page's."""
        return path.startswith(f"/{_PODS}") or path.removeprefix("/") in _EXACT

    def get(self, environ: Mapping[str, Any]) -> View | None:
        """The view that is asked for; None where there is no status yet."""
        wanted = asked(environ)
        if wanted.path in self._assets:
            return self._assets[wanted.path]
        status = self._look()
        if status is None:
            return None
        made, key = self._made_of(status), (wanted.path, environ.get("QUERY_STRING", ""))
        if key not in made:
            made[key] = self._view(status, wanted)
        return made[key]

    def _index(self, status: Status) -> Index:
        """What is known of all Pods of this snapshot."""
        known = self._indexed
        if known is None or not known.holds_for(status["pods"]):
            known = self._indexed = Index(status["pods"])
        return known

    def _made_of(self, status: Status) -> dict[tuple[str, str], View]:
        """The views that have been made of this snapshot, so many at most."""
        with self._lock:
            if self._seen is not status or len(self._made) >= MOST_KEPT:
                self._seen, self._made = status, {}
            return self._made

    def _view(self, status: Status, wanted: Asked) -> View:
        links = Links(wanted.path.count("/"), self._trace_url)
        index = self._index(status)
        template, values = _values(status, index, wanted, links, self._explain)
        head = {"summary": summary(status, index, links), "now": status["as_of"], "here": wanted.path.partition("/")[0]}
        body = self._pages.render(template, links, {**head, **values})
        found = HTTPStatus.NOT_FOUND if template == _MISSING else HTTPStatus.OK
        return View(document(body, _HTML, _TAKEN.sub(b"", body)), found)


def _values(
    status: Status, index: Index, wanted: Asked, links: Links, explain: Explain | None
) -> tuple[str, dict[str, Any]]:
    """The template of a view, and what it shows beside the head."""
    match wanted.path:
        case "":
            return "pods.html", {"list": pod_list(index, words.parsed(status["as_of"]), wanted, links)}
        case "clusters":
            return "clusters.html", {"page": cluster_list(status, wanted, links)}
        case "controller":
            return "controller.html", {"view": controller_view(status, wanted, links)}
        case "pools" if "key" in wanted.query:
            key = wanted.query["key"]
            view = pool_view(status, key, wanted, links)
            return ("pool.html", {"view": view}) if view else (_MISSING, {"what": "pool", "name": key})
        case "pools":
            return "pools.html", {"page": pool_list(status, wanted, links)}
    namespace, _, name = wanted.path.removeprefix(_PODS).partition("/")
    found = stories(status, namespace, name, links, explain)
    return ("pod.html", {"stories": found}) if found else (_MISSING, {"what": "Pod", "name": f"{namespace}/{name}"})


def _asset(name: str, kind: str) -> Document:
    return document(resources.files("controller.surface.views").joinpath("assets", name).read_bytes(), kind)
