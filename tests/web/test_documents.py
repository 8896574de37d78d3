"""What is sent: the same bytes for a second, packed for who takes it, not at all to who has it."""

import gzip
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import urllib3

from controller.core.status import Status
from controller.surface.documents import KEPT_S, Document, Documents, document, status_document, takes_gzip
from controller.surface.metrics import Metrics
from controller.surface.web import application
from tests.web import samples
from tests.web.asked import Asked, Scripted
from tests.web.harness import answers, replica, until


class Clock:
    """Seconds, as the test says."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Looks:
    """A status that says how often it was looked at; it can be made to wait."""

    def __init__(self, wait: Callable[[], object] = lambda: None) -> None:
        self.count, self.wait = 0, wait

    def __call__(self) -> dict[str, Any]:
        self.count += 1
        self.wait()
        return {"look": self.count}


FORMS = {name: lambda seen: document(json.dumps(seen).encode(), "application/json") for name in ("a", "b")}


def look(found: Document | None) -> int:
    """Of which look a document is."""
    assert found is not None
    return int(json.loads(found.body)["look"])


def test_one_look_a_second_for_all_forms() -> None:
    clock, looks = Clock(), Looks()
    documents = Documents(looks, FORMS, clock)
    assert [look(documents.get(form)) for form in ("a", "b", "a")] == [1, 1, 1]
    assert documents.get("a") is documents.get("a")
    clock.now += KEPT_S - 0.01
    assert look(documents.get("a")) == 1
    clock.now += 0.01
    assert [look(documents.get(form)) for form in ("b", "a")] == [2, 2]


def test_many_who_ask_at_once_wait_for_one_look() -> None:
    gate = threading.Event()
    looks = Looks(gate.wait)
    documents, found = Documents(looks, FORMS), list[int]()
    threads = [threading.Thread(target=lambda: found.append(look(documents.get("a")))) for _ in range(20)]
    for thread in threads:
        thread.start()
    until(lambda: looks.count == 1)
    gate.set()
    for thread in threads:
        thread.join()
    assert (found, looks.count) == ([1] * 20, 1)


def test_a_look_that_hangs_costs_the_others_a_bounded_wait() -> None:
    clock, gate, looks = Clock(), threading.Event(), Looks()
    documents = Documents(looks, FORMS, clock)
    assert look(documents.get("a")) == 1
    looks.wait = gate.wait
    clock.now += KEPT_S
    hanging = threading.Thread(target=documents.get, args=("a",))
    hanging.start()
    until(lambda: looks.count == 2)
    assert look(documents.get("a")) == 1, "the one before it"
    assert documents.get("b") is None, "there was none before it"
    gate.set()
    hanging.join()


def test_a_look_that_fails_is_tried_again() -> None:
    def fail() -> None:
        raise LookupError("no status")

    looks = Looks(fail)
    documents = Documents(looks, FORMS)
    with pytest.raises(LookupError, match="no status"):
        documents.get("a")
    looks.wait = lambda: None
    assert look(documents.get("a")) == 2


def test_status_and_metrics_come_from_one_look_each() -> None:
    """The status may be the leader's, the metrics are each replica's own."""
    source = Scripted()
    app = application(source, Metrics())
    for path in ("/api/v1/status", "/metrics", "/api/v1/status", "/healthz", "/"):
        assert Asked(path, app=app).status == 200
    assert source.looks == 2


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status"])
def test_what_is_sent_packed_is_the_same(path: str) -> None:
    app = application(Scripted(), Metrics())
    plain, packed = Asked(path, app=app), Asked(path, app=app, accept_encoding="br, gzip;q=0.5")
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert int(packed.headers["Content-Length"]) == len(packed.body) < len(plain.body)
    assert gzip.decompress(packed.body) == plain.body
    assert plain.headers["ETag"] == packed.headers["ETag"]


@pytest.mark.parametrize(
    ("said", "takes"),
    [
        ("", False),
        ("gzip", True),
        ("deflate, GZIP ;q=1.0", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("gzip;q=0.01", True),
        ("identity, x-gzip-not", False),
    ],
)
def test_who_takes_gzip(said: str, takes: bool) -> None:
    assert takes_gzip(said) is takes


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status"])
@pytest.mark.parametrize("form", ["{}", '"other", {}', "*", "strong"])
def test_who_has_it_is_told_so(path: str, form: str) -> None:
    app = application(Scripted(), Metrics())
    tag = Asked(path, app=app).headers["ETag"]
    tags = tag.removeprefix("W/") if form == "strong" else form.format(tag)
    again = Asked(path, app=app, if_none_match=tags, accept_encoding="gzip")
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert Asked(path, app=app, if_none_match='"other"').status == 200


def passed(status: Status) -> Status:
    """The same some seconds later."""
    return replace(
        status,
        as_of="2026-01-01T00:00:09Z",
        answered_by=replace(status.answered_by, age_s=9.0),
        waits=replace(status.waits, watch_silent_s=21.5),
        pools=tuple(replace(pool, longest_wait_s=(pool.longest_wait_s or 0) + 9) for pool in status.pools),
        clusters=tuple(replace(cluster, silent_s=(cluster.silent_s or 0) + 9) for cluster in status.clusters),
    )


def test_the_tag_stays_while_nothing_but_time_passes() -> None:
    status = samples.status()
    before, after = status_document(status.to_json()), status_document(passed(status).to_json())
    assert before.body != after.body
    assert before.etag == after.etag


@pytest.mark.parametrize(
    "change",
    [
        {"pods": ()},
        {"pools": ()},
        {"clusters": ()},
        {"leader": replace(samples.status().leader, epoch=8)},
        {"policy": None},
        {"quota": None},
        {"contested": 1},
        {"left_alone": ("198.51.100.7 (eipalloc-7): nobody knows it",)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_tag_changes_with_all_else(change: dict[str, Any]) -> None:
    status = samples.status()
    changed = replace(status, **change)
    assert status_document(status.to_json()).etag != status_document(changed.to_json()).etag


def test_over_the_wire(tmp_path: Path) -> None:
    with replica(tmp_path) as one, urllib3.PoolManager(retries=False) as pool:
        until(answers(one))
        url = f"http://127.0.0.1:{one.port}/api/v1/status"
        packed = pool.request("GET", url, headers={"Accept-Encoding": "gzip"})
        assert (packed.status, packed.headers["Content-Encoding"]) == (200, "gzip")
        assert packed.json()["leader"]["epoch"] == 7
        known = pool.request("GET", url, headers={"If-None-Match": packed.headers["ETag"]})
        assert (known.status, known.data) == (304, b"")
