"""A proxy in front of a DynamoDB that makes the network go wrong: replies lost, requests lost, late, or answered with
an error that the server behind would never give.

It stands where the product's endpoint setting points, so the product runs as it is, and what is tested is its view of
a real exchange. It can also rewrite requests: a negative control takes a guard out on the wire, not in the product.
"""

import http.client
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

Body = dict[str, Any]
LIMIT_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that came in, and what it asked for."""

    operation: str
    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Do not forward; answer this."""

    status: int
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseReply:
    """Forward, then close the connection without an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseRequest:
    """Close the connection without forwarding; `Proxy.deliver` forwards it after all, as late as the test wants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Forward only when the test says that it is `over`, to nobody who still listens; `done` once it was."""

    over: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


Fault = Answer | LoseReply | LoseRequest | Hang


def refusal(code: str, message: str = "", *, status: int = 400) -> Answer:
    """An error in DynamoDB's shape."""
    return Answer(status=status, body={"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": message})


def cancellation(codes: Sequence[str]) -> Answer:
    """A cancelled transaction with one reason for each item, in the order of the request."""
    reasons = [{"Code": code} if code == "None" else {"Code": code, "Message": code} for code in codes]
    named = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    return Answer(status=400, body={"__type": named, "Message": "cancelled", "CancellationReasons": reasons})


class Proxy:
    """Serves on loopback; faults are taken from a queue for each operation, and nothing is wrong without one."""

    def __init__(self, upstream: str, *, rewrite: Callable[[str, Body], Body] | None = None) -> None:
        self.seen: list[Seen] = []
        self._upstream = urlsplit(upstream).netloc
        self._rewrite = rewrite or (lambda _, body: body)
        self._faults: dict[str, deque[Fault]] = {}
        self._lost: list[tuple[Mapping[str, str], bytes]] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint to use instead of the server's own."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def fault(self, *faults: Fault, operation: str = "TransactWriteItems") -> None:
        """Let the next requests of this operation go wrong, one fault each."""
        with self._lock:
            self._faults.setdefault(operation, deque()).extend(faults)

    def requests(self, operation: str = "TransactWriteItems") -> list[Body]:
        """The requests of this operation, as they came in."""
        return [seen.body for seen in self.seen if seen.operation == operation]

    def reset(self) -> None:
        """Forget what came in, and let nothing more go wrong."""
        with self._lock:
            self._faults.clear()
        self.seen, self._lost = [], []

    def deliver(self) -> list[int]:
        """Forward every request that was lost; the HTTP statuses of what the server says now."""
        lost, self._lost = self._lost, []
        return [self.forward(headers, body)[0] for headers, body in lost]

    def take(self, operation: str, headers: Mapping[str, str], body: bytes) -> tuple[Fault | None, bytes]:
        """Note a request, and tell what is to go wrong with it."""
        asked = json.loads(body)
        rewritten = json.dumps(self._rewrite(operation, asked)).encode()
        with self._lock:
            self.seen.append(Seen(operation=operation, body=json.loads(body)))
            queue = self._faults.get(operation)
            fault = queue.popleft() if queue else None
            if isinstance(fault, LoseRequest):
                self._lost.append((headers, rewritten))
        return fault, rewritten

    def forward(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Ask the server behind."""
        connection = http.client.HTTPConnection(self._upstream, timeout=LIMIT_S)
        kept = {k: v for k, v in headers.items() if k.lower() not in ("content-length", "host", "connection")}
        try:
            connection.request("POST", "/", body=body, headers=kept)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(LIMIT_S)


def _handler(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One connection of the product."""

        protocol_version = "HTTP/1.1"
        timeout = LIMIT_S

        def do_POST(self) -> None:
            """Any call of DynamoDB's JSON protocol."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            headers = dict(self.headers.items())
            fault, rewritten = proxy.take(operation, headers, body)
            match fault:
                case Answer(status=status, body=answer):
                    self._answer(status, json.dumps(answer).encode())
                case LoseRequest():
                    self.close_connection = True
                case Hang(over=over, done=done):
                    over.wait(LIMIT_S)
                    proxy.forward(headers, rewritten)
                    self.close_connection = True
                    done.set()
                case LoseReply():
                    proxy.forward(headers, rewritten)
                    self.close_connection = True
                case None:
                    self._answer(*proxy.forward(headers, rewritten))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
