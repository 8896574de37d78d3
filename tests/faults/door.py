"""A door before a server, one for each replica: it writes down every call, and can stop one on either side of it.

A process cannot be killed "between sending and effect" from outside unless something stands there. Here a test says
what is to happen before a call is delivered and after it was; killing the caller at that instant, losing the request
or its reply, holding it for minutes and cutting a replica off are all the same few lines. The product's endpoints
point here, so it runs as it is. Streams (watches) pass through piece by piece.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from tests.faults.forged import Forged, Forger
from tests.faults.reading import read, signed_at
from tests.history import TRANSACTION, Call, Process, Service

LIMIT_S = 60.0
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "host"})


class Interference(Protocol):
    """What a test does to calls; both may block, and both may end the caller."""

    def before(self, call: Call) -> bool:
        """Whether the call is delivered."""
        ...

    def after(self, call: Call) -> bool:
        """Whether the answer, whose status the call now has, is passed on."""
        ...


class Nothing:
    """Lets everything pass."""

    def before(self, call: Call) -> bool:
        """Deliver."""
        return True

    def after(self, call: Call) -> bool:
        """Answer."""
        return True


class Door:
    """Serves on loopback before `upstream`; `ca` is needed for https. `seen` is told of a call once it has a status.

    `rewrite` gives the body that is delivered in place of the one that was sent.
    """

    def __init__(
        self, service: Service, upstream: str, who: Callable[[], Process], seen: Callable[[Call], None], ca: str = ""
    ) -> None:
        self._trust = ssl.create_default_context(cafile=ca) if ca else None
        self.service: Service = service
        self.interference: Interference = Nothing()
        self.forger: Forger | None = None
        self.rewrite: Callable[[Call, bytes], bytes] = lambda _, body: body
        self.shut = threading.Event()
        self.upstream = urlsplit(upstream).netloc
        self.who, self.seen = who, seen
        self.order: threading.Lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint to use instead of the server's own."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def connect(self) -> http.client.HTTPConnection:
        """A connection to the server behind; it is opened by its first request."""
        if self._trust is None:
            return http.client.HTTPConnection(self.upstream, timeout=LIMIT_S)
        return http.client.HTTPSConnection(self.upstream, timeout=LIMIT_S, context=self._trust)

    def close(self) -> None:
        """Cut the replica off without a word: calls hang, streams fall silent, until `open`."""
        self.shut.set()

    def open(self) -> None:
        """Let calls pass again; those that hung are lost."""
        self.shut.clear()

    def sever(self) -> None:
        """End all connections, as when the process behind them is dead."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def enter(self, connection: socket.socket) -> None:
        """A client has connected."""
        self._open.add(connection)

    def leave(self, connection: socket.socket) -> None:
        """A client has gone."""
        self._open.discard(connection)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shut.clear()
        self.interference = Nothing()
        self._server.shutdown()
        self.sever()
        self._server.server_close()
        self._thread.join(LIMIT_S)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, door: Door) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.door = door


class _Handler(BaseHTTPRequestHandler):
    """One connection of a replica."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    server: "_Server"

    def setup(self) -> None:
        """Connect to the server behind, for as long as the replica stays.

        What comes here is of the process that has connected, also where it is read after that process's death.
        """
        super().setup()
        self.door = door = self.server.door
        self.who = door.who()
        door.enter(self.connection)
        self.upstream = door.connect()

    def finish(self) -> None:
        """The replica has gone."""
        self.upstream.close()
        self.door.leave(self.connection)
        with suppress(OSError):
            super().finish()

    def handle(self) -> None:
        """Serve until either side is gone."""
        with suppress(OSError, http.client.HTTPException):
            super().handle()

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target, signed = self.headers.get("X-Amz-Target", ""), self.headers.get("X-Amz-Date", "")
        call = read(self.door.service, self.who, self.command, self.path, target, body)
        call = replace(call, signed=signed_at(signed))
        if self._hangs() or not self.door.interference.before(call) or self._hangs():
            self.door.seen(replace(call, ended=time.monotonic()))
            self.close_connection = True
            return
        forger = self.door.forger
        if forger and (forged := forger.instead(call)):
            self.door.seen(replace(call, ended=time.monotonic(), status=forged.status))
            self._forge(forged)
            return
        self._deliver(call, body)

    def _hangs(self) -> bool:
        """Wait while the door is shut; whether it was."""
        was = self.door.shut.is_set()
        while self.door.shut.is_set() and not self._left():
            time.sleep(0.05)
        return was

    def _left(self) -> bool:
        with suppress(BlockingIOError):
            return not self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return False

    def _deliver(self, call: Call, body: bytes) -> None:
        if call.what == TRANSACTION:  # what the doors tell must be in the order of the table
            with self.door.order:
                answer, said, call = self._ask(call, body)
                self.door.seen(call)
        else:
            answer, said, call = self._ask(call, body)
            self.door.seen(call)
        if not self.door.interference.after(call) or self._hangs():
            self.close_connection = True
            return
        forger = self.door.forger
        if forger and said is not None and (forged := forger.afterwards(call, said)):
            self._forge(forged)
            return
        self._answer(answer, said)

    def _forge(self, forged: Forged) -> None:
        self.send_response_only(forged.status)
        self.send_header("Content-Length", str(len(forged.body)))
        self.end_headers()
        self.wfile.write(forged.body)

    def _ask(self, call: Call, body: bytes) -> tuple[http.client.HTTPResponse, bytes | None, Call]:
        kept = {k: v for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
        body = self.door.rewrite(call, body)
        try:
            self.upstream.request(self.command, self.path, body=body or None, headers=kept)
            answer = self.upstream.getresponse()
            streams = answer.getheader("Transfer-Encoding") == "chunked"
            said = None if streams else answer.read()
        except (OSError, http.client.HTTPException):
            self.door.seen(replace(call, ended=time.monotonic()))
            raise
        return answer, said, replace(call, ended=time.monotonic(), status=answer.status)

    def _answer(self, answer: http.client.HTTPResponse, said: bytes | None) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if said is not None:
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._stream(answer)

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        self.close_connection = True
        while piece := answer.read1(1 << 16):
            if self._hangs():
                return
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self) -> None:
        """A look or a watch."""
        self._pass()

    def do_POST(self) -> None:
        """A creation, or any call of AWS."""
        self._pass()

    def do_PUT(self) -> None:
        """A replacement."""
        self._pass()

    def do_PATCH(self) -> None:
        """A patch."""
        self._pass()

    def do_DELETE(self) -> None:
        """A deletion."""
        self._pass()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
