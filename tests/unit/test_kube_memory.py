"""What Pods may cost that somebody else makes as large as he likes: pages, lines and what is kept are bounded."""

import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from controller.core import contract
from controller.kube.cache import PodCache
from controller.kube.connection import Call, Connection, connect
from controller.kube.identity import ClusterIdentity
from controller.kube.informer import PodInformer
from controller.kube.nodes import NodeReader
from tests.fakes.kube_http import Heard, Reply, scripted, wait_until

MB = 1 << 20
BOUND = 64 * MB
POOL = contract.ANNOTATION_PUBLIC_IPV4_POOL


def filler(size: int, name: str = "FAT") -> bytes:
    """A container with so many bytes in a variable."""
    return b'{"name":"main","env":[{"name":"%s","value":"%s"}]}' % (name.encode(), b"x" * size)


@dataclass
class Crowd:
    """An API server of `count` Pods; of Pod i the container is `container(i)`, in `gone` are tokens that expired."""

    count: int
    container: Callable[[int], bytes]
    annotations: str = "{}"
    gone: set[str] = field(default_factory=set)
    asked: list[tuple[int, str]] = field(default_factory=list)
    watched: list[str] = field(default_factory=list)
    watches: list[Reply] = field(default_factory=list)

    def __call__(self, heard: Heard) -> Reply:
        """Answer."""
        if "kube-system" in heard.path:
            return Reply(body=b'{"metadata":{"name":"kube-system","uid":"cluster"}}')
        query = dict(parse_qsl(urlsplit(heard.path).query))
        if "watch" in query:
            self.watched.append(query["resourceVersion"])
            return self.watches.pop(0) if self.watches else Reply(pieces=(b"", b"x"), pause_s=60)
        return self._page(int(query["limit"]), query.get("continue", ""))

    def _page(self, limit: int, token: str) -> Reply:
        self.asked.append((limit, token))
        if token in self.gone:
            self.gone.remove(token)
            return Reply(status=410, body=b'{"kind":"Status","reason":"Expired","code":410}')
        begin = int(token or "0")
        end = min(begin + limit, self.count)
        more = f',"continue":"{end}"' if end < self.count else ""
        head = f'{{"metadata":{{"resourceVersion":"7"{more}}},"items":['.encode()
        pieces = [head]
        for i in range(begin, end):
            pieces += [b"," if i > begin else b"", self._head(i), self.container(i), b"]}}"]
        return Reply(pieces=(*pieces, b"]}"))

    def _head(self, i: int) -> bytes:
        meta = f'{{"name":"p{i}","namespace":"n","uid":"u{i}","resourceVersion":"5","annotations":{self.annotations}}}'
        return f'{{"metadata":{meta},"status":{{"podIP":"10.0.{i >> 8}.{i & 255}"}},"spec":{{"containers":['.encode()

    @property
    def served(self) -> list[tuple[int, str]]:
        """The requests that were not asked again with a smaller limit."""
        return [ask for ask, after in zip(self.asked, [*self.asked[1:], (0, "-")], strict=True) if ask[1] != after[1]]


@contextmanager
def connected(server: Callable[[Heard], Reply], folder: Path) -> Iterator[Connection]:
    """A connection to it."""
    with scripted(server) as http:
        file = folder / "kubeconfig"
        cluster = {"name": "c", "cluster": {"server": http.url}}
        context = {"name": "x", "context": {"cluster": "c", "user": ""}}
        file.write_text(json.dumps({"clusters": [cluster], "contexts": [context], "current-context": "x"}))
        connection = connect(str(file), version="1", call_timeout_s=30)
        try:
            yield connection
        finally:
            connection.close()


@contextmanager
def informed(server: Crowd, folder: Path) -> Iterator[PodCache]:
    """The cache of an informer at work, once it has a whole list."""
    with connected(server, folder) as connection:
        cache = PodCache()
        informer = PodInformer(connection, cache, ClusterIdentity(connection, time.monotonic))
        informer.start(lambda _: None)
        try:
            wait_until(lambda: cache.synced and server.watched)
            yield cache
        finally:
            informer.stop()


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Counts what Python allocates: the peak so far, in bytes."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def all_there(cache: PodCache, count: int) -> bool:
    """Whether each Pod is in the cache, at its IP."""
    return all([pod.name for pod in cache.at_ip(f"10.0.{i >> 8}.{i & 255}")] == [f"p{i}"] for i in range(count))


def test_fat_pods_that_ask_for_nothing_do_not_fill_the_memory(tmp_path: Path) -> None:
    fat = filler(1_000_000)
    server = Crowd(400, lambda _: fat)
    with traced() as peak, informed(server, tmp_path) as cache:
        assert all_there(cache, 400)
        assert peak() < BOUND


def test_pages_shrink_where_pods_are_fat_and_grow_again_where_they_are_not(tmp_path: Path) -> None:
    fat, thin = filler(1_000_000), filler(10)
    server = Crowd(2_000, lambda i: fat if 500 <= i < 540 else thin)
    with informed(server, tmp_path) as cache:
        assert all_there(cache, 2_000)
    limits = [limit for limit, _ in server.asked]
    assert limits[0] == 100
    assert max(limits) == 500
    assert min(limits) <= 8
    assert limits[-1] >= 100
    begins = [int(token or "0") for _, token in server.served]
    assert begins == sorted(set(begins))
    assert len(limits) < 60


def test_one_pod_may_be_larger_than_a_page(tmp_path: Path) -> None:
    """What etcd holds in 1.5 MiB can be several times as long in JSON, where each character is escaped."""
    fat, thin = filler(12_000_000), filler(10)
    server = Crowd(30, lambda i: fat if i == 11 else thin)
    with informed(server, tmp_path) as cache:
        assert all_there(cache, 30)
    assert (1, "11") in server.asked


def test_an_object_that_cannot_be_is_not_read_to_its_end(tmp_path: Path) -> None:
    endless = filler(40_000_000)
    server = Crowd(1, lambda _: endless)
    with traced() as peak, connected(server, tmp_path) as connection:
        cache = PodCache()
        informer = PodInformer(connection, cache, ClusterIdentity(connection, time.monotonic))
        informer.start(lambda _: None)
        wait_until(lambda: server.asked.count((1, "")) == 2)
        informer.stop()
        assert not cache.synced
        assert peak() < 2 * BOUND


def test_a_token_that_expires_between_small_pages_begins_a_new_list(tmp_path: Path) -> None:
    fat = filler(1_000_000)
    server = Crowd(20, lambda _: fat, gone={"12"})
    with informed(server, tmp_path) as cache:
        assert all_there(cache, 20)
    assert not server.gone
    assert [token for _, token in server.asked].count("12") == 2
    assert server.watched[0] == "7"


def test_a_list_of_nodes_is_bounded_too(tmp_path: Path) -> None:
    fat = filler(1_000_000)
    server = Crowd(100, lambda _: fat)
    with traced() as peak, connected(server, tmp_path) as connection:
        reader = NodeReader(connection, ClusterIdentity(connection, time.monotonic), time.monotonic)
        assert reader.instances() == frozenset()
        assert peak() < BOUND


@pytest.mark.parametrize("key", ["example.com/notes", contract.PREFIX + "notes", POOL, contract.ANNOTATION_POD_ENI])
def test_what_is_long_is_not_kept(key: str, tmp_path: Path) -> None:
    thin = filler(10)
    server = Crowd(200, lambda _: thin, annotations=json.dumps({key: "x" * 250_000}))
    with traced() as peak, informed(server, tmp_path) as cache:
        assert all_there(cache, 200)
        assert tracemalloc.get_traced_memory()[0] < 4 * MB
        assert peak() < BOUND


def test_annotations_in_great_number_are_not_made_strings_of(tmp_path: Path) -> None:
    thin = filler(10)
    many = json.dumps({f"{number:x}": "" for number in range(40_000)})
    server = Crowd(40, lambda _: thin, annotations=many)
    with traced() as peak, informed(server, tmp_path) as cache:
        assert all_there(cache, 40)
        assert peak() < BOUND


def test_a_line_of_a_watch_has_an_end(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It cannot be an event, so what follows cannot be known: Pods are listed anew."""
    endless = Reply(pieces=(b'{"type":"ADDED","object":{"x":"', *[b"x" * MB] * 200), pause_s=0.0)
    server = Crowd(3, lambda _: filler(10), watches=[endless])
    with traced() as peak, caplog.at_level("INFO"), informed(server, tmp_path):
        wait_until(lambda: len(server.watched) == 2)
        assert peak() < 3 * BOUND
    assert len(server.asked) == 2
    assert "a line of the watch is longer than" in caplog.text


def test_an_event_may_come_in_pieces(tmp_path: Path) -> None:
    meta = {"name": "new", "namespace": "n", "uid": "new", "resourceVersion": "9"}
    event = {
        "type": "ADDED",
        "object": {"metadata": meta, "spec": {"x": "y" * 9_000_000}, "status": {"podIP": "10.9.9.9"}},
    }
    body = json.dumps(event).encode() + b"\n"
    parts = [body[at : at + 50_000] for at in range(0, len(body), 50_000)]
    server = Crowd(3, lambda _: filler(10), watches=[Reply(pieces=(*parts, b"\n"))])
    with informed(server, tmp_path) as cache:
        wait_until(lambda: cache.at_ip("10.9.9.9"))
        wait_until(lambda: len(server.watched) == 2)
    assert server.watched == ["7", "9"]


def test_many_large_answers_at_once_are_read_in_turn(tmp_path: Path) -> None:
    """Each thread that acts for a Pod may be given a large one."""
    fat, count, read = filler(6_000_000), 24, list[int]()
    together = threading.Barrier(count, timeout=60)

    def answer(_: Heard) -> Reply:
        together.wait()
        return Reply(body=fat)

    with traced() as peak, connected(answer, tmp_path) as connection:
        get = Call(verb="get", resource="pods", path="/pod")
        threads = [threading.Thread(target=lambda: read.append(len(connection.send(get)))) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert read == [len(fat)] * count
        assert peak() < BOUND
