"""A receiver of traces: an OTLP endpoint over HTTP that keeps what it is sent, for tests to look at."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Receiver:
    """An OTLP endpoint that keeps every span it is sent, with its resource; `of_cluster`: by the cluster's name."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.resources: list[dict[str, str]] = []
        self.of_cluster: dict[str, list[Any]] = {}
        received = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
                for group in request.resource_spans:
                    resource = {a.key: a.value.string_value for a in group.resource.attributes}
                    spans = [span for scope in group.scope_spans for span in scope.spans]
                    received.resources.append(resource)
                    received.spans.extend(spans)
                    received.of_cluster.setdefault(resource.get("k8s.cluster.name", ""), []).extend(spans)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def named(self, name: str) -> Any:
        """The one span of that name."""
        [span] = [span for span in self.spans if span.name == name]
        return span

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()
