"""What `open` and `strict` let a Pod ask for, beside the policy."""

import pytest

from controller.core.policy import Effect, parse
from controller.core.tenancy import STRICT_LIMIT, STRICT_MOST, Rules, Tenancy, tenancy_of
from state.model import Mode

LISTED = Tenancy(pool_keys=("game-pool", "team-?"))
STRICT = tenancy_of(strict=True, pool_keys=("game-pool",), most=None)


@pytest.mark.parametrize(
    ("tenancy", "key", "allowed"),
    [
        (Tenancy(), "anything", True),
        (LISTED, "game-pool", True),
        (LISTED, "team-a", True),
        (LISTED, "team-ab", False),
        (LISTED, "Game-Pool", False),
        (tenancy_of(strict=True, pool_keys=(), most=None), "anything", False),
        (STRICT, "game-pool", True),
    ],
)
def test_which_keys_may_be_pools(tenancy: Tenancy, key: str, allowed: bool) -> None:
    rules = Rules(policy=parse("default: allow"), tenancy=tenancy)
    for mode in (Mode.FIXED_TAG, Mode.FIXED_TAG_VALUE):
        why = rules.refusal("ns", mode, key)
        assert why is None if allowed else f"tag key '{key}' is not among those" in str(why)
    assert rules.refusal("ns", Mode.AUTO, key) is None


def test_strict_denies_what_no_rule_allows_unless_the_policy_says_otherwise() -> None:
    assert "its default is deny" in str(Rules(tenancy=STRICT).refusal("ns", Mode.AUTO, "amazon"))
    rule = parse("rules: [{name: games, namespaces: [ns], effect: allow}]")
    assert Rules(policy=rule, tenancy=STRICT).refusal("ns", Mode.AUTO, "amazon") is None
    assert Rules(policy=rule, tenancy=STRICT).refusal("other", Mode.AUTO, "amazon") is not None
    assert Rules(policy=rule).refusal("other", Mode.AUTO, "amazon") is None
    assert Rules(policy=parse("default: allow"), tenancy=STRICT).default is Effect.ALLOW


def test_strict_has_limits_where_nothing_else_is_said() -> None:
    assert Rules().limit("ns") is None
    assert Rules(tenancy=STRICT).limit("ns") == STRICT_LIMIT
    own = parse("limits: [{name: many, namespaces: [ns], addresses: 100}]")
    assert Rules(policy=own, tenancy=STRICT).limit("ns") == own.limits[0]
    assert Rules(policy=own, tenancy=STRICT).limit("other") == STRICT_LIMIT
    assert STRICT.most == STRICT_MOST
    assert tenancy_of(strict=True, pool_keys=(), most=7).most == 7
    assert tenancy_of(strict=False, pool_keys=(), most=None).most is None


def test_an_install_that_is_full_says_so() -> None:
    rules = Rules(tenancy=Tenancy(most=2))
    assert rules.full(1) is None
    refusal = rules.full(2)
    assert refusal is not None
    assert refusal.for_any
    assert "may have 2 addresses (maxAddresses)" in refusal.why
    assert Rules().full(10_000) is None


def test_each_is_explained() -> None:
    assert "any tag key may be a pool" in Tenancy().explain()
    assert "tag keys game-pool, team-? may be a pool" in LISTED.explain()
    said = STRICT.explain()
    assert "what no rule allows is denied" in said
    assert f"the install {STRICT_MOST} addresses" in said
