"""A replica's readings as metrics: its queue, its threads, and what it has learnt of EC2's limits."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from controller.core.measures import Readings
from controller.surface.metrics_of_status import QUOTA_USED


class OfReadings(Collector):
    """What was read at this scrape. `ready`: the answer to /readyz. `quota`: the status tells of the quota."""

    def __init__(self, readings: Readings, *, ready: bool, quota: bool) -> None:
        self._of, self._ready, self._quota = readings, ready, quota

    def describe(self) -> Iterable[Metric]:
        """No metrics: otherwise the registry would collect at registration, to find the names."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Readiness, the queue, the threads, EC2's buckets."""
        yield _gauge("ready", "1 where /readyz answers 200.", float(self._ready))
        yield _gauge("workqueue_depth", "Pods in the workqueue, due or later.", self._of.queued)
        yield _gauge("plans_in_flight", "Pods whose plan has begun and not ended.", self._of.in_flight)
        yield _gauge("max_concurrent_plans", "How many plans may be carried out at once.", self._of.workers)
        yield _gauge("loop_silent_seconds", "Since the loop last woke.", self._of.loop_silent_s)
        yield _gauge("election_silent_seconds", "Since the election last finished a step.", self._of.election_silent_s)
        if self._of.longest_unserved_s is not None:
            words = "The longest time that a Pod with an IP has been without its address, where nothing refuses it one."
            yield _gauge("longest_unserved_seconds", words, self._of.longest_unserved_s)
        if self._of.quota_used is not None and not self._quota:
            yield _gauge("quota_used", QUOTA_USED, self._of.quota_used)
        words = "Pods that wait, by why."
        yield _by("pods_waiting", words, "reason", self._of.waiting)
        yield from self._buckets()
        words = "Errors that a thread of this replica has survived, by thread."
        yield _by("thread_failures", words, "thread", self._of.failures, CounterMetricFamily)

    def _buckets(self) -> Iterable[Metric]:
        buckets = self._of.buckets
        rates = {bucket.operation: bucket.rate for bucket in buckets}
        yield _by("ec2_rate_limit", "Calls a second that EC2 is believed to grant.", "operation", rates)
        bursts = {bucket.operation: bucket.burst for bucket in buckets}
        yield _by("ec2_burst_limit", "Calls at once that EC2 is believed to grant.", "operation", bursts)
        waiting = {bucket.operation: bucket.waiting for bucket in buckets}
        yield _by("ec2_waiting", "Pods and reads that wait for their turn at EC2's rate.", "operation", waiting)
        throttled = {bucket.operation: bucket.throttled for bucket in buckets}
        words = "Calls that EC2 refused because there were too many."
        yield _by("ec2_throttled", words, "operation", throttled, CounterMetricFamily)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"pod_eip_{name}", words, value=value)


def _by(
    name: str,
    words: str,
    label: str,
    values: Mapping[str, float],
    kind: type[GaugeMetricFamily] | type[CounterMetricFamily] = GaugeMetricFamily,
) -> Metric:
    family = kind(f"pod_eip_{name}", words, labels=(label,))
    for key, value in values.items():
        family.add_metric([key], value)
    return family
