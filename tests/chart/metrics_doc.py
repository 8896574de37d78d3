"""Writes docs/metrics.md: `python -m tests.chart.metrics_doc`.

The table is made from a scrape, so that it cannot tell another story; a test fails where the file is not what this
module would write.
"""

import sys
from pathlib import Path

from tests.web.all_metrics import Described, described, text

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
HEAD = """# Metrics

<!-- Made by `python -m tests.chart.metrics_doc`; do not edit. -->

`/metrics` of each replica, in Prometheus's text format. Names follow those of controller-runtime, Karpenter and the
AWS Load Balancer Controller, with the prefix `pod_eip_`. `promtool check metrics` has nothing to say against them.

| metric | type | unit | labels | meaning |
|---|---|---|---|---|
"""
TAIL = """
Beside these: `process_*`, the memory, processor time and file descriptors of the worker.

## Which replica knows what

The leader serves Pods, so it alone counts `reconcile`, `workqueue`, `pod_label`, `leaks` and `resync`, and it alone
knows `pool`, `quota`, `cluster`, `labels_contested`, `addresses_left_alone`, `longest_unserved` and `pods_waiting`. On
a standby these are 0, stand still or are absent. So queries take the `max` or the `sum` of all replicas. `pods` and
`addresses` are on a standby as it last read the table, up to a minute ago: take those of the leader, as the dashboard
does (`and on (namespace, job, pod) pod_eip_leader == 1`). Counters begin at 0 with the process, not with the term.

`pod_eip_quota_allowed`, `_kept` and `_unreadable` are there only with `keepQuota`: nothing else reads the quota.
`pod_eip_credentials_expire_seconds` is absent where the credentials do not expire. `pod_eip_policy_broken` is there
only with a policy.

## Labels

No Pod can add a series: each label has few values, and none comes from a Pod.

| label | values |
|---|---|
| `mode` | `auto`, `fixed-tag`, `fixed-tag-value`; of `pod_eip_pods` also `invalid`, where the annotation names none |
| `phase` | `pending`, `waiting`, `claimed`, `associated`, `releasing`, `invalid`, `refused` |
| `tag_key` | a key that `poolKeys` lists letter by letter, or one that is allowed and that an address carries; all \
other keys that Pods name are one `other`, whose numbers are sums |
| `owner` | `free`, `this_install`, `other_install`; `unclaimed`: associated by somebody, and no claim names it |
| `uid`, `install` | the installs that share the table, this one among them |
| `service`, `operation` | `ec2`, `kubernetes` or `dynamodb`, and the calls that this program makes |
| `code` | empty for success; `DryRunOperation`: a dry run of something that is allowed; the codes that this program \
knows; `other` for all others |
| `result` | `unchanged`: nothing had to be done; `success`: a plan was carried out; `waiting`; `no_token`: it waits \
for its turn at EC2's rate; `error` |
| `error` | the classes of `state/errors.py` |
| `step` | the steps of a plan (docs/architecture.md), and `Resync` |
| `reason` of `pods_waiting` | the names of `WaitReason` in `core/actions` |
| `reason` of `terms_ended` | the names of `EndReason` in `core/candidacy` |
| `reason` of `events_dropped` | `pod` and `namespace`: it had too many; `full`: all did, and the namespace with most \
gave some up; `refused`: the API server does not take it |
| `kind` | `address`: one of ours without a claim; `claim`: one side of it only; `intent`: of a Pod that is gone |
| `thread` | `reconcile`, `election`, `lease-watch` (breaks of the watch are in it), `terms`, `standby`, `replicas` |
| `exporter`, `outcome` | of the traces: `sent`, `refused`, `undelivered`, `dropped` |

## The service level

`pod_eip_pod_label_duration_seconds` runs from when the informer saw a Pod ask, with its IP, to when the Pod shows its
address, across a change of leader, too. Time for which there was no address to be had (an empty pool, a limit, the
quota, the policy) is not in it: `pod_eip_pods_waiting` and `pod_eip_pool_longest_wait_seconds` tell that. The part
of the Pods that were served within a minute, of those of the last day:

```promql
sum(rate(pod_eip_pod_label_duration_seconds_bucket{le="60.0"}[1d]))
  / sum(rate(pod_eip_pod_label_duration_seconds_count[1d]))
```

`pod_eip_pod_creation_to_label_seconds` runs from the Pod's `creationTimestamp`, by the clocks of the API server and of
the replica. Of a Pod that was annotated later its whole age is in it.

## ServiceMonitor, alerts, dashboard

All are off by default, and values of the chart:

| value | |
|---|---|
| `metrics.serviceMonitor`, `.serviceMonitorLabels`, `.interval`, `.scrapeTimeout`, `.relabelings`, \
`.metricRelabelings` | a ServiceMonitor |
| `metrics.prometheusRule`, `.prometheusRuleLabels`, `.runbooks` | a PrometheusRule with \
[the alerts](runbooks/README.md). They look for the namespace of the release, and the job \
that the operator gives its ServiceMonitor, the Service's name |
| `metrics.dashboard`, `.dashboardLabels` | a ConfigMap with the Grafana dashboard, for the sidecar of Grafana's chart |
| `metrics.annotations` | `prometheus.io/*` on the Pods, where there is no operator |

Without the operator: the rules are [chart/alerts/pod-eip.yaml](../chart/alerts/pod-eip.yaml), in which `NAMESPACE`,
`JOB` and `RUNBOOKS` are to be replaced, and the dashboard is
[chart/dashboards/pod-eip.json](../chart/dashboards/pod-eip.json).
"""


def page() -> str:
    """The whole page."""
    ours = [metric for name, metric in sorted(described(text()).items()) if name.startswith("pod_eip_")]
    return HEAD + "".join(map(_row, ours)) + TAIL


def _row(metric: Described) -> str:
    labels = ", ".join(f"`{label}`" for label in sorted(metric.labels))
    return f"| `{metric.name}` | {metric.kind} | {_unit(metric.name)} | {labels} | {metric.words} |\n"


def _unit(name: str) -> str:
    return "seconds" if name.removesuffix("_total").endswith("_seconds") else ""


def main() -> int:
    """Write it."""
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
