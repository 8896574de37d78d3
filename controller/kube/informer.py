"""A thread that lists the Pods once and then watches them, because lists are expensive for the API server.

Lists and watches take turns, for ever. A watch begins at the version where the list, or the watch before it, ended. An
expired version (410, as an answer or inside the stream) and everything that is not understood lead to a new list.

How old the cache can be unnoticed: a watch without an event for `silence_s` (other bytes do not count) is begun anew
from the same version, which loses nothing; two such watches in a row lead to a new list. So while the API server
answers, every change is in the cache after at most twice (silence_s + the longest pause + one call's time limit) + the
time of the list, even if the server holds watches open and forgets them. If only the connection was lost, one such sum
is enough. TCP keep-alive usually finds a dead peer long before. Bookmarks, one a minute, keep the watch of a quiet
namespace alive in a busy cluster. Where no Pod changes at all the API server sends none, and there every second watch
is followed by a list.
"""

import logging
import random
import threading
import time
from collections.abc import Callable

from controller.core.ports import Clock
from controller.kube.cache import PodCache, Seen, version_number
from controller.kube.codes import wait_of
from controller.kube.connection import SILENCE, Call, Connection, Stream, path_of
from controller.kube.decode import ListMeta, Pod, pod_of, pod_page, version_of, view_of
from controller.kube.identity import ClusterIdentity
from controller.kube.paging import PAGE_TIMEOUT_S, pages
from controller.kube.watching import WatchEvent, batches
from state.backoff import Backoff
from state.errors import PodEipError, Unavailable, VersionExpired
from state.model import PodUid

WATCH_S = (240, 360)
BARREN_WATCHES = 2
LONGEST_PAUSE_S = 5.0
PAUSE = Backoff(base_s=0.2, cap_s=LONGEST_PAUSE_S, sure=0.5)

OnChange = Callable[[set[PodUid]], None]
log = logging.getLogger(__name__)


class PodInformer:
    """Keeps the cache equal to the API server's Pods of one namespace, or of all (""), and reports which changed."""

    def __init__(
        self,
        connection: Connection,
        cache: PodCache,
        identity: ClusterIdentity,
        *,
        namespace: str = "",
        silence_s: float = 90.0,
        clock: Clock = time.monotonic,
    ) -> None:
        self._connection, self._cache, self._identity = connection, cache, identity
        self._path = path_of("api", "v1", *(["namespaces", namespace] if namespace else []), "pods")
        self._silence_s, self._clock = silence_s, clock
        self._version = ""
        self._failures = self._barren = 0
        self._heard, self._listed = clock(), float("-inf")
        self._stream: Stream | None = None
        self._stopping, self._relist_wanted = threading.Event(), threading.Event()
        self._on_change: OnChange = lambda _: None
        self._thread = threading.Thread(target=self._run, name="pod-informer", daemon=True)

    def start(self, on_change: OnChange) -> None:
        """Begin. `on_change` is called in the informer's thread with the UIDs of Pods whose view changed."""
        self._on_change = on_change
        self._thread.start()

    def stop(self) -> None:
        """End the thread; takes about the time of one call."""
        self._stopping.set()
        self._interrupt()
        if self._thread.ident is not None:
            self._thread.join(self._connection.call_timeout_s)

    def relist(self) -> None:
        """Ask for a new consistent list, soon; the cache serves meanwhile."""
        self._relist_wanted.set()
        self._interrupt()

    def silent_for_s(self) -> float:
        """Seconds since the API server last said anything about Pods, a bookmark included."""
        return self._clock() - self._heard

    @property
    def silence_limit_s(self) -> float:
        """The longest time without news, in seconds, while the API server answers: see the module's text."""
        return BARREN_WATCHES * (self._silence_s + LONGEST_PAUSE_S + self._connection.call_timeout_s) + PAGE_TIMEOUT_S

    def _interrupt(self) -> None:
        if (stream := self._stream) is not None:
            stream.shutdown()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._turn()
            except PodEipError as error:
                self._failed(error)
            except Exception as error:
                log.exception("The Pod informer stumbled; it lists anew")
                self._version = ""
                self._failed(Unavailable(str(error), code=type(error).__name__))

    def _turn(self) -> None:
        if self._relist_wanted.is_set():
            self._relist_wanted.clear()
            self._version = ""
        self._version = self._version or self._list()
        self._watch()

    def _failed(self, error: PodEipError) -> None:
        if self._stopping.is_set() or self._relist_wanted.is_set():
            return
        log.log(logging.WARNING if self._failures else logging.INFO, "Watching Pods: %s", error.explain())
        if isinstance(error, VersionExpired):
            self._version = ""
            if self._clock() - self._listed > LONGEST_PAUSE_S:
                return
        self._failures += 1
        pause = PAUSE.after(self._failures - 1, random.random())
        self._stopping.wait(max(pause, wait_of(error)))

    def _list(self) -> str:
        pods, version = list[Seen](), ""
        for meta, page in pages(self._connection, "pods", self._path, _seen_page):
            pods.extend(page)
            version = meta.resource_version
        self._identity.confirm()
        changed = self._cache.replace(pods)
        self._heard = self._listed = self._clock()
        log.info("Listed %d Pods at version %s, %d changed", len(pods), version, len(changed))
        self._tell(changed)
        return version

    def _watch(self) -> None:
        query = [
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self._version),
            ("timeoutSeconds", str(random.randint(*WATCH_S))),
        ]
        call = Call(verb="watch", resource="pods", path=self._path, query=query)
        began = self._clock()
        stream = self._stream = self._connection.open(call, silence_s=self._silence_s)
        self._barren += 1
        try:
            self._identity.confirm()  # our version has no meaning in another cluster, or a different one
            if not (self._stopping.is_set() or self._relist_wanted.is_set()):
                self._follow(stream, call.doing)
        finally:
            self._stream = None
            stream.close()
            self._judge(self._clock() - began)
        if self._barren and self._clock() - began < 1.0:
            raise Unavailable("the watch ended as soon as it began", code="WatchTooShort")

    def _follow(self, stream: Stream, doing: str) -> None:
        try:
            for batch in batches(stream, doing, silence_s=self._silence_s, clock=self._clock):
                self._take_all(batch)
        except Unavailable as error:
            if error.code != SILENCE:
                raise
            log.debug("Nothing was heard of Pods for %s s; watching anew", self._silence_s)

    def _take_all(self, batch: list[WatchEvent]) -> None:
        changed: set[PodUid] = set()
        try:
            for event in batch:
                changed |= self._take(event)
            self._failures = self._barren = 0
            self._heard = self._clock()
        finally:  # what is in the cache already will not count as changed in the next list
            self._tell(changed)

    def _judge(self, lasted_s: float) -> None:
        if lasted_s > LONGEST_PAUSE_S:
            self._failures = 0
        if self._barren >= BARREN_WATCHES:
            log.debug("%d watches in a row said nothing; listing Pods anew", self._barren)
            self._barren, self._version = 0, ""

    def _tell(self, changed: set[PodUid]) -> None:
        if changed:
            self._on_change(changed)

    def _take(self, event: WatchEvent) -> set[PodUid]:
        """Put one event into the cache; returns the Pod's UID if its view changed."""
        if event.type == "BOOKMARK":
            self._advance(version_of(event.object))
            return set()
        try:
            pod = pod_of(event.object)
        except Unavailable as error:
            log.error("An event is left out (%s): %s", event.type, error.message)
            return set()
        self._advance(pod.metadata.resource_version)
        uid = PodUid(pod.metadata.uid)
        if event.type == "DELETED":
            self._cache.remove(uid)
            return {uid}
        return {uid} if self._cache.apply(_seen(pod)) else set()

    def _advance(self, version: str) -> None:
        if version_number(version) < version_number(self._version):
            raise VersionExpired(f"version {version} came after {self._version}: the server's past has changed")
        self._version = version


def _seen_page(body: bytes) -> tuple[ListMeta, list[Seen]]:
    meta, page = pod_page(body)
    return meta, [_seen(pod) for pod in page]


def _seen(pod: Pod) -> Seen:
    return Seen(view_of(pod), version_number(pod.metadata.resource_version))
