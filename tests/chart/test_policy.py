"""The policy of the values reaches the program as a file, and a changed one needs no new Pods."""

from typing import Any

import pytest

from controller.core.policy import parse
from tests.chart.files import FULL, faults, load
from tests.chart.helm import NAME, NAMESPACE, render

RULE = {"name": "a", "effect": "deny"}
NOTHING: list[dict[str, Any] | None] = [{}, None]
RIGHT: list[dict[str, Any]] = [
    {"default": "deny"},
    {"rules": []},
    {"rules": [RULE], "limits": [{"name": "few", "addresses": 0}]},
    {
        "rules": [
            {**RULE, "namespaces": ["game-*"], "modes": ["auto", "fixed-tag", "fixed-tag-value"], "pools": ["[ab]?"]}
        ]
    },
    load(FULL)["policy"],
]
WRONG: list[dict[str, Any]] = [
    {"default": "Deny"},
    {"defaults": "deny"},
    {"rules": {}},
    {"rules": [{"name": "a"}]},
    {"rules": [{"effect": "deny"}]},
    {"rules": [{**RULE, "name": ""}]},
    {"rules": [{**RULE, "name": "a" * 254}]},
    {"rules": [{**RULE, "namespaces": []}]},
    {"rules": [{**RULE, "namespaces": "shop"}]},
    {"rules": [{**RULE, "modes": ["fixed"]}]},
    {"rules": [{**RULE, "pools": [1]}]},
    {"limits": [{"name": "a"}]},
    {"limits": [{"name": "a", "addresses": -1}]},
    {"limits": [{"name": "a", "addresses": "5"}]},
]


@pytest.mark.parametrize("policy", RIGHT, ids=str)
def test_the_schema_accepts_what_the_program_accepts(policy: dict[str, Any]) -> None:
    assert faults({"policy": policy}) == []
    parse(str(policy))


@pytest.mark.parametrize("policy", WRONG, ids=str)
def test_the_schema_refuses_what_the_program_refuses(policy: dict[str, Any]) -> None:
    assert faults({"policy": policy})
    with pytest.raises(ValueError, match="is no policy"):
        parse(str(policy))


@pytest.mark.real
@pytest.mark.parametrize("policy", RIGHT, ids=str)
def test_the_file_says_what_the_values_say(policy: dict[str, Any]) -> None:
    release = render({"clusterName": "a", "policy": policy})
    mounted = release.one("ConfigMap", f"{NAME}-policy")
    assert mounted["metadata"]["namespace"] == NAMESPACE
    assert parse(mounted["data"]["policy.yaml"]) == parse(str(policy))
    folder, _, name = release.env["PEC_POLICY"].rpartition("/")
    assert name in mounted["data"]
    assert {"name": "policy", "mountPath": folder, "readOnly": True} in release.container["volumeMounts"]
    assert {"name": "policy", "configMap": {"name": f"{NAME}-policy"}} in release.pod["volumes"]


@pytest.mark.real
def test_another_policy_needs_no_new_pods() -> None:
    one, two = (render({"clusterName": "a", "policy": policy}) for policy in RIGHT[:2])
    assert one.one("Deployment") == two.one("Deployment")


@pytest.mark.real
def test_without_a_policy_there_is_no_file() -> None:
    for policy in NOTHING:
        release = render({"clusterName": "a", "policy": policy})
        assert (release.of_kind("ConfigMap"), release.env["PEC_POLICY"]) == ([], "")
        assert [mount["name"] for mount in release.container["volumeMounts"]] == ["tmp"]
