"""The alerts as Helm renders them, judged by Prometheus's own promtool: each fires, and rests."""

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart import dashboard
from tests.chart.alert_cases import CASES, groups
from tests.chart.files import FULL, load
from tests.chart.helm import NAME, NAMESPACE, render
from tests.real.promtool import promtool

pytestmark = pytest.mark.real

ON: dict[str, Any] = {"clusterName": "a", "metrics": {"prometheusRule": True, "serviceMonitor": True}}
Rules = dict[str, Any]


def rendered() -> Rules:
    """The rules of the release."""
    spec: Rules = render(ON).one("PrometheusRule")["spec"]
    return spec


def judged(folder: Path, rules: Rules, tests: list[dict[str, Any]]) -> tuple[int, str]:
    """What `promtool test rules` says."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    (folder / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))
    return promtool("test", "rules", str(folder / "tests.yaml"))


def test_the_rules_are_sound(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(rendered()))
    code, said = promtool("check", "rules", str(tmp_path / "rules.yaml"))
    assert (code, f"{len(CASES)} rules found" in said) == (0, True), said


def test_each_alert_fires_and_rests(tmp_path: Path) -> None:
    code, said = judged(tmp_path, rendered(), groups())
    assert (code, "SUCCESS" in said) == (0, True), said


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_that_never_fires_or_never_rests_is_noticed(alert: str, tmp_path: Path) -> None:
    mine = [group for group in groups() if group["name"].split()[0] == alert]
    for expression in ("vector(0) > 1", "vector(1)"):
        rules = copy.deepcopy(rendered())
        (rule,) = (rule for rule in rules["groups"][0]["rules"] if rule["alert"] == alert)
        rule["expr"] = expression
        assert judged(tmp_path, rules, mine)[0] != 0


def test_an_alert_looks_at_its_own_install_only() -> None:
    for rule in rendered()["groups"][0]["rules"]:
        for selector in re.findall(r"{[^}]*}", rule["expr"]):
            assert selector.startswith(f'{{namespace="{NAMESPACE}",job="{NAME}"')
        assert rule["annotations"]["runbook_url"].startswith("docs/runbooks/")


def test_what_is_for_prometheus_is_left_as_it_is() -> None:
    rules = {rule["alert"]: rule for rule in rendered()["groups"][0]["rules"]}
    assert rules["PodEipNotReady"]["annotations"]["summary"] == "Replica {{ $labels.pod }} is not ready"


def test_the_values_reach_the_objects() -> None:
    release = render(load(FULL))
    rule, monitor = release.one("PrometheusRule"), release.one("ServiceMonitor")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    urls = {each["annotations"]["runbook_url"] for each in rule["spec"]["groups"][0]["rules"]}
    assert "https://wiki.example.com/eip/no-leader.md" in urls
    endpoint = monitor["spec"]["endpoints"][0]
    assert endpoint["scrapeTimeout"] == "8s"
    assert endpoint["relabelings"] == [{"targetLabel": "cluster", "replacement": "production"}]
    assert endpoint["metricRelabelings"][0]["action"] == "drop"
    shown = release.one("ConfigMap", f"{NAME}-dashboard")
    assert shown["metadata"]["labels"]["grafana_dashboard"] == "games"
    assert shown["data"]["pod-eip.json"].strip() == dashboard.text().strip()


def test_all_of_it_is_off_by_default() -> None:
    kinds = {found["kind"] for found in render({"clusterName": "a"}).objects}
    assert not kinds & {"PrometheusRule", "ServiceMonitor"}
    assert not [found for found in render({"clusterName": "a"}).of_kind("ConfigMap") if "dashboard" in str(found)]


def test_prometheus_can_read_each_query_of_the_dashboard(tmp_path: Path) -> None:
    queries = [target["expr"] for panel in dashboard.dashboard()["panels"] for target in panel.get("targets", ())]
    rules = [
        {"record": f"panel:query{number}", "expr": query.replace("$__rate_interval", "5m")}
        for number, query in enumerate(queries)
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    code, said = promtool("check", "rules", str(tmp_path / "rules.yaml"))
    assert (code, f"{len(queries)} rules found" in said) == (0, True), said
