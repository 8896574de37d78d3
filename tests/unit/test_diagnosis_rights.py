"""What `doctor` says of rights and of the table, from the answers of AWS."""

from typing import Any

import pytest

from controller.core.diagnosis.account import Endpoint, of_clock, of_endpoint, of_xray
from controller.core.diagnosis.finding import Check, Finding, Grade
from controller.core.diagnosis.rights import Tried, blamed, of_right
from controller.core.diagnosis.table import of_description, of_recovery

TAGS = (
    "You are not authorized to perform this operation. User: arn:aws:sts::111122223333:assumed-role/eip/i is not "
    "authorized to perform: ec2:CreateTags on resource: arn:aws:ec2:us-west-2:111122223333:elastic-ip/*"
)


@pytest.mark.parametrize(
    ("action", "code", "grade", "words"),
    [
        ("ec2:AssociateAddress", "DryRunOperation", Grade.FINE, "ec2:AssociateAddress is allowed"),
        ("ec2:AssociateAddress", "UnauthorizedOperation", Grade.BROKEN, "ec2:AssociateAddress is denied (no)"),
        ("ec2:AllocateAddress", "UnauthorizedOperation", Grade.WARNING, "is denied: mode auto cannot work, the others"),
        ("ec2:ReleaseAddress", "UnauthorizedOperation", Grade.WARNING, "mode auto cannot work"),
        ("ec2:AssociateAddress", "InvalidAllocationID.NotFound", Grade.NOT_LOOKED_AT, "before it told whether"),
        ("dynamodb:PutItem", "ConditionalCheckFailed", Grade.FINE, "dynamodb:PutItem is allowed"),
        ("dynamodb:PutItem", "AccessDeniedException", Grade.BROKEN, "dynamodb:PutItem is denied"),
        ("dynamodb:Query", "", Grade.FINE, "dynamodb:Query is allowed"),
        ("dynamodb:Query", "ThrottlingException", Grade.NOT_LOOKED_AT, "AWS answered ThrottlingException"),
    ],
)
def test_a_right_is_judged_by_the_code_of_the_answer(action: str, code: str, grade: Grade, words: str) -> None:
    found = of_right(Tried(action=action, code=code, message="no", advice="add it"))
    assert (found.check, found.grade) == (Check.RIGHTS, grade)
    assert words in found.text
    assert found.advice == ("add it" if grade > Grade.FINE else "")


def test_where_auto_has_to_work_a_denied_allocation_is_no_mere_warning() -> None:
    denied = Tried(action="ec2:AllocateAddress", code="UnauthorizedOperation", message="no")
    assert of_right(denied, auto_required=True).grade is Grade.BROKEN


def test_what_could_not_be_tried_is_no_fault() -> None:
    found = of_right(Tried(action="ec2:ReleaseAddress", why_not="no address yet"))
    assert (found.grade, found.text) == (Grade.NOT_LOOKED_AT, "not looked at: ec2:ReleaseAddress: no address yet")


def test_a_denied_part_of_a_call_is_named_and_the_call_itself_is_not_blamed() -> None:
    parts = {"ec2:CreateTags": "ec2:CreateTags"}
    tried = Tried(action="ec2:AllocateAddress", code="UnauthorizedOperation", message=TAGS)
    own, tags = map(of_right, blamed(tried, parts))
    assert (own.grade, tags.grade) == (Grade.NOT_LOOKED_AT, Grade.WARNING)
    assert "ec2:CreateTags is denied" in tags.text
    own, tags = map(of_right, blamed(Tried(action="ec2:AllocateAddress", code="DryRunOperation"), parts))
    assert (own.grade, tags.grade) == (Grade.FINE, Grade.FINE)
    plain = Tried(action="ec2:AllocateAddress", code="UnauthorizedOperation", message="You are not authorized")
    own, tags = map(of_right, blamed(plain, parts))
    assert (own.grade, tags.grade) == (Grade.WARNING, Grade.NOT_LOOKED_AT)


def described(stand_in: bool = False, **description: Any) -> dict[Check, Finding]:
    """What is said of the table, by check."""
    return {found.check: found for found in of_description("t", description, stand_in=stand_in)}


def test_a_table_that_is_kept_well_is_fine() -> None:
    kept = described(BillingModeSummary={"BillingMode": "PAY_PER_REQUEST"}, DeletionProtectionEnabled=True)
    assert {found.grade for found in kept.values()} == {Grade.FINE}
    backups = {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "ENABLED"}}
    assert of_recovery("t", backups).grade is Grade.FINE


def test_a_table_that_can_be_lost_or_throttled_is_a_warning() -> None:
    found = described(ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 2})
    assert {each.grade for each in found.values()} == {Grade.WARNING}
    assert "(5 reads and 2 writes a second)" in found[Check.CAPACITY].text
    assert "--table-name t" in found[Check.PROTECTION].advice
    assert of_recovery("t", {}).grade is Grade.WARNING


def test_a_stand_in_is_asked_for_no_more_than_the_keys() -> None:
    assert {found.grade for found in described(stand_in=True).values()} == {Grade.NOT_LOOKED_AT}


@pytest.mark.parametrize(
    ("ahead", "grade", "words"),
    [
        (None, Grade.NOT_LOOKED_AT, "no answer"),
        (0.0, Grade.FINE, "agrees"),
        (29.0, Grade.FINE, "agrees"),
        (-45.0, Grade.WARNING, "45 s behind"),
        (200.0, Grade.WARNING, "200 s ahead of"),
        (-301.0, Grade.BROKEN, "AWS refuses signatures"),
    ],
)
def test_a_clock_that_is_off_is_told_before_signatures_are_refused(
    ahead: float | None, grade: Grade, words: str
) -> None:
    found = of_clock(ahead)
    assert found.grade is grade
    assert words in found.text


@pytest.mark.parametrize(
    ("answer", "grade"),
    [
        ({"Destination": "CloudWatchLogs", "Status": "ACTIVE"}, Grade.FINE),
        ({"Destination": "CloudWatchLogs", "Status": "PENDING"}, Grade.WARNING),
        ({"Destination": "XRay", "Status": "ACTIVE"}, Grade.WARNING),
        ({}, Grade.WARNING),
    ],
)
def test_x_ray_takes_traces_where_transaction_search_is_on(answer: dict[str, str], grade: Grade) -> None:
    assert of_xray(answer).grade is grade


def test_a_service_that_is_not_reached_says_what_the_vpc_has() -> None:
    down = Endpoint(service="dynamodb", host="dynamodb.us-west-2.amazonaws.com", trouble="timed out")
    assert of_endpoint(down).grade is Grade.BROKEN
    assert "needs an endpoint" in of_endpoint(down).advice
    assert "it has com.amazonaws.us-west-2.ec2" in of_endpoint(down, frozenset({"com.amazonaws.us-west-2.ec2"})).advice
    has = of_endpoint(down, frozenset({"com.amazonaws.us-west-2.dynamodb"}))
    assert "look at its security group" in has.advice
    up = of_endpoint(Endpoint(service="ec2", host="ec2.us-west-2.amazonaws.com", private=True))
    assert (up.grade, up.text.endswith("is reached through an endpoint of the VPC")) == (Grade.FINE, True)
