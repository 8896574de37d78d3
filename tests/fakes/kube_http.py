"""An HTTP server that answers as a test tells it, for what a well-behaved API server never does.

It remembers every request. An answer may come in pieces with pauses, or be cut off.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request as it came; the names of its headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `pieces` are sent with `pause_s` between them.

    `cut` closes the connection without any answer, `mute` leaves it open without one.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    pieces: tuple[bytes, ...] = ()
    pause_s: float = 0.0
    cut: bool = False
    mute: bool = False


@dataclass
class ScriptedServer:
    """The server; `answer` may be changed at any time."""

    url: str
    answer: Callable[[Heard], Reply]
    heard: list[Heard] = field(default_factory=list)


def _write(file: BufferedIOBase, pieces: Sequence[bytes], pause: Callable[[], bool]) -> None:
    """Piece by piece, until a pause says that it is over."""
    for piece in pieces:
        file.write(piece)
        if pause():
            return


def _handler(script: ScriptedServer, over: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

        def serve(self) -> None:
            """Hear it, and answer as the script says."""
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = Heard(method=self.command, path=self.path, headers=headers, body=body)
            script.heard.append(heard)
            self._reply(script.answer(heard))

        def _reply(self, reply: Reply) -> None:
            if reply.mute:
                over.wait()
            if reply.cut or reply.mute:
                self.close_connection = True
                return
            pieces = reply.pieces or (reply.body,)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(sum(map(len, pieces))), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            _write(self.wfile, pieces, lambda: bool(reply.pause_s) and over.wait(reply.pause_s))

    for method in ("GET", "POST", "PUT", "PATCH"):
        setattr(Handler, f"do_{method}", Handler.serve)
    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of 5 that come by default, what many threads ask at once is dropped, and sent again late

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is part of the script."""


@contextmanager
def scripted(answer: Callable[[Heard], Reply]) -> Iterator[ScriptedServer]:
    """A server on a free port of loopback."""
    script, over = ScriptedServer("", answer), threading.Event()
    server = _Server(("127.0.0.1", 0), _handler(script, over))
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def kubeconfig(folder: Path, url: str) -> str:
    """A file that leads to this API server, with nobody's credentials."""
    file = folder / "kubeconfig"
    context = {"name": "x", "context": {"cluster": "c", "user": ""}}
    clusters = [{"name": "c", "cluster": {"server": url}}]
    file.write_text(json.dumps({"clusters": clusters, "contexts": [context], "current-context": "x"}))
    return str(file)


def wait_until(condition: Callable[[], object], limit_s: float = 30.0) -> None:
    """Wait for the condition; AssertionError after `limit_s`."""
    give_up = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < give_up, "it did not come to pass"
        time.sleep(0.005)
