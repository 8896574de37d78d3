"""What can be known of the chart without Helm: its values, their schema, and how they follow the settings."""

import importlib
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from controller.aws.client import MUTATIONS, READS
from controller.core import contract
from controller.core.config import SETTINGS
from controller.core.setting import Setting
from tests.chart import flags_doc
from tests.chart.files import CHART, FULL, UPSTREAM, defaults, faults, load, schema, template_defaults

IN_CHART = {name: setting for setting in SETTINGS if (name := flags_doc.chart_value(setting))}


# A transaction is allowed by the actions of what is inside: puts, updates and deletes (state/transaction.py).
LEDGER_ACTIONS = ("BatchGetItem", "DeleteItem", "DescribeTable", "PutItem", "Query", "UpdateItem")
TABLE_ACTIONS = ("CreateTable", "TagResource", "UpdateContinuousBackups")


def actions(statement: Mapping[str, Any]) -> list[str]:
    """The actions of a statement, one or several."""
    return [statement["Action"]] if isinstance(statement["Action"], str) else list(statement["Action"])


def blocks(text: str) -> list[dict[str, Any]]:
    """The JSON blocks of a page."""
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL)]


def at(values: Mapping[str, Any], path: str) -> object:
    """The value at `a.b`."""
    found: Any = values
    for part in path.split("."):
        found = found[part]
    return found


def test_the_old_path_leads_to_the_chart() -> None:
    link = CHART.parent / "charts" / "aws-pod-eip-controller"
    assert str(link.readlink()) == "../chart"
    assert (link / "Chart.yaml").samefile(CHART / "Chart.yaml")


def test_the_schema_is_one() -> None:
    importlib.import_module("jsonschema").Draft7Validator.check_schema(schema())


def test_every_value_has_a_schema_and_the_other_way_round() -> None:
    assert set(schema()["properties"]) - {"global", "enabled"} == set(defaults())


def test_the_full_values_are_full_and_none_is_a_default() -> None:
    given, own = load(FULL), defaults()
    assert given.keys() == own.keys()
    assert not [name for name in own if given[name] == own[name]]


@pytest.mark.parametrize("given", [{}, load(FULL), load(UPSTREAM)], ids=["default", "full", "upstream"])
def test_good_values_are_accepted(given: dict[str, Any]) -> None:
    assert faults(given) == []


@pytest.mark.parametrize(
    "given",
    [
        {"vpcID": "subnet 1"},
        {"region": "eu_central_1"},
        {"logLevel": "verbose"},
        {"logFormat": "xml"},
        {"traceUrl": "javascript:alert(1)//{trace_id}"},
        {"traceUrl": "https://jaeger.example/trace"},
        {"resyncPeriod": []},
        {"resyncMinimum": "often"},
        {"leaseDuration": -1},
        {"concurrency": 0},
        {"createTable": "yes"},
        {"watchNamespace": "Not_One"},
        {"table": "x"},
        {"image": {"repo": "x"}},
        {"image": {"digest": "sha256:1"}},
        {"tolerations": {"key": "x"}},
        {"strategy": {"type": "Rolling"}},
        {"otel": {"endpont": "http://x"}},
        {"podDisruptionBudget": {"minAvailable": 1}},
        {"terminationGracePeriodSeconds": 5},
        {"extraEnv": [{"value": "x"}]},
        {"policy": {"rule": []}},
        {"policy": {"rules": [{"name": "a", "effect": "refuse"}]}},
        {"policy": {"limits": [{"name": "a", "addresses": -1}]}},
        {"admissionPolicy": {"failurePolicy": "ignore"}},
    ],
    ids=str,
)
def test_bad_values_are_refused(given: dict[str, Any]) -> None:
    assert len(faults(given)) == 1


@pytest.mark.parametrize(
    "given",
    [
        *({"resyncPeriod": period} for period in (0, -1, 1, 86400, 0.5, "600", "1m", "often", "", None)),
        *({"logLevel": level} for level in ("debug", "Info", "WARN", "error", "")),
        *({"logFormat": form} for form in ("text", "json", "", None)),
        *({"region": region} for region in ("", "eu-central-1", "us-gov-east-1", "eusc-de-east-1", "anything")),
        *({"vpcID": vpc} for vpc in ("", "vpc-1", "anything")),
    ],
    ids=str,
)
def test_what_the_go_controllers_chart_took_is_taken(given: dict[str, Any]) -> None:
    assert faults(given) == []


@pytest.mark.parametrize(("name", "setting"), IN_CHART.items(), ids=IN_CHART.keys())
def test_each_setting_has_a_value_with_its_default(name: str, setting: Setting) -> None:
    if name == "leaseName":  # the chart's is the release's name: two releases in one namespace must not share it
        assert (setting.default, defaults()[name]) == ("aws-pod-eip-controller", "")
        return
    if name == "requireAllocation":  # so that `helm install --wait` fails where the role may not
        assert (setting.default, defaults()[name]) == ("false", True)
        return
    value = at(defaults(), name)
    shown = value if isinstance(value, str) else json.dumps(value)
    assert ("" if value in ({}, [], None) else shown) == (setting.default or "")


def test_the_list_of_the_settings_is_whole() -> None:
    text = (CHART / "templates" / "_known.tpl").read_text()
    listed = re.search(r'define "aws-pod-eip-controller.settings" -}}\n(.*)\n{{- end }}', text)
    assert listed is not None
    assert {*listed[1].split(), "policy", *flags_doc.NESTED.values()} == set(IN_CHART)


def test_the_defaults_for_reused_values_are_those_of_the_chart() -> None:
    assert template_defaults() == {name: value for name, value in defaults().items() if name not in IN_CHART}


def test_the_page_of_settings_is_fresh() -> None:
    assert flags_doc.PAGE.read_text() == flags_doc.page(), "run python -m tests.chart.flags_doc"


def test_the_chart_is_of_the_programs_version() -> None:
    project = tomllib.loads((CHART.parent / "pyproject.toml").read_text())["project"]
    assert load(CHART / "Chart.yaml")["appVersion"] == project["version"]


def test_the_policies_in_the_readme_allow_what_is_called_and_no_more() -> None:
    policy, for_the_table = blocks((CHART / "README.md").read_text())
    statements = {statement["Sid"]: statement for statement in policy["Statement"]}
    allowed = [action for statement in statements.values() for action in actions(statement)]
    # A tag that comes with the allocation is a permission of its own, but no call.
    ec2 = {f"ec2:{name}" for name in READS | MUTATIONS | {"CreateTags"}}
    assert sorted(allowed) == sorted(ec2 | {f"dynamodb:{name}" for name in LEDGER_ACTIONS})
    assert actions(for_the_table) == [f"dynamodb:{name}" for name in TABLE_ACTIONS]
    assert for_the_table["Resource"] == statements["Ledger"]["Resource"]
    assert for_the_table["Resource"].endswith(f":table/{defaults()['table']}")


def test_only_what_is_ours_may_be_tagged_and_released() -> None:
    policy, _ = blocks((CHART / "README.md").read_text())
    conditions = {s["Action"]: s["Condition"]["StringEquals"] for s in policy["Statement"] if "Condition" in s}
    assert conditions == {
        "ec2:CreateTags": {"ec2:CreateAction": "AllocateAddress"},
        "ec2:ReleaseAddress": {f"aws:ResourceTag/{contract.PREFIX}aws-pod-eip-controller-type": "auto"},
    }
