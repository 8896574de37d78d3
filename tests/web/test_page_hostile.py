"""What strangers' text cannot do to the status page: it is shown as text, legible, and in its place."""

from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from controller.core.contract import legible
from controller.surface.metrics import Metrics
from controller.surface.views.pod_order import SORTS
from controller.surface.web import application
from tests.web.asked import Asked
from tests.web.night import night
from tests.web.pages import EVIL, Document, Html, get, page


def hostile() -> dict[str, Any]:
    """The night, every text of it a stranger's."""
    found: dict[str, Any] = evil(night(20))
    return found


def evil(value: Any, key: str = "") -> Any:
    """The same form, with our attack behind each text that is not a moment or a word of ours."""
    if isinstance(value, dict):
        return {name: evil(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [evil(each, key) for each in value]
    return f"{value}{EVIL}" if isinstance(value, str) and key != "as_of" else value


@pytest.mark.parametrize("path", ["/", "/pools", "/clusters", "/controller", *(f"/?sort={name}" for name in SORTS)])
def test_strangers_text_is_text_and_legible(path: str) -> None:
    body = get(path, hostile()).body.decode()
    assert legible(EVIL) in Html(body.encode()).text
    assert all(line.isprintable() for line in body.split("\n"))
    assert not [tag for tag, _ in Html(body.encode()).elements if tag == "img"]


def test_a_hostile_pod_and_pool_have_their_views() -> None:
    status = hostile()
    pod, key = status["pods"][0], status["pools"][1]["tag_key"]
    for path in (f"/pods/{pod['namespace']}/{pod['name']}", f"/pools?key={quote(key)}"):
        answer = get(path, status, decoded=path.startswith("/pods"))
        assert answer.status == 200
        assert all(line.isprintable() for line in answer.body.decode().split("\n"))
        assert legible(EVIL) in Html(answer.body).text


@pytest.mark.parametrize(
    "name", ["%2e%2e", "a%2Fb%2F..", "%00", "%ff%fe", "<script>", "%3Cscript%3E", "x" * 5000, "", "é"]
)
def test_any_name_of_a_pod_is_answered(name: str) -> None:
    answer = get(f"/pods/ns/{name}")
    assert answer.status == 404
    assert b"<script>" not in answer.body


@pytest.mark.parametrize("key", ["..", ".", "a/b?c#d", "ä ö", '"><script>', "%", "+", "=&"])
def test_a_pool_of_any_key_is_reached_by_its_link(key: str) -> None:
    status = night(20)
    status["pools"][0]["tag_key"] = key
    links = [href for href in page("/pools", status).links() if "key=" in href]
    texts = [page("/pools?" + urlsplit(href).query, status).text for href in links]
    assert any(key in text for text in texts)


def test_the_trace_is_linked_where_a_setting_says_where() -> None:
    source, metrics = Document(night(20)), Metrics()
    path = "/pods/lobby/lobby-40"
    without = Asked(path, app=application(source, metrics))
    app = application(source, metrics, trace_url="https://jaeger.example/trace/{trace_id}")
    trace = status_trace(source)
    assert f"https://jaeger.example/trace/{trace}" in Html(Asked(path, app=app).body).links()
    assert not [href for href in Html(without.body).links() if href.startswith("http")]


def status_trace(source: Document) -> str:
    """The trace of the Pod that is asked for."""
    return next(str(pod["trace_id"]) for pod in source.document["pods"] if pod["name"] == "lobby-40")


def test_a_hostile_trace_stays_in_its_place() -> None:
    status = night(20)
    status["pods"][0]["trace_id"] = 'x/../?a=b#"><script>'
    app = application(Document(status), Metrics(), trace_url="https://jaeger.example/trace/{trace_id}")
    links = Html(Asked("/pods/lobby/lobby-40", app=app).body).links()
    assert "https://jaeger.example/trace/x%2F..%2F%3Fa%3Db%23%22%3E%3Cscript%3E" in links
