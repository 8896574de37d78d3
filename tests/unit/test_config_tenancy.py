"""The settings of tenancy: which keys may be pools, and one of two words."""

import pytest

from controller.core.config import parse
from tests.unit.test_config import NAMED, faults


@pytest.mark.parametrize(
    ("raw", "globs"),
    [
        ("", None),
        ("[]", None),
        ("game-pool", ("game-pool",)),
        ("game-pool, team-*,", ("game-pool", "team-*")),
        ('[ "a", "b" ]', ("a", "b")),
        ('["game[[]eu]#1,2", "b"]', ("game[[]eu]#1,2", "b")),
        ("[ab]*", ("[ab]*",)),
    ],
)
def test_the_keys_that_may_be_pools(raw: str, globs: tuple[str, ...] | None) -> None:
    assert parse(NAMED | {"pool_keys": raw}, {}).pool_keys == globs


@pytest.mark.parametrize("raw", ['["a"', '["a", 7]'])
def test_keys_that_are_no_list_end_the_start(raw: str) -> None:
    [fault] = faults(NAMED | {"pool_keys": raw})
    assert fault.startswith("--pool-keys (PEC_POOL_KEYS)")


def test_what_is_kept_of_the_quota_is_a_number_and_none_by_default() -> None:
    assert parse(NAMED, {}).keep_quota == 0
    assert parse(NAMED, {"PEC_KEEP_QUOTA": "3"}).keep_quota == 3
    for raw in ("-1", "1.5", "few", "100001"):
        [fault] = faults(NAMED | {"keep_quota": raw})
        assert fault.startswith("--keep-quota (PEC_KEEP_QUOTA)")


def test_tenancy_is_one_of_two_words() -> None:
    assert parse(NAMED, {}).tenancy == "open"
    assert parse(NAMED | {"tenancy": "Strict"}, {}).tenancy == "strict"
    assert "is not open or strict" in faults(NAMED | {"tenancy": "closed"})[0]
