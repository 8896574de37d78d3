"""gunicorn's threaded worker, made safe for a process whose probes decide whether a leader lives.

gunicorn gives a thread to whoever connects, without limit: as many half-sent requests as there are threads, and
`/healthz` is not answered. Here the main thread gathers the head of a request, and only a whole one gets a thread;
a client that sends or reads too slowly is dropped, and no connection is kept alive. Probes have threads of their own;
of all other requests only so many are answered at once, and the rest is refused without a thread. SIGTERM reaches the
controller before the server drains, and a worker whose master was killed ends itself.
"""

import logging
import socket
import sys
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from selectors import EVENT_READ
from types import FrameType
from typing import Any, NoReturn

from controller.surface.gunicorn_api import Connection, ParseException, Parser, ThreadWorker
from controller.surface.lifecycle import Lifecycle
from controller.surface.probes import is_probe

HEAD_TIME_S = 5.0
ANSWER_TIME_S = 2.0
DRAIN_TIME_S = 1.0
STOP_TIME_S = 3.0
CHECK_INTERVAL_S = 0.5
MAX_HEAD_BYTES = 32 * 1024
MAX_PENDING = 600
MAX_BUSY = 16
MAX_ACCEPTED = 32
PAUSE_S = 0.01
PROBE_THREADS = 2
_END_OF_HEAD = b"\r\n\r\n"
_FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 18\r\n"
    b"Cache-Control: no-store\r\nRetry-After: 1\r\nConnection: close\r\n\r\ntoo many requests\n"
)

log = logging.getLogger(__name__)


class Client(Connection):
    """A connection that has not sent its whole request yet, and what it has sent so far."""

    def __init__(self, cfg: Any, sock: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.head = b""
        self.counted = False
        self.timeout = time.monotonic() + HEAD_TIME_S

    def close(self, graceful: bool = False) -> None:
        """Close at once: gunicorn's own graceful close lingers for 2 s, in the main thread."""
        if graceful:
            with suppress(OSError):
                self.sock.setblocking(False)
                self.sock.shutdown(socket.SHUT_WR)
                # What was sent and not read would turn our close into a reset, and the answer might be lost.
                self.sock.recv(MAX_HEAD_BYTES)
        super().close()


class Worker(ThreadWorker):
    """The worker in which the controller lives."""

    stop_by: float | None = None
    busy = 0
    refused = False
    probes: Executor

    def init_process(self) -> None:
        """Make the threads for probes, then serve. Never returns."""
        self.probes = ThreadPoolExecutor(PROBE_THREADS, "probe")
        super().init_process()

    @property
    def life(self) -> Lifecycle:
        """The controller's life, which the application carries through the fork."""
        life: Lifecycle = self.app.life
        return life

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """SIGTERM: the controller first. The server goes on answering until the Lease is released."""
        self.begin_exit()

    # SIGINT and SIGQUIT too: a Lease that is not released costs the cluster its whole duration.
    handle_quit = handle_exit

    def begin_exit(self) -> None:
        """Have the controller stop, and set the limit after which the worker ends without it."""
        if self.stop_by is None:
            self.stop_by = time.monotonic() + self.app.release_time_s
        self.life.stop()

    def over(self) -> None:
        """The controller has released its Lease, or never started: drain and exit. May be called from any thread."""
        self.alive = False
        self.method_queue.defer(lambda: None)

    def run(self) -> NoReturn:
        """Serve until the controller is over, then drain, and exit with its exit code."""
        self.poller.register(self.method_queue.fileno(), EVENT_READ, self.method_queue.run_callbacks)
        self.set_accept_enabled(True)
        while self.alive:
            self.notify()
            self.wait_for_and_dispatch_events(timeout=CHECK_INTERVAL_S)
            self.murder_pending()
            if not self.is_parent_alive() and self.stop_by is None:
                self.begin_exit()
            if self.stop_by is not None and time.monotonic() > self.stop_by:
                break
        self._drain()
        self.life.join(STOP_TIME_S)
        sys.exit(self.life.exit_code)

    def accept(self, listener: socket.socket) -> None:
        """Take some of those who have connected. While requests are refused, pause between: each refusal costs time in
        which the controller waits for Python's lock, and who is refused soon comes again.
        """
        if self.refused:
            self.refused = False
            time.sleep(PAUSE_S)
        for _ in range(MAX_ACCEPTED):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as fault:
                # The client is gone already, or there are no file descriptors left: make room rather than end.
                self.log.debug("accept: %s", fault)
                self._make_room(0)
                return
            self.nr_conns += 1
            self._begin(Client(self.cfg, sock, address, listener.getsockname()))

    def _begin(self, client: Client) -> None:
        """Most have sent their request by now; wait for that of the others, without a thread."""
        if self._has_come(client):
            self._dispatch(client)
            return
        self.pending_conns.append(client)
        self.poller.register(client.sock, EVENT_READ, partial(self._receive, client))
        self._make_room(MAX_PENDING)

    def _make_room(self, most: int) -> None:
        """Drop the oldest of the clients that have not sent their request, if there are more than that."""
        if len(self.pending_conns) > most:
            self._forget(self.pending_conns[0])
            self._drop(self.pending_conns.popleft())

    def _receive(self, client: Client, _: object) -> None:
        """More has come of a request that was waited for; it may have been dropped to make room a moment ago."""
        if client.sock.fileno() >= 0 and self._has_come(client):
            self._forget(client)
            self.pending_conns.remove(client)
            self._dispatch(client)

    def _has_come(self, client: Client) -> bool:
        """Read what there is. True: the whole head is there, or will never be."""
        try:
            data = client.sock.recv(MAX_HEAD_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        client.head += data
        return not data or _END_OF_HEAD in client.head or len(client.head) >= MAX_HEAD_BYTES

    def _dispatch(self, client: Client) -> None:
        """Give the request its thread, or refuse it."""
        if _END_OF_HEAD not in client.head:
            self._drop(client)
        elif is_probe(client.head):
            self._submit(self.probes, client)
        elif self.busy < MAX_BUSY:
            client.counted = True
            self.busy += 1
            self._submit(self.tpool, client)
        else:
            self.refused = True
            # A few bytes on a new connection: the system takes them at once, whether the client reads or not.
            with suppress(OSError):
                client.sock.send(_BUSY)
            self._drop(client, graceful=True)

    def _submit(self, pool: Executor, client: Client) -> None:
        answered = pool.submit(self.handle, client)
        answered.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, client, done))

    def finish_request(self, client: Client, done: Future[bool]) -> None:
        """Close the connection, in the main thread."""
        self.busy -= client.counted
        super().finish_request(client, done)

    def _forget(self, client: Client) -> None:
        self.poller.unregister(client.sock)

    def _drop(self, client: Client, *, graceful: bool = False) -> None:
        self.nr_conns -= 1
        client.close(graceful)

    def handle(self, client: Client) -> bool:
        """Answer one request, in a thread of the pool. False: the connection is not kept."""
        request = None
        try:
            client.sock.settimeout(ANSWER_TIME_S)
            parser = Parser(self.cfg, client.sock, client.client)
            parser.unreader.unread(client.head)
            request = next(parser)
            self.handle_request(request, client)
        except (OSError, StopIteration) as fault:
            self.log.debug("The client went away: %s", fault)
        except ParseException as fault:
            self.handle_error(request, client.sock, client.client, fault)
        except Exception:  # the top of this request's thread
            log.exception("A request could not be answered")
            with suppress(OSError):
                client.sock.sendall(_FAILED)
        return False

    def _drain(self) -> None:
        """Finish the requests that are being answered; those that have not been sent are not waited for."""
        self.set_accept_enabled(False)
        while self.pending_conns:
            self._make_room(0)
        limit = time.monotonic() + DRAIN_TIME_S
        while self.nr_conns > 0 and time.monotonic() < limit:
            self.notify()
            self.wait_for_and_dispatch_events(timeout=0.1)
        for pool in (self.tpool, self.probes):
            pool.shutdown(wait=False, cancel_futures=True)
        for listener in self.sockets:
            listener.close()
