"""What of the account's quota `auto` may use, and how EC2's answer about it is read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.loaders import Loader
from hypothesis import given
from hypothesis import strategies as st

from controller.aws.addresses import QUOTA_ATTRIBUTE, quota_of
from controller.core.actions import Allocate, Intend, Wait
from controller.core.quota import NEAR, AccountQuota, counts, used
from controller.core.takes import draws
from controller.core.tenancy import Tenancy, tenancy_of
from controller.core.views import Address, AllocationRequest
from state.model import AllocationId, Mode

SMALL = st.integers(min_value=0, max_value=60)


def quota(used: int, allowed: int | None = 10, kept: int = 3) -> AccountQuota:
    """Ten addresses, of which three are kept."""
    return AccountQuota(used=used, allowed=allowed, kept=kept)


@given(used=SMALL, allowed=SMALL, kept=SMALL, coming=SMALL)
def test_whoever_may_allocate_leaves_what_is_kept(used: int, allowed: int, kept: int, coming: int) -> None:
    refused = quota(used, allowed, kept).no_room(coming)
    assert (refused is None) == (used + coming + 1 <= allowed - kept)


@given(used=SMALL, kept=SMALL, coming=SMALL)
def test_nobody_is_held_back_for_a_quota_that_nobody_knows(used: int, kept: int, coming: int) -> None:
    unknown = quota(used, None, kept)
    assert unknown.no_room(coming) is None
    assert unknown.room is None
    assert not unknown.near


def test_what_is_used_up_is_told_and_what_is_on_its_way_is_not() -> None:
    full, busy = quota(used=7).no_room(0), quota(used=5).no_room(2)
    assert full is not None
    assert busy is not None
    assert (full.soon, busy.soon) == (False, True)
    assert "may have 10 addresses in this Region, of which 3 are kept for others (keepQuota)" in full.why


def test_the_words_do_not_change_with_each_address() -> None:
    assert quota(used=7).no_room(0) == quota(used=9).no_room(0)


@pytest.mark.parametrize(("left", "near"), [(NEAR, False), (NEAR - 1, True), (0, True), (-2, True)])
def test_near_is_less_than_ten_left(left: int, near: bool) -> None:
    assert quota(used=97 - left, allowed=100).near is near


def address(pool: str) -> Address:
    """An address from this public pool."""
    return Address(allocation_id=AllocationId("eipalloc-1"), public_ip="", border_group="", public_ipv4_pool=pool)


def test_a_pool_of_ones_own_draws_on_nothing() -> None:
    pools = ("amazon", "", "ipv4pool-ec2-1")
    assert [counts(pool) for pool in pools] == [True, True, False]
    assert used(map(address, pools)) == 2
    request = AllocationRequest(public_ipv4_pool="amazon", tags={})
    intent, own = Intend(mode=Mode.AUTO, pool="amazon"), replace(request, public_ipv4_pool="ipv4pool-ec2-1")
    assert draws((intent, Allocate(request=request)))
    assert not draws((intent, Allocate(request=own)))
    assert not draws((Wait(reason="quota"),))  # type: ignore[arg-type]


def attribute(name: str, *values: str) -> Mapping[str, Any]:
    """One attribute of the answer, as botocore reads it."""
    return {"AttributeName": name, "AttributeValues": [{"AttributeValue": value} for value in values]}


@pytest.mark.parametrize(
    ("attributes", "quota"),
    [
        ([], None),
        ([attribute("max-elastic-ips", "9"), attribute("vpc-max-elastic-ips", "5")], 5),
        ([attribute("vpc-max-elastic-ips", "0")], 0),
        ([attribute("max-elastic-ips", "9")], None),
        ([attribute("vpc-max-elastic-ips")], None),
        ([attribute("vpc-max-elastic-ips", "5", "6")], None),
        ([attribute("vpc-max-elastic-ips", "many")], None),
        ([attribute("vpc-max-elastic-ips", "-1")], None),
        ([attribute("vpc-max-elastic-ips", "²")], None),
        ([{"AttributeName": "vpc-max-elastic-ips"}, {}], None),
        ([{"AttributeName": "vpc-max-elastic-ips", "AttributeValues": [{}]}], None),
    ],
)
def test_what_is_no_number_is_not_known(attributes: Sequence[Mapping[str, Any]], quota: int | None) -> None:
    assert quota_of(attributes) == quota


def test_the_attribute_is_the_one_that_the_api_reference_has() -> None:
    """Not by our word, nor the sandbox's: by the text of the reference that botocore carries."""
    model = Loader().load_service_model("ec2", "service-2")
    text = model["operations"]["DescribeAccountAttributes"]["documentation"]
    assert f"<code>{QUOTA_ATTRIBUTE}</code>: The maximum number of Elastic IP addresses that you can allocate" in text


def test_what_is_kept_is_a_part_of_what_tenants_may_do() -> None:
    assert Tenancy().kept == 0
    assert "quota" not in Tenancy().explain()
    assert (
        "auto leaves 3 of the account's quota for others"
        in tenancy_of(strict=True, pool_keys=(), most=None, kept=3).explain()
    )
