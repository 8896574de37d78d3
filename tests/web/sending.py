"""A provider of spans as the product makes it, for tests of what becomes of the spans."""

import logging
import os
from collections.abc import Iterator, Mapping

import pytest
from opentelemetry.sdk.trace import TracerProvider

from controller.core import trace_settings
from controller.surface import exporting, pipeline


class Tally:
    """Counts spans, as the metrics do."""

    def __init__(self) -> None:
        self.counts = {"sent": 0, "refused": 0, "undelivered": 0, "dropped": 0}

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """Add."""
        self.counts[outcome] += count


@pytest.fixture(autouse=True)
def loud() -> Iterator[None]:
    """The SDK's loggers as they were before."""
    yield
    for name in exporting.QUIET:
        logging.getLogger(name).setLevel(logging.NOTSET)


def provider(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], tally: Tally | None = None
) -> TracerProvider:
    """A provider in an environment with these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings = trace_settings.parse(os.environ)
    assert settings is not None
    return pipeline.provider(settings, {"service.name": "ours"}, region="r", keeper=None, counted=tally)


def spans(of: TracerProvider, count: int) -> None:
    """Make spans, each a root."""
    tracer = of.get_tracer("it")
    for number in range(count):
        tracer.start_span(f"span {number}").end()
