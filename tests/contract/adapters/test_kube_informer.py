"""The informer against an API server that goes away, forgets, falls silent, or turns out to be another cluster's."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from controller.kube.identity import ClusterIdentity
from controller.kube.pods import KubePods
from sandbox.kube.faults import Fault
from sandbox.kube.server import KubeServer
from sandbox.kube.settings import KubeSettings
from state.errors import Unavailable
from state.model import PodUid
from tests.contract.adapters.kube_worlds import Switch, sandbox_api, until

TYPE = "aws-samples.github.com/aws-pod-eip-controller-type"


@dataclass
class Watcher:
    """An informer at work, and the server that it watches."""

    kube: KubeServer
    pods: KubePods
    changed: list[PodUid] = field(default_factory=list)

    def calls(self, verb: str) -> int:
        """How often the adapter has listed or watched Pods."""
        return len(self.kube.control.log(verb=verb, resource="pods", client="aws-pod-eip-controller"))

    def make(self, name: str, ip: str = "") -> PodUid:
        """A Pod with an annotation of ours."""
        return PodUid(self.kube.control.pod("default", name, ip=ip, annotations={TYPE: "auto"}))

    def names(self) -> set[str]:
        """The annotated Pods of the cache."""
        return {pod.name for pod in self.pods.annotated()}

    def forget_changes(self) -> None:
        """Forget what has changed so far, once all of it has been told: that is a moment after it can be seen."""
        marker = self.make("marker")
        until(lambda: marker in self.changed)
        self.changed.clear()


@contextmanager
def informer(kube: KubeServer, folder: Path, *, namespace: str = "", silence_s: float = 30.0) -> Iterator[Watcher]:
    """A synced informer."""
    with sandbox_api(kube, folder).connection() as connection:
        identity = ClusterIdentity(connection, time.monotonic)
        pods = KubePods(connection, Switch(), identity, namespace=namespace, silence_s=silence_s)
        watcher = Watcher(kube, pods)
        pods.start(watcher.changed.extend)
        try:
            until(lambda: pods.synced)
            yield watcher
        finally:
            pods.stop()


@pytest.fixture
def kube() -> Iterator[KubeServer]:
    """An API server of the sandbox."""
    with KubeServer(KubeSettings(bookmark_seconds=0.1)) as server:
        yield server


@pytest.fixture
def watcher(kube: KubeServer, tmp_path: Path) -> Iterator[Watcher]:
    """An informer of all namespaces."""
    with informer(kube, tmp_path) as made:
        yield made


def test_a_long_list_comes_in_pages(kube: KubeServer, tmp_path: Path) -> None:
    for number in range(1_001):
        kube.control.pod("default", f"web-{number}", annotations={TYPE: "auto"})
    with informer(kube, tmp_path) as watcher:
        assert len(watcher.names()) == 1_001
        until(lambda: len(set(watcher.changed)) == 1_001)  # they are told once they are in the cache
        assert watcher.calls("list") == 4  # of 100, 200, 400 and the rest


def test_a_cut_watch_goes_on_where_it_was(watcher: Watcher) -> None:
    watcher.make("before")
    until(lambda: watcher.names() == {"before"})
    watching = watcher.calls("watch")
    fault = watcher.kube.control.inject(Fault(kind="status", code=503, verb="watch", resource="pods"))
    watcher.kube.control.drop_watches()
    watcher.make("while-away")
    watcher.kube.control.release(fault)
    until(lambda: watcher.names() == {"before", "while-away"})
    assert watcher.calls("list") == 1
    assert watcher.calls("watch") > watching


@contextmanager
def away(watcher: Watcher) -> Iterator[None]:
    """The watch is cut and cannot be resumed, and its version is forgotten."""
    control = watcher.kube.control
    until(lambda: watcher.calls("watch"))
    fault = control.inject(Fault(kind="status", code=503, verb="watch", resource="pods"))
    control.drop_watches()
    yield
    control.compact()
    control.release(fault)


def test_after_an_expired_version_the_list_is_new_and_absence_is_no_deletion(watcher: Watcher) -> None:
    gone, stays = watcher.make("gone", "10.0.0.1"), watcher.make("stays", "10.0.0.2")
    until(lambda: watcher.pods.at_ip("10.0.0.1") and watcher.pods.at_ip("10.0.0.2"))
    watcher.forget_changes()
    with away(watcher):
        watcher.kube.control.delete_pod("default", "gone")
        new = watcher.make("new", "10.0.0.1")
    until(lambda: watcher.names() == {"marker", "stays", "new"})
    assert not watcher.pods.seen_deleted(gone)
    assert [pod.uid for pod in watcher.pods.at_ip("10.0.0.1")] == [new]
    until(lambda: {gone, new} <= set(watcher.changed))
    assert stays not in watcher.changed


def test_a_list_that_expires_between_its_pages_begins_again(kube: KubeServer, tmp_path: Path) -> None:
    for number in range(501):
        kube.control.pod("default", f"web-{number}", annotations={TYPE: "auto"})
    control = kube.control
    first = control.inject(Fault(kind="hold", verb="list", resource="pods", times=1))

    def held(number: int) -> Callable[[], bool]:
        return lambda: any(fault["number"] == number and fault["waiting"] for fault in control.faults())

    with ExitStack() as stack:
        connection = stack.enter_context(sandbox_api(kube, tmp_path).connection())
        pods = KubePods(connection, Switch(), ClusterIdentity(connection, time.monotonic))
        stack.callback(pods.stop)
        pods.start(lambda _: None)
        until(held(first))
        second = control.inject(Fault(kind="hold", verb="list", resource="pods", times=1))
        control.release(first)
        until(held(second))
        control.pod("default", "late", annotations={TYPE: "auto"})
        control.compact()
        control.release(second)
        until(lambda: len(pods.annotated()) == 502)


def test_a_silent_server_is_noticed(kube: KubeServer, tmp_path: Path) -> None:
    with informer(kube, tmp_path, silence_s=0.5) as watcher:
        kube.control.silence_watches()
        watcher.make("unheard")
        until(lambda: watcher.names() == {"unheard"})
        assert watcher.calls("list") >= 2


def test_bookmarks_keep_the_watch_of_a_quiet_namespace(kube: KubeServer, tmp_path: Path) -> None:
    def changing_elsewhere() -> float:
        kube.control.annotate("busy", "web", {"turn": str(time.monotonic())})
        return time.monotonic()

    kube.control.pod("busy", "web", node="n")
    with informer(kube, tmp_path, namespace="default", silence_s=5.0) as watcher:
        until(lambda: watcher.calls("watch") == 1)
        end = time.monotonic() + 6.0
        until(lambda: changing_elsewhere() > end)
        assert (watcher.calls("watch"), watcher.calls("list")) == (1, 1)


def test_a_stopped_server_is_followed_again(watcher: Watcher) -> None:
    watcher.make("before")
    until(lambda: watcher.names() == {"before"})
    watcher.kube.stop()
    assert watcher.names() == {"before"}
    watcher.kube.start()
    watcher.make("after")
    until(lambda: watcher.names() == {"before", "after"})


@contextmanager
def in_its_place(watcher: Watcher, *, cluster_uid: str = "", pods: int = 0) -> Iterator[KubeServer]:
    """Another server where the watcher's was; its first Pod is `theirs`, and it has at least `pods` versions."""
    watcher.kube.stop()
    port = int(watcher.kube.url.rpartition(":")[2])
    with KubeServer(KubeSettings(port=port, cluster_uid=cluster_uid, bookmark_seconds=0.1)) as stranger:
        for number in range(pods):
            stranger.control.pod("default", f"plain-{number}")
        stranger.control.pod("default", "theirs", annotations={TYPE: "auto"})
        yield stranger
    watcher.kube.start()


@pytest.mark.parametrize("expired", [True, False])
def test_another_cluster_at_the_same_place_is_not_believed(watcher: Watcher, expired: bool) -> None:
    uid = watcher.make("ours", "10.0.0.1")
    until(lambda: watcher.pods.at_ip("10.0.0.1"))
    with in_its_place(watcher, pods=0 if expired else 30) as stranger:
        if expired:
            watcher.pods.relist()
        asked = len(stranger.control.log(verb="get", resource="namespaces"))
        until(lambda: len(stranger.control.log(verb="get", resource="namespaces")) > asked)
        stranger.control.pod("default", "later", annotations={TYPE: "auto"})
        until(lambda: refused(watcher))
        assert watcher.names() == {"ours"}
        assert watcher.pods.get(uid) is not None
        assert not watcher.pods.seen_deleted(uid)
    watcher.make("back")
    until(lambda: watcher.names() == {"ours", "back"})


def test_a_server_that_was_restored_from_the_past_is_listed_anew(kube: KubeServer, tmp_path: Path) -> None:
    with informer(kube, tmp_path, silence_s=0.3) as watcher:
        lost = watcher.make("lost", "10.0.0.1")
        for number in range(10):
            watcher.make(f"lost-{number}")
        until(lambda: len(watcher.names()) == 11)
        with in_its_place(watcher, cluster_uid=kube.control.cluster_uid()):
            until(lambda: watcher.names() == {"theirs"})
            assert not watcher.pods.seen_deleted(lost)


def refused(watcher: Watcher) -> bool:
    """Whether a fetch is refused because of the stranger."""
    try:
        watcher.pods.fetch("default", "ours")
    except Unavailable as error:
        return error.code == "ForeignCluster"
    return False


def test_one_namespace_is_watched_alone(kube: KubeServer, tmp_path: Path) -> None:
    kube.control.pod("other", "theirs", annotations={TYPE: "auto"})
    with informer(kube, tmp_path, namespace="default") as watcher:
        watcher.make("ours")
        until(lambda: watcher.names() == {"ours"})
        assert watcher.pods.in_scope("default")
        assert not watcher.pods.in_scope("other")
        theirs = watcher.pods.fetch("other", "theirs")
        assert theirs is not None
        assert watcher.pods.get(theirs.uid) is None


def test_a_list_on_request_is_new(watcher: Watcher) -> None:
    watcher.make("web")
    until(lambda: watcher.names() == {"web"})
    watcher.pods.relist()
    until(lambda: watcher.calls("list") == 2)
    watcher.make("later")
    until(lambda: watcher.names() == {"web", "later"})


def test_what_has_not_changed_wakes_nobody(watcher: Watcher) -> None:
    uid = watcher.make("web", "10.0.0.1")
    until(lambda: watcher.pods.at_ip("10.0.0.1"))
    watcher.forget_changes()
    watcher.kube.control.annotate("default", "web", {"somebody": "else"})
    other = watcher.make("other")
    until(lambda: other in watcher.changed)
    assert uid not in watcher.changed
