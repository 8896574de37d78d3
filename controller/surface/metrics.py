"""Metrics for Prometheus: the calls that left the process, and the status document as gauges.

Gauges are made from the snapshot at each scrape, so they always agree with the status page and cost nothing in between.
The registry is our own: in the library's global one, two instances in a test would conflict.

Each series costs memory here and in Prometheus. So every label has a bounded set of values, and somebody who creates
Pods cannot add any.
"""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from state.model import Mode

CONTENT_TYPE: Final[str] = CONTENT_TYPE_LATEST
INVALID: Final = "invalid"
"""The mode of a Pod whose annotation names none."""
OTHER: Final = "other"
"""The tag key of all pools that are not named, together."""
_MODES: Final = frozenset(map(str, Mode))
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8)


class Metrics:
    """Counts and times calls (the `Observer` of the ports), and renders everything as text."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._calls = Counter(
            "pod_eip_calls",
            "Calls to AWS and Kubernetes, by outcome (empty code: success).",
            ("service", "operation", "code"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "pod_eip_call_duration_seconds",
            "How long calls took, answered or not.",
            ("service", "operation"),
            buckets=_BUCKETS,
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

    def call(self, service: str, operation: str, seconds: float, code: str) -> None:
        """Count one call that came back, with the time that it took."""
        self._calls.labels(service, operation, code).inc()
        self._seconds.labels(service, operation).observe(seconds)

    def event_dropped(self, reason: str) -> None:
        """Count one event that was dropped."""
        self._dropped.labels(reason).inc()

    def spans(self, exporter: str, outcome: str, count: int) -> None:
        """Count what became of spans."""
        self._spans.labels(exporter, outcome).inc(count)

    def render(self, status: Mapping[str, Any]) -> bytes:
        """All metrics in Prometheus's text format, the gauges from this status document."""
        gauges = CollectorRegistry()
        gauges.register(_Snapshot(status))
        return bytes(generate_latest(self._registry) + generate_latest(gauges))


class _Snapshot:
    """The status document as gauges."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        self._status = status

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """No metrics: otherwise the registry would collect at registration, to find the names."""
        return ()

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Leadership, Pods by mode and phase, pools, the quota, other clusters."""
        leader = self._status["leader"]
        yield GaugeMetricFamily("pod_eip_leader", "1 on the replica that leads.", value=float(leader["is_me"]))
        if leader["epoch"] is not None:
            words = "The epoch of the leader that is known here."
            yield GaugeMetricFamily("pod_eip_epoch", words, value=leader["epoch"])
        yield from self._waits()
        yield self._pods()
        pools = _pools(self._status["pools"])
        for key, words in (
            ("total", "Addresses of the pool."),
            ("free", "Addresses of the pool that nobody has."),
            ("waiting", "Pods of this install that wait for an address of the pool."),
        ):
            yield _by(("tag_key",), f"pod_eip_pool_{key}", words, pools, key)
        words = "How long the first of the waiting Pods has waited."
        yield _by(("tag_key",), "pod_eip_pool_longest_wait_seconds", words, pools, "longest_wait_s")
        if policy := self._status["policy"]:
            words = "1 where the policy's file is wrong, and the policy before it is in force."
            yield GaugeMetricFamily("pod_eip_policy_broken", words, value=float(policy["error"] is not None))
        yield from self._quota()
        if self._status["contested"] is not None:
            words = "Pods whose labels or condition something else changes each time after they are put on."
            yield GaugeMetricFamily("pod_eip_labels_contested", words, value=self._status["contested"])
        words = "Addresses that look like this install's, and are left alone for it is not certain."
        yield GaugeMetricFamily("pod_eip_addresses_left_alone", words, value=len(self._status["left_alone"]))
        clusters = self._status["clusters"]
        words = "Since an install's heartbeat moved."
        yield _by(("uid", "install"), "pod_eip_cluster_silent_seconds", words, clusters, "silent_s")
        words = "Other clusters that live and have this cluster's name."
        same = len({row["uid"] for row in clusters if row["same_name"]})
        yield GaugeMetricFamily("pod_eip_cluster_name_conflicts", words, value=same)

    def _waits(self) -> Iterable[GaugeMetricFamily]:
        for key, name, words in (
            ("watch_silent_s", "watch_silent", "Since the API server last said anything about Pods."),
            ("writer_waiting_s", "writer_waiting", "How long the oldest change has waited for the ledger's writer."),
            ("term_beginning_s", "term_beginning", "How long a term has been half begun."),
            ("credentials_expire_s", "credentials_expire", "Until the AWS credentials expire; none if they do not."),
        ):
            seconds = self._status["waits"][key]
            if seconds is not None:
                yield GaugeMetricFamily(f"pod_eip_{name}_seconds", words, value=seconds)

    def _quota(self) -> Iterable[GaugeMetricFamily]:
        """Three numbers and a flag; nothing where none of the account's quota is kept."""
        quota = self._status["quota"]
        if quota is None:
            return
        for key, words in (
            ("allowed", "Addresses that the account may have in this Region; none if that is not known."),
            ("used", "Addresses of the account that draw on its quota."),
            ("kept", "Addresses of the quota that auto leaves for others."),
        ):
            if quota[key] is not None:
                yield GaugeMetricFamily(f"pod_eip_quota_{key}", words, value=quota[key])
        words = "1 where the quota could not be read at the last try."
        yield GaugeMetricFamily("pod_eip_quota_unreadable", words, value=float(bool(quota["trouble"])))

    def _pods(self) -> GaugeMetricFamily:
        family = GaugeMetricFamily("pod_eip_pods", "Pods that ask for an address.", labels=("mode", "phase"))
        tally = Tally((_mode(pod["mode"]), pod["phase"]) for pod in self._status["pods"])
        for labels, count in sorted(tally.items()):
            family.add_metric(labels, count)
        return family


def _mode(said: str) -> str:
    return said if said in _MODES else INVALID


def _pools(rows: Iterable[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """A row for each pool that may be named, and one for all others, with the sum of counts and the longest wait.

    None: this replica does not know it.
    """
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        key = row["tag_key"] if row["named"] else OTHER
        sums = found.setdefault(key, {"tag_key": key, "total": 0, "free": 0, "waiting": 0, "longest_wait_s": 0})
        for count in ("total", "free", "waiting"):
            sums[count] = None if row[count] is None or sums[count] is None else sums[count] + row[count]
        waits = (sums["longest_wait_s"], row["longest_wait_s"])
        sums["longest_wait_s"] = None if None in waits else max(waits)
    return list(found.values())


def _by(
    labels: Sequence[str], name: str, words: str, rows: Iterable[Mapping[str, Any]], value: str
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for row in rows:
        if row[value] is not None:
            family.add_metric([row[label] for label in labels], row[value])
    return family
