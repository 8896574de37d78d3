"""For each alert what makes it fire, and what leaves it at rest: series as promtool writes them, a minute a step.

`0x10 1x20` is the value 0 and then ten more of it, then 1 and twenty more; `0+2x30` grows by 2 each time, `_` is no
sample ("Unit testing for rules" of Prometheus's documentation).
"""

from dataclasses import dataclass
from typing import Any

from tests.chart.helm import NAME, NAMESPACE


@dataclass(frozen=True, slots=True)
class Case:
    """`fires`, `rests`: values by series, a series without the labels of its target. At minute `at` it is judged."""

    fires: dict[str, str]
    rests: dict[str, str]
    at: int = 30


def _one(series: str, fires: str, rests: str, at: int = 30) -> Case:
    return Case({series: fires}, {series: rests}, at)


_BUCKET = 'pod_eip_pod_label_duration_seconds_bucket{mode="auto",le="60.0"}'
_COUNT = 'pod_eip_pod_label_duration_seconds_count{mode="auto"}'
_CALLS = 'pod_eip_calls_total{service="ec2",operation="AllocateAddress",code="%s"}'
_WRITES = 'pod_eip_calls_total{service="dynamodb",operation="TransactWriteItems",code="%s"}'

_RESYNC, _LEADER = 'pod_eip_last_resync_timestamp_seconds{pod="a"}', 'pod_eip_leader{pod="a"}'
_LOST = 'pod_eip_trace_spans_total{exporter="otlp",outcome="dropped"}'

CASES: dict[str, Case] = {
    "PodEipNoLeader": _one('pod_eip_leader{pod="a"}', "0x40", "1x40"),
    "PodEipLeaderFlaps": _one("pod_eip_epoch", "1 1 2 3 4 5 6x30", "1x10 2x30"),
    "PodEipTermFenced": _one('pod_eip_terms_ended_total{reason="fenced"}', "0x10 1x30", "0x40"),
    "PodEipNotReady": _one('pod_eip_ready{pod="a"}', "1x10 0x30", "1x26 0x2 1x20"),
    "PodEipLoopStuck": _one('pod_eip_election_silent_seconds{pod="a"}', "1x10 60+60x30", "1x40"),
    "PodEipHangs": _one('pod_eip_writer_waiting_seconds{pod="a"}', "0x10 60+60x30", "0x10 5x30"),
    "PodEipThreadFails": Case(
        {'pod_eip_thread_failures_total{pod="a",thread="reconcile"}': "0x20 1x30"},
        {'pod_eip_thread_failures_total{pod="a",thread="lease-watch"}': "0+1x50"},
    ),
    "PodEipPodsWaitTooLong": _one("pod_eip_longest_unserved_seconds", "0+60x40", "0x10 30x30"),
    "PodEipServedSlowly": Case({_BUCKET: "0+9x60", _COUNT: "0+10x60"}, {_BUCKET: "0+99x60", _COUNT: "0+100x60"}, 50),
    "PodEipInvalidAnnotation": _one('pod_eip_pods{mode="invalid",phase="invalid"}', "0x10 2x30", "0x24 2x2 0x20"),
    "PodEipPoolEmpty": _one('pod_eip_pool_waiting{tag_key="game-ips"}', "0x10 3x30", "0x24 3x2 0x20"),
    "PodEipQuotaReached": _one(_CALLS % "AddressLimitExceeded", "0x25 1x20", "1x40"),
    "PodEipQuotaNearlyUsed": Case(
        {"pod_eip_quota_used": "95x40", "pod_eip_quota_allowed": "100x40"},
        {"pod_eip_quota_used": "80x40", "pod_eip_quota_allowed": "100x40"},
    ),
    "PodEipQuotaUnreadable": _one("pod_eip_quota_unreadable", "1x40", "0x40"),
    "PodEipThrottled": _one('pod_eip_ec2_throttled_total{operation="AllocateAddress"}', "0+30x40", "0x24 1x20"),
    "PodEipDenied": _one(_CALLS % "UnauthorizedOperation", "0+1x40", "1x40"),
    "PodEipCredentialsFail": _one(_CALLS % "RequestExpired", "0+1x40", "1x40"),
    "PodEipCredentialsExpire": _one('pod_eip_credentials_expire_seconds{pod="a"}', "3000-100x40", "3600x40"),
    "PodEipLedgerFails": Case(
        {_WRITES % "InternalServerError": "0+5x40"},
        {_WRITES % "": "0+50x40", _WRITES % "TransactionCanceledException": "0+5x40"},
    ),
    "PodEipResyncOld": Case({_RESYNC: "60x200", _LEADER: "1x200"}, {_RESYNC: "60+60x200", _LEADER: "1x200"}, 180),
    "PodEipLeaksFound": _one('pod_eip_leaks_found_total{kind="address"}', "0x10 1x30", "4x40"),
    "PodEipAddressesLeftAlone": _one("pod_eip_addresses_left_alone", "1x90", "0x90", 80),
    "PodEipClusterNameTaken": _one("pod_eip_cluster_name_conflicts", "1x40", "0x40"),
    "PodEipClusterSilent": _one('pod_eip_cluster_silent_seconds{uid="u",install="i"}', "0+60x40", "0x10 30x30"),
    "PodEipPolicyBroken": _one("pod_eip_policy_broken", "0x10 1x30", "0x40"),
    "PodEipLabelsContested": _one("pod_eip_labels_contested", "1x40", "0x40"),
    "PodEipTracesLost": _one('pod_eip_trace_spans_total{exporter="otlp",outcome="dropped"}', "0+5x40", "7x40"),
    "PodEipEventsDropped": _one('pod_eip_events_dropped_total{reason="full"}', "0+1x40", "7x40"),
}


MORE: tuple[tuple[str, Case], ...] = (
    # A single burst, with nothing before it and after it.
    ("PodEipTracesLost", Case({_LOST: "0x20 500x60"}, {_LOST: "0x60"}, 32)),
    ("PodEipEventsDropped", _one('pod_eip_events_dropped_total{reason="full"}', "0x20 500x60", "0x60", 32)),
    # No comparison ever ended well; nobody leads, which is another alert's.
    ("PodEipResyncOld", Case({_RESYNC: "0x300", _LEADER: "1x300"}, {_RESYNC: "0x300", _LEADER: "0x300"}, 180)),
)


def groups() -> list[dict[str, Any]]:
    """The tests of all alerts, as promtool reads them: each one fires in one group and rests in the next."""
    cases = [*CASES.items(), *MORE]
    return [group for name, case in cases for group in (_group(name, case, True), _group(name, case, False))]


def _group(name: str, case: Case, fires: bool) -> dict[str, Any]:
    series = case.fires if fires else case.rests
    firing = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    return {
        "name": f"{name} {'fires' if fires else 'rests'}",
        "interval": "1m",
        "input_series": [{"series": _of_target(one), "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {
                "expr": firing,
                "eval_time": f"{case.at}m",
                "exp_samples": [{"labels": "{}", "value": 1}] if fires else [],
            }
        ],
    }


def _of_target(series: str) -> str:
    """The series with the labels that the operator gives to those of its job; of one Pod, where none is named."""
    name, _, labels = series.partition("{")
    given = [f'namespace="{NAMESPACE}"', f'job="{NAME}"', *([] if "pod=" in labels else ['pod="a"'])]
    return f"{name}{{{','.join([*given, labels.removesuffix('}')]).strip(',')}}}"
