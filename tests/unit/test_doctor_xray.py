"""Whether X-Ray takes traces: when it is asked, and what its answers, which botocore reads, come to."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from controller.core.diagnosis.finding import Finding, Grade
from controller.doctor import xray
from state.credentials import CredentialKeeper

OURS = "https://xray.us-west-2.amazonaws.com/v1/traces"


@pytest.mark.parametrize(
    ("environ", "asked"),
    [
        ({}, None),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, None),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": OURS}, "us-west-2"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://xray.us-west-2.amazonaws.com"}, "us-west-2"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318", "OTEL_EXPORTER_OTLP_ENDPOINT": OURS}, None),
        ({"OTEL_TRACES_EXPORTER": "xray"}, "eu-west-1"),
        ({"OTEL_TRACES_EXPORTER": "xray", "OTEL_SDK_DISABLED": "true"}, None),
    ],
)
def test_it_is_asked_where_traces_go_to_it(environ: dict[str, str], asked: str | None) -> None:
    assert xray.region_of(environ, "eu-west-1") == asked


@contextmanager
def answering(status: int, **body: str) -> Iterator[str]:
    """An X-Ray that always says this, in the shape of its API reference; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            known = self.path == "/GetTraceSegmentDestination" and "/xray/aws4_request" in self.headers["Authorization"]
            said = json.dumps(body).encode()
            self.send_response(status if known else 404)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def look(monkeypatch: pytest.MonkeyPatch, status: int, **body: str) -> Finding:
    """What is found of an X-Ray that says this."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    keeper = CredentialKeeper()
    with answering(status, **body) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_XRAY", url)
        try:
            return xray.look("us-west-2", 10.0, keeper)
        finally:
            keeper.stop()


@pytest.mark.parametrize(
    ("status", "body", "grade"),
    [
        (200, {"Destination": "CloudWatchLogs", "Status": "ACTIVE"}, Grade.FINE),
        (200, {"Destination": "XRay", "Status": "ACTIVE"}, Grade.WARNING),
        (403, {"__type": "AccessDeniedException", "message": "no"}, Grade.NOT_LOOKED_AT),
        (400, {"__type": "InvalidRequestException", "message": "no"}, Grade.WARNING),
    ],
)
def test_its_answer_is_judged(monkeypatch: pytest.MonkeyPatch, status: int, body: dict[str, str], grade: Grade) -> None:
    assert look(monkeypatch, status, **body).grade is grade
