"""OpenTelemetry's variables hold, as a receiver sees it; what cannot be obeyed ends the start; losses are told."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from controller.surface import exporting
from sandbox.process import free_port
from tests.web.harness import environment, until
from tests.web.sending import Tally, loud, provider, spans

__all__ = ["loud"]


class Listener:
    """A receiver that keeps the requests, and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: tuple[int, str, bytes] = (200, "", b"")
        mine = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                mine.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                status, kind, answer = mine.answer
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def spans(self) -> list[Any]:
        """All spans so far."""
        found = [ExportTraceServiceRequest.FromString(body) for _, _, body in self.requests]
        return [
            span for r in found for group in r.resource_spans for scope in group.scope_spans for span in scope.spans
        ]

    def resource(self) -> dict[str, str]:
        """The first request's resource."""
        [group] = ExportTraceServiceRequest.FromString(self.requests[0][2]).resource_spans
        return {a.key: a.value.string_value for a in group.resource.attributes}

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def test_headers_compression_and_resource_are_as_the_variables_say(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = provider(
        monkeypatch,
        {
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{listener.url}/tenant/v1/traces",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
            "OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret%20word",
            "OTEL_RESOURCE_ATTRIBUTES": "k8s.pod.name=eip-0,k8s.pod.uid=u",
            "OTEL_SERVICE_NAME": "theirs",
        },
    )
    spans(made, 1)
    made.shutdown()
    [(path, headers, _)] = listener.requests
    assert path == "/tenant/v1/traces"
    assert headers["api-key"] == "secret word"
    assert "content-encoding" not in headers
    wanted = {"k8s.pod.name": "eip-0", "k8s.pod.uid": "u", "service.name": "theirs"}
    assert listener.resource().items() >= wanted.items()


@pytest.mark.parametrize(
    ("sampler", "ratio", "least", "most"), [("always_off", "", 0, 0), ("traceidratio", "0.5", 1, 399)]
)
def test_the_sampler_decides(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, sampler: str, ratio: str, least: int, most: int
) -> None:
    named = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": ratio}
    made = provider(monkeypatch, {"OTEL_EXPORTER_OTLP_ENDPOINT": listener.url, **named})
    spans(made, 400)
    made.shutdown()
    assert least <= len(listener.spans()) <= most


def test_batches_and_limits_of_a_span(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    named = {
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "7",
        "OTEL_BSP_SCHEDULE_DELAY": "60000",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1",
    }
    made = provider(monkeypatch, {"OTEL_EXPORTER_OTLP_ENDPOINT": listener.url, **named})
    span = made.get_tracer("it").start_span("s", attributes={"a": 1, "b": 2})
    span.end()
    spans(made, 20)
    made.shutdown()
    sizes = [
        len(ExportTraceServiceRequest.FromString(body).resource_spans[0].scope_spans[0].spans)
        for *_, body in listener.requests
    ]
    assert (sum(sizes), max(sizes)) == (21, 7)
    [limited] = [found for found in listener.spans() if found.name == "s"]
    assert (len(limited.attributes), limited.dropped_attributes_count) == (1, 1)


STATUS = b"\x08\x03\x12\x11no such tenant: x"  # google.rpc.Status by hand: code 3, message


def test_the_first_loss_is_told_with_the_receivers_own_words_and_the_end_of_it_too(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tally = Tally()
    listener.answer = (400, "application/x-protobuf", STATUS)
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": listener.url, "OTEL_BSP_SCHEDULE_DELAY": "10"}
    made = provider(monkeypatch, named, tally)
    for round_ in range(1, 4):
        spans(made, 1)
        until(lambda r=round_: tally.counts["refused"] == r)  # type: ignore[misc]
    listener.answer = (200, "", b"")
    spans(made, 1)
    until(lambda: tally.counts["sent"] == 1)
    made.shutdown()
    told = [record.getMessage() for record in caplog.records if record.name == exporting.__name__]
    assert told == ["Traces are not sent: 400 no such tenant: x", "Traces are sent again"]


def test_unknown_propagators_do_not_end_the_program() -> None:
    """An operator of OpenTelemetry sets them for all Pods alike; the SDK ends with ValueError for one that it lacks."""
    code = (
        "import os; from controller.surface import telemetry;"
        "telemetry.start(os.environ, cluster='c', region=None, identity='i').shutdown(); print('fine')"
    )
    env = environment(OTEL_PROPAGATORS="tracecontext,baggage,b3", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    done = subprocess.run([sys.executable, "-c", code], env=env, timeout=60, capture_output=True, text=True)
    assert done.stdout == "fine\n", done.stderr


def test_off_costs_no_memory_and_no_thread() -> None:
    """Neither the SDK nor what only traces need is loaded, also where variables of OpenTelemetry are set."""
    code = (
        "import json, sys, threading; from controller import startup; from controller.surface import telemetry;"
        "telemetry.check(e := {'OTEL_SDK_DISABLED': 'true', 'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://x'});"
        "telemetry.start(e, cluster='c', region='r', identity='i');"
        "print(json.dumps([[n for n in sys.modules if n.startswith(('opentelemetry', 'google.'))],"
        " threading.active_count()]))"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[], 1]


def test_what_cannot_be_obeyed_ends_the_start_with_exit_code_2() -> None:
    """The whole program: the server, its worker, and the code that Kubernetes shows."""
    wrong = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_BSP_MAX_QUEUE_SIZE": "many"}
    env = environment(OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4317", **wrong)
    port = free_port()
    argv = ["--cluster-name", "c", "--vpc-id", "vpc-1", "--region", "eu-west-1", "--listen", f"127.0.0.1:{port}"]
    done = subprocess.run(
        [sys.executable, "-m", "controller", *argv], env=env, timeout=60, capture_output=True, text=True
    )
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert [line.split()[1].rstrip(":") for line in said] == list(wrong)
    assert "http/protobuf" in said[0]
