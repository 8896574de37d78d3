"""The status page without a browser: its views, their links and headers, and what they say first."""

import re
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from controller.surface.metrics import Metrics
from controller.surface.views.pod_order import PHASES, SORTS
from controller.surface.web import application
from tests.web.asked import Asked
from tests.web.night import night
from tests.web.pages import VIEWS, Document, Html, get, page


@pytest.mark.parametrize("path", VIEWS)
def test_each_view_is_html_under_a_policy_that_allows_no_line_of_it_to_run(path: str) -> None:
    answer = get(path)
    assert answer.status == (404 if "no/such" in path else 200)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    for tag, attrs in Html(answer.body).elements:
        assert tag not in ("style", "iframe", "object", "embed", "base")
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
        assert tag != "script" or (attrs["src"] or "").endswith("page.js")


@pytest.mark.parametrize("path", VIEWS)
def test_each_link_leads_somewhere(path: str) -> None:
    status = night(120)
    app = application(Document(status), Metrics())
    for href in page(path, status).links():
        whole = urlsplit(urljoin(f"http://x{path}", href))
        assert whole.netloc == "x", href
        if whole.path.startswith(("/api/", "/metrics")) or href.startswith("#"):
            continue
        assert Asked(whole.path, app=app, query=whole.query).status == 200, href


@pytest.mark.parametrize("path", ["/page.css", "/page.js"])
def test_what_views_load(path: str) -> None:
    answer = get(path)
    assert answer.status == 200
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"].startswith(("text/css", "text/javascript"))
    assert not re.search(rb"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", answer.body)


def test_what_needs_somebody_comes_first() -> None:
    status = night(300)
    phases = {pod["uid"]: pod["phase"] for pod in status["pods"]}
    shown = [phases[key] for key in page("/", status).rows()]
    assert len(shown) == 50
    assert shown[:9] == ["invalid", "refused", *["waiting"] * 7]
    assert "associated" not in shown[:14]
    assert shown[-1] == "associated"


def test_three_thousand_pods_are_sixty_pages_of_less_than_100_kb() -> None:
    status, seen = night(3000), set[str]()
    for number in range(1, 61):
        answer = get(f"/?sort=name&page={number}", status)
        assert len(answer.body) < 100_000
        seen.update(re.findall(r'<tr data-key="([-\w]+)"', answer.body.decode()))
    assert seen == {pod["uid"] for pod in status["pods"]}


def test_a_view_of_the_longest_names_is_less_than_100_kb() -> None:
    long = {"namespace": "n" * 63, "node": "o" * 253, "error": "e" * 5000}
    status = night(300)
    status["pods"] = [{**pod, **long, "name": f"{n:0>253}"} for n, pod in enumerate(status["pods"])]
    for path in ("/", "/pools?key=game-ips", f"/pods/{'n' * 63}/{7:0>253}"):
        assert len(get(path, status).body) < 100_000


@pytest.mark.parametrize("sort", [*SORTS, *(f"-{name}" for name in SORTS)])
def test_each_sort_shows_each_pod_once(sort: str) -> None:
    status = night(120)
    rows = [row for number in (1, 2, 3) for row in page(f"/?sort={sort}&page={number}", status).rows()]
    assert sorted(rows) == sorted(pod["uid"] for pod in status["pods"])


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("phase=waiting", ["waiting"]),
        ("phase=zzz", ["zzz"]),
        ("mode=auto", ["auto"]),
        ("mode=none&phase=%3Cb%3E", ["&lt;b&gt;", "none"]),
        ("", []),
    ],
)
def test_the_boxes_say_what_is_chosen_whether_a_pod_has_it_or_not(query: str, said: list[str]) -> None:
    html = get(f"/?{query}", night(300)).body.decode()
    assert re.findall(r"<option selected>(.*?)</option>", html) == said


def test_addresses_are_sorted_as_numbers() -> None:
    status = night(300)
    ips = {pod["uid"]: pod["public_ip"] for pod in status["pods"]}
    shown = [ips[key] for key in page("/?sort=ip", status).rows()]
    assert shown == sorted(shown, key=lambda ip: [int(part) for part in ip.split(".")])


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("ns=lobby", lambda pod: pod["namespace"] == "lobby"),
        ("phase=waiting", lambda pod: pod["phase"] == "waiting"),
        ("mode=fixed-tag", lambda pod: pod["mode"] == "fixed-tag"),
        ("q=LOBBY-4", lambda pod: "lobby-4" in pod["name"]),
        ("q=198.18.0.100", lambda pod: pod["public_ip"] == "198.18.0.100"),
        ("q=lobby/lobby-42", lambda pod: pod["name"] == "lobby-42"),
        ("q=9d0a-000000000042", lambda pod: pod["uid"].endswith("000000000042")),
        ("q=no+free+game-ips", lambda pod: pod["phase"] == "waiting"),
        ("ns=lobby&phase=claimed", lambda _: False),
        ("phase=%00", lambda _: False),
    ],
)
def test_filters(query: str, chosen: Any) -> None:
    status = night(300)
    assert set(page(f"/?{query}", status).rows()) == {pod["uid"] for pod in status["pods"] if chosen(pod)}


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=%D9%A3",
        "page=9999999",
        "sort=nothing",
        "%%%=%ff&a",
        "&".join("x=1" for _ in range(99)),
    ],
)
def test_any_query_is_answered(query: str) -> None:
    assert get(f"/?{query}").status == 200


def test_what_is_not_known_is_a_dash_and_never_a_zero() -> None:
    status = night(20)
    status["pods"] = [{**pod, "attempts": None, "next_try": None, "node": None} for pod in status["pods"]]
    status["pools"] = [
        {**pool, "total": None, "free": None, "waiting": None, "longest_wait_s": None} for pool in status["pools"]
    ]
    status["clusters"] = [{**each, "silent_s": None, "addresses": None, "waiting": None} for each in status["clusters"]]
    status["contested"] = None
    for path in VIEWS:
        said = [word.strip() for word in re.split(r"[\n]", page(path, status).text)]
        assert "0" not in said, path
    assert "Nobody" not in page("/pools?key=game-ips", status).text


def test_a_document_of_an_older_replica_is_shown_too() -> None:
    """Without the fields that were added later."""
    status = night(20)
    for field in ("answered_by", "errors", "replicas"):
        status.pop(field)
    for pod in status["pods"]:
        for field in ("node", "created", "attempts", "next_try", "trace_id", "pool"):
            pod.pop(field, None)
    for path in VIEWS:
        assert get(path, status).status in (200, 404)


def test_who_answered_stands_at_the_top() -> None:
    status = night(20)
    assert "which leads" in page("/", status).text
    note = "This replica is a standby. The leader (eip-a) answered."
    status["answered_by"] = {"identity": "eip-a", "leads": True, "age_s": 2.0, "note": note}
    said = page("/pools", status).text
    assert said.index(note) < said.index("A pool is")


def test_an_old_answer_and_no_leader_are_told_first() -> None:
    status = night(20)
    status["answered_by"]["age_s"] = 300.0
    status["leader"]["identity"] = ""
    said = page("/", status).text
    assert said.index("it was true 5 min ago") < said.index("No replica leads") < said.index("wrong annotations")


def test_without_trouble_all_is_well_and_at_the_start_it_is_not_said() -> None:
    status = night(300)
    status["pods"] = [pod for pod in status["pods"] if not pod["error"]]
    status |= {"errors": [], "left_alone": []}
    assert "All is well" in page("/", status).text
    assert "All is well" not in page("/", {**status, "identity": "", "leader": {}}).text


def test_a_view_is_made_once_for_a_snapshot_and_its_tag_leaves_the_time_out() -> None:
    source = Document(night(20))
    app = application(source, Metrics())
    first = Asked("/", app=app)
    assert Asked("/", app=app).body == first.body
    assert source.looks == 1
    as_of = datetime.fromisoformat(source.document["as_of"]) + timedelta(seconds=1)
    later = application(Document({**source.document, "as_of": as_of.strftime("%Y-%m-%dT%H:%M:%SZ")}), Metrics())
    assert Asked("/", app=later, if_none_match=first.headers["ETag"]).status == 304
    assert Asked("/", app=later).body != first.body


def test_the_tag_changes_with_what_is_shown() -> None:
    status = night(20)
    before = get("/", status).headers["ETag"]
    assert get("/", {**status, "pods": status["pods"][1:]}).headers["ETag"] != before


def test_each_phase_has_its_words_and_its_colour() -> None:
    css = get("/page.css").body.decode()
    for phase in PHASES:
        assert f".{phase}" in css
        status = night(20)
        status["pods"] = [{**status["pods"][0], "phase": phase}]
        assert "–" not in page("/pods/lobby/lobby-40", status).text.split("Next action")[1][:20]
