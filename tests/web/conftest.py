"""What tests of traces share: a receiver, and the variables that name it."""

from collections.abc import Iterator, Mapping

import pytest

from tests.fakes.otlp import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def env(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    found = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=it"}
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    return found
