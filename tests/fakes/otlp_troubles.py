"""Receivers of traces on a bad day: one that refuses connections, one that hangs, one that is overloaded."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.process import free_port

TROUBLES = ("refuses", "hangs", "503")


@contextmanager
def receiver(trouble: str) -> Iterator[str]:
    """The URL of a receiver with this trouble; "" for none: it takes everything."""
    if trouble == "refuses":
        yield f"http://127.0.0.1:{free_port()}"
    elif trouble == "hangs":
        with _hanging() as url:
            yield url
    else:
        with _answering(503 if trouble else 200) as url:
            yield url


@contextmanager
def _hanging() -> Iterator[str]:
    """Takes connections and whatever is sent, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as door:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


@contextmanager
def _answering(status: int) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
