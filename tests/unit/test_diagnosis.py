"""What `doctor` says of what it found."""

import pytest

from controller.core.diagnosis.account import Credentials, of_call, of_credentials, of_quota
from controller.core.diagnosis.finding import Check, Grade, lines
from controller.core.quota import AccountQuota
from state.errors import AccessDenied

ROLE = Credentials(source="container-role", temporary=True, renewable=True, expires_in_s=5 * 3600 + 720)
CASES = {
    "none": (Credentials(), Grade.BROKEN, "no AWS credentials were found"),
    "refused": (Credentials(trouble="no AWS credentials: AccessDenied"), Grade.BROKEN, "AccessDenied"),
    "for good": (Credentials(source="env"), Grade.FINE, "from env; they do not expire"),
    "given by hand": (Credentials(source="env", temporary=True), Grade.WARNING, "nothing renews them"),
    "of a role": (ROLE, Grade.FINE, "from container-role; they expire in 5 h 12 min, and are renewed"),
    "not renewed": (
        Credentials(source="iam-role", temporary=True, renewable=True, expires_in_s=299.0),
        Grade.WARNING,
        "they expire in 5 min",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_credentials_are_judged(name: str) -> None:
    seen, grade, words = CASES[name]
    finding = of_credentials(seen)
    assert finding.grade is grade
    assert words in finding.text


def test_who_has_no_credentials_reads_what_to_do() -> None:
    first, second, third = lines(of_credentials(Credentials()))
    assert first == "× credentials: no AWS credentials were found"
    assert second.startswith("    Give the ServiceAccount a role")
    assert third == "    docs/doctor.md#credentials"


@pytest.mark.parametrize(
    ("used", "grade", "words"),
    [
        (7, Grade.FINE, "7 of 10 addresses are used, 2 are kept for others: 1 left for auto"),
        (8, Grade.WARNING, "8 of 10 addresses are used, 2 are kept for others: none is left for auto"),
        (10, Grade.WARNING, "10 of 10 addresses are used, 2 are kept for others: none is left for auto"),
    ],
)
def test_the_quota_is_told_with_what_is_left_of_it(used: int, grade: Grade, words: str) -> None:
    finding = of_quota(AccountQuota(used=used, allowed=10, kept=2))
    assert (finding.grade, finding.text) == (grade, words)
    assert ("--keep-quota" in finding.advice) is (grade is Grade.WARNING)


def test_a_quota_that_nobody_keeps_is_no_fault_where_ec2_does_not_say_it() -> None:
    assert of_quota(AccountQuota(used=1, allowed=None, kept=0)).grade is Grade.NOT_LOOKED_AT
    full = of_quota(AccountQuota(used=5, allowed=5, kept=0))
    assert (full.grade, full.text) == (
        Grade.WARNING,
        "5 of 5 addresses are used, 0 are kept for others: none is left for auto",
    )


def test_a_quota_that_cannot_be_read_is_a_warning_and_names_what_is_missing() -> None:
    unknown = AccountQuota(used=7, allowed=None, kept=2)
    assert "EC2 does not say" in of_quota(unknown).text
    found = of_quota(unknown, AccessDenied("denied", code="UnauthorizedOperation", advice="Add it"))
    assert (found.grade, found.text) == (Grade.WARNING, "UnauthorizedOperation: denied")
    assert found.advice == "Add it. Until the quota can be read, auto allocates without regard to --keep-quota"


def test_the_code_and_the_advice_of_aws_are_told() -> None:
    error = AccessDenied(
        "not authorized to perform ec2:DescribeAddresses", code="UnauthorizedOperation", advice="Allow"
    )
    assert list(lines(of_call(Check.EC2, "", error))) == [
        "× ec2: UnauthorizedOperation: not authorized to perform ec2:DescribeAddresses",
        "    Allow",
        "    docs/doctor.md#ec2",
    ]
    assert list(lines(of_call(Check.EC2, "answers"))) == ["√ ec2: answers"]
