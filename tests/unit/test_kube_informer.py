"""The informer against answers that an API server should never give, and a listener that stumbles."""

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from controller.kube.cache import PodCache
from controller.kube.connection import SILENCE, connect
from controller.kube.identity import ClusterIdentity
from controller.kube.informer import OnChange, PodInformer
from controller.kube.watching import WatchEvent, batches
from state.errors import Unavailable
from state.model import PodUid
from tests.fakes.kube_http import Heard, Reply, scripted, wait_until


def pod(uid: str, version: int, **metadata: Any) -> dict[str, Any]:
    """A Pod."""
    meta = {"name": uid, "namespace": "default", "uid": uid, "resourceVersion": str(version), **metadata}
    return {"metadata": meta, "spec": {}, "status": {"podIP": "10.0.0.1"}}


def event(kind: str, what: Any) -> bytes:
    """A line of a watch."""
    return json.dumps({"type": kind, "object": what}).encode() + b"\n"


@dataclass
class Script:
    """What the server answers: one list after the other (the last again and again), and so its watches."""

    lists: list[Reply]
    watches: list[Reply]
    listed: int = 0
    watched: list[str] = field(default_factory=list)

    def __call__(self, heard: Heard) -> Reply:
        """Answer."""
        if "kube-system" in heard.path:
            return Reply(body=json.dumps({"metadata": {"name": "kube-system", "uid": "cluster"}}).encode())
        if "watch=1" in heard.path:
            self.watched.append(heard.path.partition("resourceVersion=")[2].partition("&")[0])
            return self.watches.pop(0) if self.watches else Reply(pieces=(b"", b"x"), pause_s=60)
        self.listed += 1
        return self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]


def listing(version: int, *pods: dict[str, Any]) -> Reply:
    """A whole list."""
    return Reply(body=json.dumps({"metadata": {"resourceVersion": str(version)}, "items": pods}).encode())


@contextmanager
def informed(
    script: Script,
    folder: Path,
    on_change: OnChange = lambda _: None,
    *,
    limit_s: float = 30.0,
    silence_s: float = 90.0,
) -> Iterator[PodCache]:
    """The cache of an informer at work."""
    with scripted(script) as server:
        file = folder / "kubeconfig"
        cluster = {"name": "c", "cluster": {"server": server.url}}
        context = {"name": "x", "context": {"cluster": "c", "user": ""}}
        file.write_text(json.dumps({"clusters": [cluster], "contexts": [context], "current-context": "x"}))
        connection, cache = connect(str(file), version="1", call_timeout_s=limit_s), PodCache()
        informer = PodInformer(connection, cache, ClusterIdentity(connection, time.monotonic), silence_s=silence_s)
        informer.start(on_change)
        try:
            yield cache
        finally:
            informer.stop()
            connection.close()


def has(cache: PodCache, *uids: str) -> Callable[[], bool]:
    """Whether the cache has exactly these Pods at the one IP."""
    return lambda: {view.uid for view in cache.at_ip("10.0.0.1")} == set(uids)


def test_a_version_that_goes_back_leads_to_a_new_list(tmp_path: Path) -> None:
    bookmark = event("BOOKMARK", {"metadata": {"resourceVersion": "50"}})
    script = Script([listing(100, pod("lost", 90)), listing(60, pod("kept", 40))], [Reply(body=bookmark)])
    with informed(script, tmp_path) as cache:
        wait_until(has(cache, "kept"))
        wait_until(lambda: script.watched == ["100", "60"])


def test_a_damaged_event_hides_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lines = event("ADDED", pod("a", 2)) + event("ADDED", {"metadata": {"name": 5}}) + event("ADDED", pod("b", 4))
    script = Script([listing(1)], [Reply(body=lines)])
    with informed(script, tmp_path) as cache:
        wait_until(has(cache, "a", "b"))
        wait_until(lambda: script.watched == ["1", "4"])
    assert "An event is left out (ADDED)" in caplog.text
    assert script.listed == 1


def test_a_damaged_stream_is_begun_anew_from_where_it_was(tmp_path: Path) -> None:
    script = Script(
        [listing(1)],
        [
            Reply(body=event("ADDED", pod("a", 2))),
            Reply(body=b'{"type": "ADDED", "obj\n'),
            Reply(body=event("ADDED", pod("b", 3))),
        ],
    )
    with informed(script, tmp_path) as cache:
        wait_until(has(cache, "a", "b"))
        wait_until(lambda: len(script.watched) == 4)
    assert script.watched == ["1", "2", "2", "3"]


def test_an_error_event_of_410_leads_to_a_new_list(tmp_path: Path) -> None:
    gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    script = Script([listing(1, pod("a", 1)), listing(9, pod("b", 8))], [Reply(body=event("ERROR", gone))])
    with informed(script, tmp_path) as cache:
        wait_until(has(cache, "b"))
        assert not cache.seen_deleted(PodUid("a"))


def test_a_server_that_asks_to_wait_is_not_asked_again_before(tmp_path: Path) -> None:
    busy = Reply(status=429, body=b"{}", headers={"Retry-After": "1"})
    script = Script([busy, listing(1, pod("a", 1))], [])
    begun = time.monotonic()
    with informed(script, tmp_path) as cache:
        wait_until(lambda: cache.synced)
    assert time.monotonic() - begun >= 1.0


def test_a_listener_that_stumbles_hears_of_the_next_change(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[set[PodUid]] = []

    def stumble(uids: set[PodUid]) -> None:
        heard.append(uids)
        if len(heard) == 1:
            raise RuntimeError("a defect")

    script = Script([listing(1, pod("a", 1)), listing(2, pod("a", 1), pod("b", 2))], [])
    with caplog.at_level(logging.ERROR), informed(script, tmp_path, stumble) as cache:
        wait_until(has(cache, "a", "b"))
        wait_until(lambda: heard == [{"a"}, {"b"}])
    assert "a defect" in caplog.text


def test_a_watch_that_ends_at_once_is_not_asked_for_in_a_loop(tmp_path: Path) -> None:
    script = Script([listing(1, pod("a", 1))], [Reply(body=b"")] * 200)
    with informed(script, tmp_path) as cache:
        wait_until(lambda: cache.synced)
        begun = time.monotonic()
        wait_until(lambda: time.monotonic() - begun > 1.5)
    assert len(script.watched) <= 8


def test_a_watch_that_is_not_answered_hides_nothing_for_long(tmp_path: Path) -> None:
    script = Script([listing(1, pod("a", 1)), listing(2, pod("b", 2))], [Reply(mute=True), Reply(status=410)])
    with informed(script, tmp_path, limit_s=1.0) as cache:
        wait_until(has(cache, "b"))
    assert script.listed == 2


def trickle(count: int) -> Reply:
    """An answer in chunks that are a byte without meaning each."""
    return Reply(headers={"Transfer-Encoding": "chunked"}, pieces=(b"1\r\n\n\r\n",) * count, pause_s=0.02)


def test_a_watch_of_bytes_that_make_no_event_is_silent(tmp_path: Path) -> None:
    """Something on the way keeps the connection warm, and what happens does not come through."""
    script = Script([listing(1, pod("a", 1)), listing(9, pod("b", 8))], [trickle(2_000), trickle(2_000)])
    with informed(script, tmp_path, silence_s=0.2) as cache:
        wait_until(has(cache, "b"))
        assert script.watched[:2] == ["1", "1"]


class Chunks:
    """What a watch brings, a byte each second of the test's clock."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks, self.now = chunks, 0.0

    def chunks(self) -> Iterator[bytes]:
        """One after the other."""
        for chunk in self._chunks:
            self.now += 1.0
            yield chunk


@pytest.mark.parametrize(("silence_s", "ends"), [(90.0, True), (math.inf, False)], ids=["guarded", "control"])
def test_only_a_limit_ends_a_trickle(silence_s: float, ends: bool) -> None:
    stream: Any = Chunks(*[b"\n"] * 50, event("ADDED", pod("a", 1)), *[b" "] * 95)
    events: list[WatchEvent] = []

    def read() -> None:
        for batch in batches(stream, "watch pods", silence_s=silence_s, clock=lambda: stream.now):
            events.extend(batch)

    if ends:
        with pytest.raises(Unavailable) as raised:
            read()
        assert raised.value.code == SILENCE
        assert stream.now == 51 + 91
    else:
        read()
    assert len(events) == 1
