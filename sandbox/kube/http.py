"""The sockets: HTTP/1.1 with keep-alive, each answer in one send, watches in chunks.

Answers leave in a single write and without Nagle's delay, or each would cost 40 ms on loopback. A watch whose
client has gone is noticed when it has nothing to send, within a second.
"""

import logging
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.kube.gateway import CutError, Gateway
from sandbox.kube.protocol import BODY_LIMIT, Call, Reply, Stream, refusal_reply, too_large

_log = logging.getLogger(__name__)
_GONE = (BrokenPipeError, ConnectionResetError, ConnectionAbortedError)


class Listener(ThreadingHTTPServer):
    """The listening socket, a thread for each connection, and the means to end them all."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], gateway: Gateway) -> None:
        self.gateway = gateway
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(address, _Handler)

    @contextmanager
    def tracked(self, connection: socket.socket) -> Iterator[None]:
        """Know the connection while it lives."""
        with self._lock:
            self._connections.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)

    def cut_connections(self) -> None:
        """Cut every open connection."""
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    _log.debug("a connection was closed by its client first")

    def handle_error(self, *_: Any) -> None:
        """Log what ended a connection's thread; clients that went away are no error."""
        _log.exception("a connection of the sandbox's Kubernetes API failed")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Listener

    def handle(self) -> None:
        """Serve the connection until it ends."""
        with self.server.tracked(self.connection):
            try:
                super().handle()
            except _GONE:
                self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests have a log of their own."""

    def handle_one_request(self) -> None:
        """Read one request, whatever its method, and answer it."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline:
            self.close_connection = True
        elif self.parse_request():
            self._serve()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > BODY_LIMIT:
            self.close_connection = True
            return self._send(refusal_reply(too_large()))
        try:
            answer = self.server.gateway.answer(self._call(self.rfile.read(length)))
        except CutError:
            self.close_connection = True
            return None
        return self._send(answer) if isinstance(answer, Reply) else self._stream(answer)

    def _call(self, body: bytes) -> Call:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Call(method=self.command, path=unquote(url.path), query=query, headers=headers, body=body)

    def _head(self, code: int, headers: dict[str, str]) -> bytes:
        close = {"Connection": "close"} if self.close_connection else {}
        lines = [f"{name}: {value}" for name, value in (headers | close).items()]
        return "\r\n".join([f"HTTP/1.1 {code} {_phrase(code)}", *lines, "", ""]).encode()

    def _send(self, reply: Reply) -> None:
        about = {"Content-Type": reply.content_type, "Content-Length": str(len(reply.body))}
        self.wfile.write(self._head(reply.code, about | reply.headers) + reply.body)

    def _stream(self, stream: Stream) -> None:
        head = self._head(200, {"Content-Type": stream.content_type, "Transfer-Encoding": "chunked"})
        self.wfile.write(head)
        with closing(stream.chunks) as chunks:
            for chunk in chunks:
                if chunk:
                    self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                elif self._client_gone():
                    self.close_connection = True
                    return
        self.wfile.write(b"0\r\n\r\n")

    def _client_gone(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Unknown"
