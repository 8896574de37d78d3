"""gunicorn's threaded worker, made safe for a process whose probes decide whether a leader lives.

The loop, the accept, the parser and the answer are gunicorn's. gunicorn gives a thread to each connection, so as many
half-sent requests as there are threads would keep `/healthz` from being answered. Here only a request whose whole head
has arrived gets a thread (`enqueue_req`). Probes have threads of their own. Of other requests a limited number is
answered at once, and the rest is refused without a thread. A client that sends or reads too slowly is dropped, and no
connection is kept alive. SIGTERM reaches the controller before the server drains, and a worker whose master was killed
ends itself. docs/decisions/0008 says what breaks without each override.
"""

import socket
import sys
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import islice
from math import ceil
from selectors import EVENT_READ
from types import FrameType
from typing import Any, NoReturn

from controller.surface.gunicorn_api import Connection, ThreadWorker
from controller.surface.lifecycle import Lifecycle
from controller.surface.probes import is_probe

HEAD_TIME_S = 5.0
ANSWER_TIME_S = 2.0
DRAIN_TIME_S = 1.0
STOP_TIME_S = 3.0
MAX_HEAD_BYTES = 32 * 1024
MAX_PENDING = 600
MAX_BUSY = 16
MAX_ACCEPTED = 32
PAUSE_S = 0.01
PROBE_THREADS = 2
_END_OF_HEAD = b"\r\n\r\n"
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 18\r\n"
    b"Cache-Control: no-store\r\nRetry-After: 1\r\nConnection: close\r\n\r\ntoo many requests\n"
)


class Worker(ThreadWorker):
    """The worker in which the controller lives."""

    stop_by: float | None = None
    busy = 0
    refused = False
    taken = 0
    probes: Executor

    def init_process(self) -> None:
        """Make the threads for probes, then serve. Never returns."""
        self.probes = ThreadPoolExecutor(PROBE_THREADS, "probe")
        # Only in this process: the master waits for the release and the drain, the worker for the drain alone.
        self.cfg.set("graceful_timeout", ceil(DRAIN_TIME_S))
        super().init_process()

    @property
    def life(self) -> Lifecycle:
        """The controller's `Lifecycle`, which the application holds since before the fork."""
        life: Lifecycle = self.app.life
        return life

    def handle_exit(self, _sig: int, _frame: FrameType | None) -> None:
        """SIGTERM: stop the controller first. The server goes on answering until the Lease is released."""
        self.begin_exit()

    # SIGINT and SIGQUIT too: without a release the next leader waits for the Lease's whole duration.
    handle_quit = handle_exit

    def begin_exit(self) -> None:
        """Stop the controller, and set the time after which the worker ends without waiting for it."""
        if self.stop_by is None:
            self.stop_by = time.monotonic() + self.app.release_time_s
        self.life.stop()

    def over(self) -> None:
        """The controller has released its Lease, or has not started: drain and exit. May be called from any thread."""
        self.method_queue.defer(self._end)

    def _end(self) -> None:
        """End the loop; requests that have not been sent are not waited for."""
        self.alive = False
        self._give_up(len(self.pending_conns))

    def run(self) -> NoReturn:
        """Serve until the controller is over, then drain, and exit with its exit code."""
        super().run()
        for pool in (self.tpool, self.probes):
            pool.shutdown(wait=False, cancel_futures=True)
        self.life.join(STOP_TIME_S)
        sys.exit(self.life.exit_code)

    def is_parent_alive(self) -> bool:
        """Whether to go on; gunicorn asks in each turn. If the master is gone, the controller is stopped first."""
        if self.stop_by is None and not super().is_parent_alive():
            self.begin_exit()
        return self.stop_by is None or time.monotonic() < self.stop_by

    def accept(self, listener: socket.socket) -> None:
        """Accept several connections in a turn, where gunicorn accepts one.

        While requests are refused, pause between the turns: each refusal costs time in which the controller waits for
        Python's lock, and a client that is refused soon connects again.
        """
        if self.refused:
            self.refused = False
            time.sleep(PAUSE_S)
        for _ in range(MAX_ACCEPTED):
            before = self.taken
            try:
                super().accept(listener)
            except OSError as fault:
                # There are no file descriptors left: drop a waiting connection, and do not end.
                self.log.debug("accept: %s", fault)
                self._give_up(1)
            if self.taken == before:
                return

    def enqueue_req(self, conn: Connection) -> None:
        """Give a request a thread, or refuse it. If its head has not arrived yet, wait for it without a thread."""
        self.taken += 1
        if not conn.data_ready and not self._has_come(conn):
            conn.timeout = time.monotonic() + HEAD_TIME_S
            self.poller.register(conn.sock, EVENT_READ, partial(self.on_pending_socket_readable, conn))
            self.pending_conns.append(conn)
        elif _END_OF_HEAD not in (head := _head(conn)):
            self._close(conn)
        elif is_probe(head):
            self._submit(self.probes, conn, 0)
        elif self.busy < MAX_BUSY:
            self._submit(self.tpool, conn, 1)
        else:
            self._refuse(conn)

    def on_pending_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """More bytes of a request have arrived whose head is waited for."""
        if self._has_come(conn):
            super().on_pending_socket_readable(conn, client)

    def _has_come(self, conn: Connection) -> bool:
        """Read what has arrived. True: the whole head is there, or will never be."""
        conn.init()
        try:
            data = conn.sock.recv(MAX_HEAD_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        head = _head(conn) + data
        conn.parser.unreader.take_buffered()
        conn.parser.unreader.unread(head)
        return not data or _END_OF_HEAD in head or len(head) >= MAX_HEAD_BYTES

    def murder_pending(self) -> None:
        """Drop the waiting connections whose time is over, and the oldest ones beyond the limit.

        gunicorn calls this between two rounds of events, so no connection with an unhandled event is dropped.
        """
        self._give_up(len(self.pending_conns) - MAX_PENDING)
        super().murder_pending()

    def _give_up(self, many: int) -> None:
        """Mark so many of the oldest waiting connections to be dropped at the end of this turn."""
        for conn in islice(self.pending_conns, max(many, 0)):
            conn.timeout = 0.0

    def _submit(self, pool: Executor, conn: Connection, weight: int) -> None:
        """Answer the request in a thread of the pool; it counts `weight` as busy until the main thread closes it."""
        self.busy += weight
        answered = pool.submit(self.handle, conn)
        answered.add_done_callback(lambda _: self.method_queue.defer(self._finish, conn, weight))

    def _finish(self, conn: Connection, weight: int) -> None:
        self.busy -= weight
        self._close(conn)

    def _refuse(self, conn: Connection) -> None:
        self.refused = True
        # A few bytes on a new connection: the system accepts them at once, whether the client reads or not.
        with suppress(OSError):
            conn.sock.send(_BUSY, socket.MSG_DONTWAIT)
        self._close(conn)

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """Answer, in a thread of a pool; drop a client that reads too slowly. False: do not keep the connection."""
        conn.sock.settimeout(ANSWER_TIME_S)
        try:
            return super().handle_request(req, conn)
        except TimeoutError as fault:
            self.log.debug("The client reads too slowly: %s", fault)
            return False

    def _close(self, conn: Connection) -> None:
        """Close at once: gunicorn's own graceful close waits for up to 2 s, in the main thread."""
        self.nr_conns -= 1
        with suppress(OSError):
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
            # Bytes that we have not read would turn our close into a reset, and the answer might be lost.
            conn.sock.recv(MAX_HEAD_BYTES)
        conn.close()


def _head(conn: Connection) -> bytes:
    """The bytes of a request that have arrived so far."""
    head: bytes = conn.parser.unreader.buf.getvalue()
    return head
