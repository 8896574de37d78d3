"""The EC2 simulation as an HTTP server, in this process or as one of its own.

Headers and body leave in one send with Nagle's algorithm off: sent apart, they cost a client 40 ms a call (delayed
acknowledgement), which would drown what is measured. Closing lets frozen calls go without an effect, cuts every
connection and joins every thread, so that nothing outlives a test.
"""

import socket
import socketserver
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from sandbox.ec2.admin import PREFIX, Admin
from sandbox.ec2.clock import Clock, SystemClock
from sandbox.ec2.cloud import Cloud
from sandbox.ec2.control import Ec2Control
from sandbox.ec2.log import Caller
from sandbox.ec2.protocol import parse_form
from sandbox.ec2.service import Ec2Service, Reply
from sandbox.ec2.settings import Ec2Settings
from sandbox.iam import service as iam


class Ec2Server:
    """A running simulation: `with Ec2Server(Ec2Settings(quota=5)) as ec2: boto3.client(..., endpoint_url=ec2.url)`."""

    def __init__(
        self,
        settings: Ec2Settings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        """Binds the port (0: any free one) at once; calls are answered after `start`."""
        clock = clock or SystemClock()
        self.service = Ec2Service(Cloud(settings or Ec2Settings(), clock), clock)
        self._tcp = _TcpServer((host, port), self.service)
        self.url = f"http://{host}:{self._tcp.server_address[1]}"
        self.control = Ec2Control(self.url)
        self._thread = threading.Thread(target=self._tcp.serve_forever, args=(0.05,), name="sandbox-ec2", daemon=True)

    def start(self) -> None:
        """Answers from now on."""
        self._thread.start()

    def close(self) -> None:
        """Stops; calls in flight are cut off."""
        self.service.faults.close()
        if self._thread.is_alive():
            self._tcp.shutdown()
            self._thread.join()
        self._tcp.cut_connections()
        self._tcp.server_close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _TcpServer(socketserver.ThreadingTCPServer):
    """One thread for each connection; knows its connections so that it can cut them."""

    allow_reuse_address = True
    request_queue_size = 128
    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], service: Ec2Service) -> None:
        super().__init__(address, _Handler)
        self.service = service
        self.admin = Admin(service)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        with self._lock:
            for connection in self._connections:
                _cut(connection)


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:  # the client was faster
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "AmazonEC2"
    disable_nagle_algorithm = True
    server: _TcpServer

    def do_GET(self) -> None:
        self._respond(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) == length:
            self._respond(body)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # clients that are killed in the middle are part of the game
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Silent: the call log is the log."""

    def _respond(self, body: bytes) -> None:
        if self.path.startswith(PREFIX):
            status, answer = self.server.admin.handle(self.command, self.path, body)
            self._send(status, answer, "application/json")
            return
        form = body.decode("utf-8", "replace") or urlsplit(self.path).query
        params, service = parse_form(form), self.server.service
        if iam.is_for_iam(params):
            status, answer = iam.answer(params, self._caller(), service.cloud.settings.role, service.faults)
            self._send(status, answer, "text/xml")
            return
        self._answer(service.call(params, self._caller()))

    def _answer(self, reply: Reply) -> None:
        if reply.body is None:
            self.close_connection = True
            return
        self._send(reply.status, reply.body, "text/xml;charset=UTF-8")

    def _send(self, status: int, body: bytes, content_type: str) -> None:
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: {self.server_version}\r\n"
            f"Date: {self._date()}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.wfile.write(head.encode("latin-1") + body)

    def _date(self) -> str:
        return self.date_time_string(time.time() + self.server.service.cloud.settings.clock_ahead_s)

    def _caller(self) -> Caller:
        _, _, credential = (self.headers.get("Authorization") or "").partition("Credential=")
        return Caller(access_key=credential.partition("/")[0], user_agent=self.headers.get("User-Agent") or "")
