"""Alerts, their pages, the dashboard and the page of metrics: nothing names a metric or a label that does not exist."""

import json
import re
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import dashboard, metrics_doc, queries
from tests.chart.alert_cases import CASES
from tests.chart.files import CHART
from tests.web.all_metrics import TARGET_LABELS, Described, described, text

RUNBOOKS = CHART.parent / "docs" / "runbooks"
HEADINGS = ("## Meaning", "## Impact", "## Diagnosis", "## Remedy")
RULES: list[dict[str, Any]] = yaml.safe_load((CHART / "alerts" / "pod-eip.yaml").read_text())["groups"][0]["rules"]
ALERTS = {rule["alert"]: rule for rule in RULES}
PANELS = [panel for panel in json.loads(dashboard.FILE.read_text())["panels"] if panel["type"] != "row"]
QUERIES = {rule["alert"]: rule["expr"] for rule in RULES} | {
    f"{panel['title']} {target['refId']}": target["expr"] for panel in PANELS for target in panel["targets"]
}
BY_SAMPLE: dict[str, Described] = {sample: one for one in described(text()).values() for sample in one.samples}


def labels_of(sample: str) -> frozenset[str]:
    """The labels that a query may name of this sample."""
    own = BY_SAMPLE[sample].labels | TARGET_LABELS
    return own | {"le"} if sample.endswith("_bucket") else own


def unknown(query: str) -> list[str]:
    """What this query names and does not exist."""
    used = queries.selectors(query)
    found = [f"{name} lacks a selector" for name in queries.bare_names(query)]
    found += [f"no metric {name}" for name, _ in used if name not in BY_SAMPLE]
    known = [(name, labels) for name, labels in used if name in BY_SAMPLE]
    found += [f"{name} has no label {label}" for name, labels in known for label in labels - labels_of(name)]
    grouped, only = queries.grouped(query), queries.filters(query)
    shown = [name for name, _ in known if name not in only]
    found += [f"{name} has no label {label}" for name in shown for label in grouped - labels_of(name)]
    return found


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_each_query_is_about_what_exists(query: str) -> None:
    assert queries.selectors(query)
    assert unknown(query) == []


@pytest.mark.parametrize(
    "query",
    [
        'sum(pod_eip_pool_total{job="a"})',
        'sum by (pool) (pod_eip_pool_waiting{job="a"})',
        'sum(pod_eip_pool_waiting{le="1"})',
        "sum(pod_eip_leader)",
    ],
)
def test_what_does_not_exist_is_noticed(query: str) -> None:
    assert unknown(query) != []


def test_each_legend_names_labels_that_its_query_keeps() -> None:
    for target in chain.from_iterable(panel["targets"] for panel in PANELS):
        legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        assert legend <= queries.grouped(target["expr"]), target


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_says_what_it_is_and_where_to_read_on(alert: str) -> None:
    rule = ALERTS[alert]
    named = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert named <= queries.grouped(rule["expr"])
    assert page_of(rule).is_file()


def test_each_alert_has_a_case_and_a_page_and_nothing_else_has() -> None:
    assert CASES.keys() == ALERTS.keys()
    assert {path.name for path in RUNBOOKS.glob("*.md")} == {page_of(rule).name for rule in RULES} | {"README.md"}


@pytest.mark.parametrize("alert", ALERTS)
def test_each_page_has_the_alert_and_the_four_parts(alert: str) -> None:
    page = page_of(ALERTS[alert]).read_text()
    assert page.startswith(f"# {alert}\n")
    assert [line for line in page.splitlines() if line.startswith("## ")] == list(HEADINGS)
    for metric in re.findall(r"\bpod_eip_\w*\w\b", page):
        assert metric in BY_SAMPLE.keys() | described(text()).keys(), f"{metric} does not exist"


def test_the_list_of_pages_is_whole() -> None:
    listed = (RUNBOOKS / "README.md").read_text()
    assert [alert for alert in ALERTS if f"[{alert}]({page_of(ALERTS[alert]).name})" not in listed] == []


def test_what_is_made_is_fresh() -> None:
    assert dashboard.FILE.read_text() == dashboard.text(), "run python -m tests.chart.dashboard"
    assert metrics_doc.PAGE.read_text() == metrics_doc.page(), "run python -m tests.chart.metrics_doc"


def test_the_dashboard_shows_nearly_every_metric() -> None:
    shown = {BY_SAMPLE[name].name for query in QUERIES.values() for name, _ in queries.selectors(query)}
    ours = {name for name in described(text()) if name.startswith("pod_eip_")}
    assert len(ours - shown) < 8, ours - shown


def page_of(rule: dict[str, Any]) -> Path:
    """The page that the alert links to."""
    base, _, name = rule["annotations"]["runbook_url"].partition("/")
    assert base == "RUNBOOKS"
    return RUNBOOKS / str(name)
