"""Metrics for Prometheus: what the engine counts and times, the calls that left the process, and gauges.

Gauges are made from the status document and the replica's readings at each scrape, so they always agree with the status
page and cost nothing in between. The registry is our own: in the library's global one, two instances in a test would
conflict.

Each series costs memory here and in Prometheus. So every label has a bounded set of values, and somebody who creates
Pods cannot add any.
"""

import datetime
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from controller.core.measures import Duration, Event, Readings
from controller.surface.metric_rows import (
    CALL_S,
    COUNTERS,
    HISTOGRAMS,
    SERVED,
    SINCE_CREATION,
    CounterRow,
    HistogramRow,
)
from controller.surface.metrics_of_readings import OfReadings
from controller.surface.metrics_of_status import OfStatus
from controller.surface.program import version

CONTENT_TYPE: Final[str] = CONTENT_TYPE_LATEST
disable_created_metrics()  # type: ignore[no-untyped-call]  # otherwise each counter has a second series, its birth


class Metrics:
    """What the ports `Telemetry` and `Measures` are told, rendered as text."""

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock, self._registry = wall_clock, CollectorRegistry()
        self._read: Callable[[], Readings | None] = lambda: None
        ProcessCollector(registry=self._registry)
        build = Info("pod_eip_build", "The version that runs; always 1.", registry=self._registry)
        build.info({"version": version(), "python_version": platform.python_version()})
        self._add_calls()
        self._counters = {event: self._counter(row) for event, row in COUNTERS.items()}
        self._children: dict[tuple[Event, str], Counter] = {}  # the library looks them up ten times as slowly
        self._histograms = {what: self._histogram(row) for what, row in HISTOGRAMS.items()}
        self._served, self._since_creation = self._histogram(SERVED), self._histogram(SINCE_CREATION)
        self._working = Gauge(
            "pod_eip_active_workers", "Plans that are being carried out now.", registry=self._registry
        )
        self._resynced = Gauge(
            "pod_eip_last_resync_timestamp_seconds",
            "When this replica last finished a full comparison with EC2, as the leader; 0: never.",
            registry=self._registry,
        )

    def _add_calls(self) -> None:
        self._calls = Counter(
            "pod_eip_calls",
            "Calls to EC2, Kubernetes and DynamoDB, by outcome (empty code: success).",
            ("service", "operation", "code"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "pod_eip_call_duration_seconds",
            "How long calls took, answered or not.",
            ("service", "operation"),
            buckets=CALL_S,
            registry=self._registry,
        )
        self._dropped = Counter(
            "pod_eip_events_dropped",
            "Events about Pods that are told to nobody, by why.",
            ("reason",),
            registry=self._registry,
        )
        self._spans = Counter(
            "pod_eip_trace_spans",
            "Spans by what became of them: sent, refused by the receiver, undelivered, or dropped from a full queue.",
            ("exporter", "outcome"),
            registry=self._registry,
        )

    # ── the port Telemetry ──

    def call(self, service: str, operation: str, seconds: float, code: str) -> None:
        """Count one call that came back, with the time that it took."""
        self._calls.labels(service, operation, code).inc()
        self._seconds.labels(service, operation).observe(seconds)

    def event_dropped(self, reason: str, count: int = 1) -> None:
        """Count events that were dropped; 0 makes the series, for Prometheus sees no increase without it."""
        self._dropped.labels(reason).inc(count)

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """Count what became of spans."""
        self._spans.labels(exporter, outcome).inc(count)

    # ── the port Measures ──

    def count(self, event: Event, label: str = "", by: int = 1) -> None:
        """Count this."""
        key = event, label
        child = self._children.get(key)
        if child is None:
            counter = self._counters[event]
            child = self._children[key] = counter.labels(label) if COUNTERS[event].label else counter
        child.inc(by)

    def time(self, what: Duration, seconds: float) -> None:
        """Note how long this took."""
        self._histograms[what].observe(seconds)
        if what is Duration.RESYNC:
            self._resynced.set(self._wall_clock())

    def working(self, change: int) -> None:
        """Note that so many plans more are being carried out."""
        self._working.inc(change)

    def served(self, mode: str, seconds: float, created: str) -> None:
        """Note how long a Pod has waited for its address. The API server's clock may be ahead of ours: 0 then."""
        self._served.labels(mode).observe(seconds)
        try:
            born = datetime.datetime.fromisoformat(created).timestamp()
        except ValueError:  # not known
            return
        self._since_creation.labels(mode).observe(max(0.0, self._wall_clock() - born))

    # ── scrapes ──

    def read_from(self, read: Callable[[], Readings | None]) -> None:
        """Have each scrape ask this for the replica's readings."""
        self._read = read

    def render(self, status: Mapping[str, Any], *, ready: bool = True) -> bytes:
        """All metrics in Prometheus's text format, the gauges from this status document and the readings."""
        gauges = CollectorRegistry()
        gauges.register(OfStatus(status))
        gauges.register(OfReadings(self._read() or Readings(), ready=ready, quota=status["quota"] is not None))
        return bytes(generate_latest(self._registry) + generate_latest(gauges))

    def _counter(self, row: CounterRow) -> Counter:
        counter = Counter(row.name, row.words, (row.label,) if row.label else (), registry=self._registry)
        for value in row.values:
            counter.labels(value)
        return counter

    def _histogram(self, row: HistogramRow) -> Histogram:
        labels = (row.label,) if row.label else ()
        histogram = Histogram(row.name, row.words, labels, buckets=row.buckets, registry=self._registry)
        for value in row.values:
            histogram.labels(value)
        return histogram
