"""What a receiver in trouble costs: `python -m tests.benchmarks.exporter_down [SPANS]`.

Spans are made as fast as one thread can, with a receiver that takes them, one that refuses connections, one that hangs,
and one that answers 503. Printed for each: how long the thread that makes a span was held (median, 99.9th percentile,
longest), the memory of the process when the queue was full for the first time and at the end, and what became of the
spans.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from opentelemetry.sdk.trace import TracerProvider

from controller.core import trace_settings
from controller.surface import pipeline
from tests.fakes.otlp_troubles import TROUBLES, receiver

PAGE = resource.getpagesize()
WARM = 5_000
ATTRIBUTES = {
    "k8s.namespace.name": "games",
    "k8s.pod.name": "server-0",
    "k8s.pod.uid": "a9d6e0f2-6a1c-4f5e-8d52-0c1b2a3f4e5d",
}


class Tally:
    """Counts spans."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """Add."""
        self.counts[outcome] = self.counts.get(outcome, 0) + count


def main() -> None:
    """Each case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spans", type=int, nargs="?", default=100_000)
    parser.add_argument("--url", help="measure in this process, with this receiver")
    asked = parser.parse_args()
    if asked.url:
        print(json.dumps(measure(asked.url, asked.spans)), flush=True)
        os._exit(0)  # the exporter's thread may hang for as long as its timeout
    for case in ("", *TROUBLES):
        with receiver(case) as url:
            show(case or "takes them", url, asked.spans)


def show(case: str, url: str, spans: int) -> None:
    """Measure in a child, and print a line."""
    argv = [sys.executable, "-m", "tests.benchmarks.exporter_down", str(spans), "--url", url]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
    found = json.loads(done.stdout)
    held = " / ".join(f"{found[key]:.0f}" for key in ("median_us", "p999_us", "longest_us"))
    print(
        f"{case:>10}: {found['spans']} spans, held {held} µs (median / 99.9 % / longest), "
        f"{found['first_mb']:.1f} MB with a full queue, {found['last_mb']:.1f} MB at the end; {found['counts']}",
        flush=True,
    )


def measure(url: str, spans: int) -> dict[str, object]:
    """Spans with what an action's has."""
    tally = Tally()
    settings = trace_settings.parse({"OTEL_EXPORTER_OTLP_ENDPOINT": url})
    assert settings is not None
    made = pipeline.provider(settings, {"service.name": "it"}, region="", keeper=None, counted=tally)
    run(made, WARM)
    first = memory_mb()
    held = sorted(run(made, spans))
    return {
        "spans": spans,
        "median_us": held[len(held) // 2] * 1e6,
        "p999_us": held[int(len(held) * 0.999)] * 1e6,
        "longest_us": held[-1] * 1e6,
        "first_mb": first,
        "last_mb": memory_mb(),
        "counts": tally.counts,
    }


def run(made: TracerProvider, spans: int) -> list[float]:
    """Seconds that each span held this thread."""
    held, tracer = [], made.get_tracer("it")
    for number in range(spans):
        attributes = {**ATTRIBUTES, "aws.ec2.allocation_id": f"eipalloc-{number}"}
        began = time.perf_counter()
        tracer.start_span("Associate", attributes=attributes).end()
        held.append(time.perf_counter() - began)
    return held


def memory_mb() -> float:
    """This process's resident memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 1e6


if __name__ == "__main__":
    main()
