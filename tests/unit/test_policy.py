"""Rules and limits decide as they read, and a policy that is not one is refused with the place of its fault."""

import pytest

from controller.core.policy import Policy, parse
from state.model import Mode

GAMES = """
default: deny
rules:
  - {name: no-byoip, namespaces: ["game-*"], modes: [auto], pools: ["ipv4pool-*"], effect: deny}
  - {name: games, namespaces: ["game-*"], effect: allow}
  - {name: shared, modes: [fixed-tag], pools: [shared, "team-?"], effect: allow}
limits:
  - {name: lobby, namespaces: [game-lobby], addresses: 5}
  - {name: rest, addresses: 2}
"""


@pytest.mark.parametrize(
    ("namespace", "mode", "pool", "words"),
    [
        ("game-eu", Mode.AUTO, "amazon", None),
        (
            "game-eu",
            Mode.AUTO,
            "ipv4pool-ec2-1",
            "rule 'no-byoip' of the policy does not let Pods of namespace 'game-eu'",
        ),
        ("game-eu", Mode.FIXED_TAG_VALUE, "ipv4pool-ec2-1", None),
        ("games", Mode.AUTO, "amazon", "no rule of the policy lets Pods of namespace 'games' use mode auto with pool"),
        ("shop", Mode.FIXED_TAG, "team-a", None),
        ("shop", Mode.FIXED_TAG, "team-ab", "its default is deny"),
        ("shop", Mode.FIXED_TAG, "Shared", "with pool 'Shared'"),
    ],
)
def test_the_first_rule_that_matches_decides(namespace: str, mode: Mode, pool: str, words: str | None) -> None:
    why = parse(GAMES).refusal(namespace, mode, pool)
    assert why is None if words is None else words in str(why)


def test_without_rules_everybody_may_everything() -> None:
    for policy in (Policy(), parse("default: allow")):
        assert policy.refusal("any", Mode.AUTO, "amazon") is None
        assert policy.limit("any") is None


def test_the_first_limit_that_matches_holds() -> None:
    policy = parse(GAMES)
    assert [limit.addresses for name in ("game-lobby", "shop") if (limit := policy.limit(name))] == [5, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("default: [", "is not YAML: line 1"),
        ("default: allow\ndefault: deny", "line 2, column 1: 'default' is there twice"),
        pytest.param("[" * 5000, "nested too deeply", id="5,000 brackets"),
        ("&a {default: *a}", "$.default"),
        ("when: 2026-13-45", "is not YAML"),
        ("just text", "Expected `object`"),
        ("default: maybe", "$.default"),
        ("ruls: []", "unknown field `ruls`"),
        ("rules: [{name: a, effect: deny, namespace: [b]}]", "unknown field `namespace` - at `$.rules[0]`"),
        ("rules: [{name: a}]", "missing required field `effect` - at `$.rules[0]`"),
        ("rules: [{effect: deny}]", "missing required field `name`"),
        ("rules: [{name: a, effect: Deny}]", "$.rules[0].effect"),
        ("rules: [{name: a, effect: deny, modes: [fixed]}]", "$.rules[0].modes[0]"),
        ("rules: [{name: a, effect: deny, pools: []}]", "$.rules[0].pools"),
        ("rules: [{name: a, effect: deny, namespaces: [123]}]", "Expected `str`, got `int`"),
        ("rules: [{name: a, effect: deny}, {name: a, effect: allow}]", "two rules are named 'a'"),
        ("limits: [{name: a}]", "missing required field `addresses`"),
        ("limits: [{name: a, addresses: -1}]", "$.limits[0].addresses"),
        ("limits: [{name: a, addresses: 1.5}]", "Expected `int`"),
    ],
    ids=str,
)
def test_what_is_no_policy_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^is ") as caught:
        parse(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
