"""The status page without a browser: its views, their links and headers, and what strangers' text cannot do."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest

from controller.core.contract import legible
from controller.surface.metrics import Metrics
from controller.surface.views.pod_order import PHASES, SORTS
from controller.surface.web import application
from tests.web.asked import Asked, Scripted
from tests.web.night import night

VIEWS = ("/", "/pods/lobby/lobby-40", "/pods/no/such", "/pools", "/pools?key=game-ips", "/clusters", "/controller")
EVIL = "<img src=x onerror=\"document.title='owned'\">'&\u202etxt\u2028\x1b[31m\x7f\u3164\U000e0041"
VOID = {"meta", "link", "input", "wbr", "br", "hr", "img"}


class Document(Scripted):
    """A source whose status is a document as it is, as a leader's that was fetched."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__()
        self.document = status

    def status(self) -> dict[str, Any]:
        """The document."""
        self.looks += 1
        return self.document


class Html(HTMLParser):
    """What a browser makes of it: each element with its attributes, the text, and whether all that opens is closed."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(body.decode())
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element."""
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Its end."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        self.text += data

    def links(self) -> dict[str, str]:
        """The links, by themselves: what they point at, seen from the root."""
        return {href: href for tag, attrs in self.elements if tag == "a" and (href := attrs.get("href"))}

    def rows(self) -> list[str]:
        """The keys of the rows of Pods."""
        keys = [attrs.get("data-key") or "" for tag, attrs in self.elements if tag == "tr"]
        return [key for key in keys if key and not key.endswith(" why")]


def get(path: str, status: Mapping[str, Any] | None = None, **more: Any) -> Asked:
    """The answer to a path with its query."""
    route, _, query = path.partition("?")
    return Asked(route, Document(dict(night(300) if status is None else status)), query=query, **more)


def page(path: str, status: Mapping[str, Any] | None = None) -> Html:
    """The view of a path."""
    return Html(get(path, status).body)


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


def test_a_pod_has_its_story() -> None:
    status = night(300)
    story = page("/pods/lobby/lobby-42", status).text
    for word in ("waiting", "pool 'game-ips' has no free address", "fixed-tag", "within a minute", "Next action"):
        assert word in story
    assert status["pods"][2]["node"] in story
    assert page("/pods/lobby/lobby-42", status).links().get("../../pools?key=game-ips")


class Explaining(Document):
    """A source that explains each Pod with these words."""

    def __init__(self, status: dict[str, Any], words: dict[str, Any]) -> None:
        super().__init__(status)
        self._words = words

    def explain(self, namespace: str, name: str, *, own: bool = False) -> dict[str, Any] | None:
        """The words, for whichever Pod."""
        return self._words


def told(**words: Any) -> str:
    """The text of the view of a Pod of which the leader says so."""
    status = night(20)
    said = {"uid": status["pods"][2]["uid"], "summary": "The Pod waits", "answered_by": {"leads": True}, **words}
    return Html(Asked("/pods/lobby/lobby-42", Explaining(status, said)).body).text


def test_an_explanation_is_the_story() -> None:
    parts = ("asks", "policy", "ledger", "ec2", "next", "tried", "remedy")
    text = told(**{part: (f"this is {part}{EVIL}",) for part in parts}, next_try="In 9 s")
    places = [text.index(f"this is {part}{legible(EVIL)}") for part in parts]
    assert places == sorted(places)
    assert text.index("The Pod waits") < places[0]
    assert "In 9 s" in text


def test_the_explanation_of_another_pod_of_that_name_is_not_its_story() -> None:
    assert "The Pod waits" not in told(uid="another")


def test_what_a_standby_explains_has_its_notes() -> None:
    text = told(answered_by={"leads": False, "notes": ("This replica does not lead",)})
    assert "This replica does not lead" in text
    assert "It waits for an address" in text


def test_both_pods_of_a_name_have_their_story() -> None:
    status = night(20)
    old = {**status["pods"][1], "phase": "releasing", "uid": "old", "public_ip": "198.51.100.200"}
    status["pods"].insert(0, old)
    story = page("/pods/lobby/lobby-41", status).text
    assert story.index("waiting") < story.index("releasing") < story.index("198.51.100.200")


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


def test_a_view_is_made_once_for_a_snapshot_and_its_tag_leaves_the_time_out() -> None:
    source = Document(night(20))
    app = application(source, Metrics())
    first = Asked("/", app=app)
    assert Asked("/", app=app).body == first.body
    assert source.looks == 1
    later = application(Document({**source.document, "as_of": source.document["as_of"][:-2] + "9Z"}), Metrics())
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
