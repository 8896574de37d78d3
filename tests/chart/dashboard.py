"""Writes the Grafana dashboard of the chart: `python -m tests.chart.dashboard`.

A dashboard's JSON is long, and most of it is the same for each panel. So the panels are rows here, and a test fails
where the file is not what this module would write. The model is that of Grafana's documentation, "JSON model".
"""

import json
import sys
from dataclasses import dataclass, field
from typing import Any

from tests.chart.files import CHART

FILE = CHART / "dashboards" / "pod-eip.json"
OURS = 'namespace=~"$namespace",job=~"$job"'
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, COLUMNS, HEIGHT = 24, 3, 8


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph: its title, its unit as Grafana names it, and its queries with the legend of each."""

    title: str
    queries: dict[str, str]
    unit: str = "short"
    words: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...] = field(default_factory=tuple)


def _of(metric: str, more: str = "") -> str:
    return f"pod_eip_{metric}{{{OURS}{',' if more else ''}{more}}}"


def _led(metric: str) -> str:
    """As the leader has it: what a standby knows of Pods and claims may be a minute old, or of its own last term."""
    return f"({_of(metric)} and on (namespace, job, pod) {_of('leader')} == 1)"


def _rate(metric: str, by: str, more: str = "") -> str:
    return f"sum by ({by}) (rate({_of(metric, more)}[$__rate_interval]))"


def _quantile(of: float, metric: str, by: str = "le", more: str = "") -> str:
    return f"histogram_quantile({of}, {_rate(metric + '_bucket', by, more)})"


ROWS = (
    Row(
        "Service",
        (
            Panel(
                "From the Pod's IP to its address",
                {
                    _quantile(0.5, "pod_label_duration_seconds", "le, mode"): "{{mode}} median",
                    _quantile(0.99, "pod_label_duration_seconds", "le, mode"): "{{mode}} 99%",
                },
                "s",
                "The service level. Time for which there was no address to be had is not in it.",
            ),
            Panel(
                "From creation to address",
                {_quantile(0.5, "pod_creation_to_label_seconds", "le, mode"): "{{mode}} median"},
                "s",
                "Scheduling, images and init containers are in it.",
            ),
            Panel("Longest unserved", {f"max({_of('longest_unserved_seconds')})": "longest"}, "s"),
            Panel("Pods by phase", {f"max by (phase) (sum by (pod, phase) {_led('pods')})": "{{phase}}"}),
            Panel("Pods that wait, by why", {f"max by (reason) {_led('pods_waiting')}": "{{reason}}"}),
            Panel("Served", {_rate("pod_label_duration_seconds_count", "mode"): "{{mode}}"}, "ops"),
        ),
    ),
    Row(
        "Leader and replicas",
        (
            Panel("Leads", {f"max by (pod) ({_of('leader')})": "{{pod}}"}),
            Panel("Ready", {f"min by (pod) ({_of('ready')})": "{{pod}}"}),
            Panel(
                "Epoch and ended terms",
                {
                    f"max({_of('epoch')})": "epoch",
                    f"sum by (reason) (increase({_of('terms_ended_total')}[1h]))": "{{reason}} in an hour",
                },
            ),
            Panel("Versions", {f"count by (version) ({_of('build_info')})": "{{version}}"}),
            Panel("Errors that threads survived", {_rate("thread_failures_total", "thread"): "{{thread}}"}, "ops"),
            Panel(
                "Credentials expire in",
                {f"min by (pod) ({_of('credentials_expire_seconds')})": "{{pod}}"},
                "s",
            ),
        ),
    ),
    Row(
        "Loop",
        (
            Panel("Workqueue", {f"max({_of('workqueue_depth')})": "queued", f"max({_of('plans_in_flight')})": "plans"}),
            Panel(
                "Wait in the queue, and work",
                {
                    _quantile(0.99, "workqueue_queue_duration_seconds"): "wait 99%",
                    _quantile(0.99, "workqueue_work_duration_seconds"): "work 99%",
                },
                "s",
            ),
            Panel("Tick", {_quantile(0.99, "tick_duration_seconds"): "99%"}, "s"),
            Panel(
                "Looks at Pods",
                {
                    _rate("reconcile_total", "result"): "{{result}}",
                    _rate("workqueue_retries_total", "job"): "retries",
                },
                "ops",
            ),
            Panel("Errors by kind", {_rate("reconcile_errors_total", "error"): "{{error}}"}, "ops"),
            Panel(
                "Workers",
                {
                    f"max({_of('active_workers')})": "at work",
                    f"max({_of('max_concurrent_plans')})": "at most",
                },
            ),
        ),
    ),
    Row(
        "Calls",
        (
            Panel("Calls by service", {_rate("calls_total", "service"): "{{service}}"}, "ops"),
            Panel(
                "Errors by code",
                {
                    _rate(
                        "calls_total", "service, operation, code", 'code!~"|DryRunOperation"'
                    ): "{{service}} {{operation}} {{code}}"
                },
                "ops",
            ),
            Panel(
                "Duration, 99%",
                {_quantile(0.99, "call_duration_seconds", "le, service, operation"): "{{service}} {{operation}}"},
                "s",
            ),
            Panel("Throttled by EC2", {_rate("ec2_throttled_total", "operation"): "{{operation}}"}, "ops"),
            Panel(
                "EC2's limits as learnt",
                {
                    f"max by (operation) ({_of('ec2_rate_limit')})": "{{operation}} a second",
                    f"max by (operation) ({_of('ec2_burst_limit')})": "{{operation}} at once",
                },
            ),
            Panel("Waiting for EC2's rate", {f"max by (operation) ({_of('ec2_waiting')})": "{{operation}}"}),
        ),
    ),
    Row(
        "Addresses",
        (
            Panel(
                "Pools",
                {f"max by (tag_key, owner) ({_of('pool_addresses')})": "{{tag_key}} {{owner}}"},
            ),
            Panel(
                "Pods that wait for a pool",
                {f"max by (tag_key) ({_of('pool_waiting')})": "{{tag_key}}"},
            ),
            Panel("Held by this install", {f"max by (mode) {_led('addresses')}": "{{mode}}"}),
            Panel(
                "Quota",
                {
                    f"max({_of('quota_used')})": "used",
                    f"max({_of('quota_allowed')})": "allowed",
                    f"max({_of('quota_kept')})": "kept for others",
                },
            ),
            Panel(
                "Leaks",
                {
                    f"sum by (kind) (increase({_of('leaks_found_total')}[1h]))": "{{kind}} found",
                    f"sum by (kind) (increase({_of('leaks_mended_total')}[1h]))": "{{kind}} mended",
                    f"max({_of('addresses_left_alone')})": "left alone",
                },
            ),
            Panel(
                "Since the last comparison with EC2",
                {f"time() - max({_of('last_resync_timestamp_seconds')} > 0)": "since"},
                "s",
            ),
        ),
    ),
    Row(
        "Beside",
        (
            Panel("Lost conditions of the ledger", {_rate("lost_conditions_total", "step"): "{{step}}"}, "ops"),
            Panel(
                "Waiting for an API",
                {
                    f"max by (pod) ({_of('watch_silent_seconds')})": "{{pod}} watch",
                    f"max by (pod) ({_of('writer_waiting_seconds')})": "{{pod}} ledger",
                },
                "s",
            ),
            Panel("Other installs are silent for", {f"max by (uid) ({_of('cluster_silent_seconds')})": "{{uid}}"}, "s"),
            Panel("Dropped events", {_rate("events_dropped_total", "reason"): "{{reason}}"}, "ops"),
            Panel("Spans", {_rate("trace_spans_total", "exporter, outcome"): "{{exporter}} {{outcome}}"}, "ops"),
            Panel(
                "Memory",
                {f"max by (pod) (process_resident_memory_bytes{{{OURS}}})": "{{pod}}"},
                "bytes",
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard's model."""
    return {
        "uid": "aws-pod-eip-controller",
        "title": "AWS Pod EIP Controller",
        "tags": ["aws-pod-eip-controller"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [_source(), _variable("namespace"), _variable("job")]},
        "panels": _panels(),
    }


def _source() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}


def _variable(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": SOURCE,
        "query": f"label_values(pod_eip_build_info, {name})",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    top = 0
    for row in ROWS:
        place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        panels.append({"id": len(panels) + 1, "type": "row", "title": row.title, "collapsed": False, "gridPos": place})
        top += 1
        for number, panel in enumerate(row.panels):
            width = WIDTH // COLUMNS
            place = {"x": number % COLUMNS * width, "y": top + number // COLUMNS * HEIGHT, "w": width, "h": HEIGHT}
            panels.append({"id": len(panels) + 1, "gridPos": place} | _graph(panel))
        top += -(-len(row.panels) // COLUMNS) * HEIGHT
    return panels


def _graph(panel: Panel) -> dict[str, Any]:
    targets = [
        {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": query, "legendFormat": legend}
        for number, (query, legend) in enumerate(panel.queries.items())
    ]
    return {
        "type": "timeseries",
        "title": panel.title,
        "description": panel.words,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }


def text() -> str:
    """The file."""
    return json.dumps(dashboard(), indent=1) + "\n"


def main() -> int:
    """Write it."""
    FILE.write_text(text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
