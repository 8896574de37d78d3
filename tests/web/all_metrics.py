"""Every metric that a replica can have, each with all of its labels: what documents and queries are held against.

A test on a running replica proves that it has no metric that is not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from controller.core.measures import BucketReading, Event, Readings
from controller.surface.metrics import Metrics
from tests.web.samples import status

TARGET_LABELS = frozenset({"namespace", "job", "pod"})
"""What the Prometheus operator adds to each series that a ServiceMonitor finds, and our queries use."""


@dataclass(frozen=True, slots=True)
class Described:
    """A metric. `samples`: the names under which queries find it."""

    name: str
    kind: str
    words: str
    labels: frozenset[str]
    samples: frozenset[str]


def text() -> str:
    """A scrape in which nothing is missing."""
    metrics = Metrics()
    metrics.call("ec2", "AllocateAddress", 0.1, "")
    metrics.event_dropped("pod")
    metrics.spans("otlp", "sent", 1)
    metrics.served("auto", 1.0, "2026-01-01T00:00:00Z")
    for event in Event:
        metrics.count(event, "x")
    bucket = BucketReading(operation="AllocateAddress", rate=5, burst=50)
    readings = Readings(longest_unserved_s=1.0, waiting={"pool": 1}, failures={"reconcile": 0}, buckets=(bucket,))
    metrics.read_from(lambda: readings)
    return metrics.render(status().to_json()).decode()


def described(scrape: str) -> Mapping[str, Described]:
    """The metrics of a scrape by name, as its HELP and TYPE lines tell them."""
    found: dict[str, Described] = {}
    for family in text_string_to_metric_families(scrape):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = frozenset(label for sample in family.samples for label in sample.labels)
        samples = frozenset(sample.name for sample in family.samples)
        found[name] = Described(name, family.type, family.documentation, labels - {"le"}, samples)
    return found
