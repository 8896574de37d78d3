"""The counters and histograms, a row for each: the engine's events and durations under the names that Prometheus sees.

The names follow those of controller-runtime (`workqueue_*`, `controller_runtime_*`), with our prefix; units and
suffixes are those of Prometheus's naming practices. A counter's `_total` is added by the library. The values that a
label can have are listed where they are few: such a series is there from the start, at 0, so that `increase` sees its
first event.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from controller.core.candidacy import EndReason
from controller.core.measures import Duration, Event, Leak, Result
from state.model import Mode

CALL_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8)
SERVED_S = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800)


@dataclass(frozen=True, slots=True)
class CounterRow:
    """A counter with at most one label. `values`: those of the label that are there from the start."""

    name: str
    words: str
    label: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistogramRow:
    """A histogram of seconds, with the upper bounds of its buckets."""

    name: str
    words: str
    buckets: tuple[float, ...]
    label: str = ""
    values: tuple[str, ...] = ()


COUNTERS: Mapping[Event, CounterRow] = MappingProxyType(
    {
        Event.RECONCILED: CounterRow(
            "pod_eip_reconcile", "Looks at a Pod, by how they ended.", "result", tuple(map(str, Result))
        ),
        Event.FAILED: CounterRow(
            "pod_eip_reconcile_errors", "Looks at a Pod that failed, by the kind of error.", "error"
        ),
        Event.RETRIED: CounterRow("pod_eip_workqueue_retries", "Pods put back into the workqueue after a failure."),
        Event.CONDITION_LOST: CounterRow(
            "pod_eip_lost_conditions",
            "Conditional writes of the ledger that met another state than was believed; Claim: the address was lost.",
            "step",
            ("Claim",),
        ),
        Event.TERM_BEGUN: CounterRow("pod_eip_terms_begun", "Terms that this replica began as the leader."),
        Event.TERM_ENDED: CounterRow(
            "pod_eip_terms_ended",
            "Terms of this replica that ended, by why; fenced: a newer epoch exists.",
            "reason",
            tuple(reason.name.lower() for reason in EndReason),
        ),
        Event.LEAK_FOUND: CounterRow(
            "pod_eip_leaks_found",
            "Addresses, claims and intents that a comparison with EC2 found astray.",
            "kind",
            tuple(map(str, Leak)),
        ),
        Event.LEAK_MENDED: CounterRow(
            "pod_eip_leaks_mended", "Those of them that were put right.", "kind", tuple(map(str, Leak))
        ),
    }
)
HISTOGRAMS: Mapping[Duration, HistogramRow] = MappingProxyType(
    {
        Duration.QUEUED: HistogramRow(
            "pod_eip_workqueue_queue_duration_seconds",
            "How long Pods stayed in the workqueue once they were due.",
            (0.001, 0.01, 0.1, 1, 10, 60),
        ),
        Duration.WORKED: HistogramRow(
            "pod_eip_workqueue_work_duration_seconds",
            "How long plans took to be carried out, from their first step to their end.",
            (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30),
        ),
        Duration.TICK: HistogramRow(
            "pod_eip_tick_duration_seconds",
            "How long ticks of the loop took.",
            (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
        ),
        Duration.RESYNC: HistogramRow(
            "pod_eip_resync_duration_seconds",
            "How long full comparisons with EC2 took.",
            (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120),
        ),
    }
)
SERVED = HistogramRow(
    "pod_eip_pod_label_duration_seconds",
    "From when a Pod was seen to ask, with its IP, or last had no address to get, to when it showed its address.",
    SERVED_S,
    "mode",
    tuple(map(str, Mode)),
)
SINCE_CREATION = HistogramRow(
    "pod_eip_pod_creation_to_label_seconds",
    "From a Pod's creation to when it showed its address; scheduling and images included.",
    SERVED_S,
    "mode",
    tuple(map(str, Mode)),
)
