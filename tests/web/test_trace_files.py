"""The certificates that OpenTelemetry's variables name: those that are asked for, and none that is not there."""

from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from requests.adapters import HTTPAdapter

from controller.core.trace_settings import FILES
from controller.surface import telemetry
from controller.surface.exporting import TellingSession
from state.errors import Misconfigured

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318"}


class Recorder(HTTPAdapter):
    """Sends nothing, and remembers by what a receiver's certificate would have been verified."""

    def __init__(self) -> None:
        super().__init__()
        self.verified_by: list[object] = []

    def send(self, *_args: Any, **named: Any) -> requests.Response:
        """Answer 200."""
        self.verified_by.append(named["verify"])
        answer = requests.Response()
        answer.status_code = 200
        return answer


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("named", [True, False], ids=["a file", "no file"])
def test_the_file_that_is_asked_for_wins_over_those_of_the_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, named: bool
) -> None:
    ours, others = tmp_path / "ours.pem", tmp_path / "others.pem"
    for file in (ours, others):
        file.write_text("")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "OTEL_EXPORTER_OTLP_CERTIFICATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(others))
    if named:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(ours))
    session, recorder = TellingSession(), Recorder()
    session.mount("https://", recorder)
    OTLPSpanExporter(endpoint="https://collector/v1/traces", session=session).export([])
    assert recorder.verified_by == [str(ours if named else others)]


@pytest.mark.parametrize("variable", FILES)
def test_a_file_that_cannot_be_read_ends_the_start(tmp_path: Path, variable: str) -> None:
    missing, there = tmp_path / "missing.pem", tmp_path / "there.pem"
    there.write_text("")
    with pytest.raises(Misconfigured, match=f"{variable}: {missing} cannot be read"):
        telemetry.check({**ENDPOINT, variable: str(missing)})
    telemetry.check({**ENDPOINT, variable: str(there)})
    telemetry.check({variable: str(missing)})
