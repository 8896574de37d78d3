"""The configurations in deploy/otel, run by a real collector between the controller's exporter and a receiver.

ADOT is OpenTelemetry's collector with AWS's choice of components; the ones that the files name are the same code.
"""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from controller.core import trace_settings
from controller.surface import pipeline
from sandbox.process import Child, free_port
from sandbox.world import wait_until
from sandbox.xray import Account, Key, XRay
from tests.fakes.otlp import Receiver
from tests.real.catalogue import parts

pytestmark = pytest.mark.real

FOLDER = Path(__file__).parents[2] / "deploy" / "otel"
SECRET = "s3cret"
QUIET = {"service": {"telemetry": {"metrics": {"level": "none"}}}}


@contextmanager
def collector(
    file: str, changes: Mapping[str, object], folder: Path, env: Mapping[str, str], *, grpc: int | None = None
) -> Iterator[str]:
    """A collector with this file, on free ports of loopback; `changes` lies over it. The URL of its OTLP by HTTP."""
    program = parts()["otelcol"].program()
    assert program is not None, "the collector has not been built: python -m tests.real.build --only otelcol"
    port = free_port()
    ports = {"grpc": {"endpoint": f"127.0.0.1:{grpc or free_port()}"}, "http": {"endpoint": f"127.0.0.1:{port}"}}
    over = folder / "over.yaml"
    over.write_text(yaml.safe_dump({"receivers": {"otlp": {"protocols": ports}}, **QUIET, **changes}))
    argv: list[str | Path] = [program, "--config", f"file:{FOLDER / file}", "--config", f"file:{over}"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    child = Child(argv, log=folder / "otelcol.log", env={**clean, "AWS_EC2_METADATA_DISABLED": "true", **env})
    try:
        child.wait_ready(lambda: _listens(port), 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        child.stop()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def send(url: str) -> None:
    """One span, as the controller sends it."""
    settings = trace_settings.parse({"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    assert settings is not None
    made = pipeline.provider(settings, {"service.name": "it"}, region="", keeper=None, counted=None)
    made.get_tracer("it").start_span("Associate").end()
    made.shutdown()


def test_a_collector_signs_for_x_ray(tmp_path: Path) -> None:
    with XRay(Account(region="us-west-2", keys={"AKID": Key(secret=SECRET)})) as xray:
        to = {"exporters": {"otlp_http/xray": {"traces_endpoint": f"{xray.url}/v1/traces"}}}
        keys = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-west-2"}
        with collector("collector-xray.yaml", to, tmp_path, keys) as url:
            send(url)
            wait_until(lambda: xray.account.spans, 30, "the span is in X-Ray")
    assert xray.account.refusals == []
    assert [span.name for span in xray.account.spans] == ["Associate"]


def test_x_ray_is_where_the_file_says(tmp_path: Path) -> None:
    """The endpoint that the test above lays something over."""
    found = yaml.safe_load((FOLDER / "collector-xray.yaml").read_text())
    endpoint = found["exporters"]["otlp_http/xray"]["traces_endpoint"]
    assert endpoint.replace("${env:AWS_REGION}", "us-west-2") == "https://xray.us-west-2.amazonaws.com/v1/traces"


def test_a_collector_hands_spans_on_to_jaeger(tmp_path: Path) -> None:
    """Jaeger's part is played by a second collector, which takes OTLP by gRPC as Jaeger does, and passes it on."""
    inner, outer, port = tmp_path / "inner", tmp_path / "outer", free_port()
    inner.mkdir()
    outer.mkdir()
    with Receiver() as receiver:
        last = {
            "exporters": {"otlp_http/test": {"endpoint": receiver.url, "compression": "none"}},
            "service": {**QUIET["service"], "pipelines": {"traces": {"exporters": ["otlp_http/test"]}}},
        }
        second = collector("collector-jaeger.yaml", last, inner, {"JAEGER": "127.0.0.1:1"}, grpc=port)
        first = collector("collector-jaeger.yaml", {}, outer, {"JAEGER": f"127.0.0.1:{port}"})
        with second, first as url:
            wait_until(lambda: _listens(port), 30, "the second collector listens")
            send(url)
            wait_until(lambda: receiver.spans, 30, "the span came through both")
    assert [span.name for span in receiver.spans] == ["Associate"]
