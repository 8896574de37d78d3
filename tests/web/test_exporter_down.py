"""A receiver of traces that is down costs the loop no time and the process no memory.

What it costs is measured by `python -m tests.benchmarks.exporter_down`.
"""

import gc
import threading
import time
import tracemalloc

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from tests.fakes.otlp_troubles import TROUBLES, receiver
from tests.web.harness import until
from tests.web.sending import Tally, loud, provider, spans

__all__ = ["loud"]


def test_a_batch_is_given_up_after_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """In milliseconds, as the specification has it: taken as seconds, this would last 300 of them."""
    tally = Tally()
    with receiver("hangs") as url:
        named = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_TIMEOUT": "300",
            "OTEL_BSP_SCHEDULE_DELAY": "1",
        }
        made = provider(monkeypatch, named, tally)
        spans(made, 1)
        until(lambda: tally.counts["undelivered"] == 1, 30)
        made.shutdown()


PATIENT = {"OTEL_EXPORTER_OTLP_TIMEOUT": "20000", "OTEL_BSP_EXPORT_TIMEOUT": "20000"}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_a_receiver_in_trouble_holds_nobody_up_and_fills_no_memory(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally = Tally()
    with receiver(trouble) as url:
        named = {**PATIENT, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_MAX_QUEUE_SIZE": "256"}
        made = provider(monkeypatch, named, tally)
        took, grown = measured(made)
        # Whoever waited for the receiver once would be here for its timeout of 20 s.
        assert took < 15
        assert grown < 200_000
        kept = 12_000 - sum(tally.counts.values())
        assert 0 < kept <= 512  # in the queue, and on its way
        assert tally.counts["dropped"] > 10_000
        _leave(made)


def test_a_long_queue_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: with room for all spans, memory grows beyond its bound."""
    with receiver("hangs") as url:
        named = {**PATIENT, "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_MAX_QUEUE_SIZE": "100000"}
        made = provider(monkeypatch, named)
        assert measured(made)[1] > 2_000_000
        _leave(made)


def test_a_receiver_that_is_waited_for_would_be_noticed() -> None:
    """The other control: without a queue and its thread, each span waits for the exporter's time limit."""
    with receiver("hangs") as url:
        made = TracerProvider(shutdown_on_exit=False)
        made.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces", timeout=0.3)))
        began = time.monotonic()
        spans(made, 3)
        assert time.monotonic() - began >= 0.9
        made.shutdown()


def measured(made: TracerProvider) -> tuple[float, int]:
    """Seconds that 10,000 spans take after the queue was full, and the bytes by which memory grows over 9,000."""
    spans(made, 2_000)
    tracemalloc.start()
    began = time.monotonic()
    spans(made, 1_000)
    first = _memory()
    spans(made, 9_000)
    took, grown = time.monotonic() - began, _memory() - first
    tracemalloc.stop()
    return took, grown


def _memory() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _leave(made: TracerProvider) -> None:
    """End the exporter's thread without waiting for its receiver."""
    thread = threading.Thread(target=made.shutdown, daemon=True)
    thread.start()
    thread.join(0.05)
