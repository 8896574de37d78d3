"""What `doctor` takes from IAM's simulator: answers to what nothing was there to try on, and nothing else."""

import pytest

from controller.core.diagnosis.finding import Grade
from controller.core.diagnosis.rights import Tried, of_right
from controller.core.simulation import Decision
from controller.doctor.simulation import filled
from state.errors import AccessDenied, PodEipError

ARN = "arn:aws:iam::111122223333:role/eip"
OPEN = Tried(action="ec2:ReleaseAddress", why_not="this cluster has allocated no address yet")
IN_USE = Tried(action="ec2:ReleaseAddress", code="InvalidIPAddress.InUse", message="in use")
CLOSED = [
    Tried(action="ec2:AssociateAddress", code="DryRunOperation"),
    Tried(action="ec2:DisassociateAddress", code="UnauthorizedOperation", message="no"),
    Tried(action="ec2:AllocateAddress", why_not="the cluster's UID is not known"),
    Tried(action="dynamodb:PutItem", why_not="x"),
]


def found(tried: Tried, says: Decision | PodEipError | None) -> Tried:
    """The answer after the simulator was asked."""

    def decide() -> tuple[str, list[Decision]]:
        if isinstance(says, PodEipError):
            raise says
        return ARN, [says] if says else []

    [one] = filled([tried], decide)
    return one


def decision(word: str, *missing: str, others: bool = True) -> Decision:
    """About ReleaseAddress."""
    return Decision(action="ec2:ReleaseAddress", decision=word, missing=missing, others=others)


@pytest.mark.parametrize("tried", CLOSED)
def test_what_was_answered_or_is_not_its_affair_is_not_asked(tried: Tried) -> None:
    assert found(tried, AccessDenied("never asked")) is tried


@pytest.mark.parametrize("tried", [OPEN, IN_USE])
def test_what_it_allows_is_fine(tried: Tried) -> None:
    told = of_right(found(tried, decision("allowed")))
    assert (told.grade, told.text) == (
        Grade.FINE,
        "ec2:ReleaseAddress is allowed on an address of mode auto, says IAM's simulator",
    )


@pytest.mark.parametrize(("required", "grade"), [(False, Grade.WARNING), (True, Grade.BROKEN)])
def test_what_it_denies_is_as_serious_as_mode_auto_is_needed(required: bool, grade: Grade) -> None:
    told = of_right(found(OPEN, decision("implicitDeny")), auto_required=required)
    assert told.grade is grade
    assert "mode auto cannot work, the others can" in told.text
    assert told.advice.startswith("Add ec2:ReleaseAddress to the IAM policy of the controller's role, as in deploy/iam")


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (decision("implicitDeny", "aws:SourceVpc"), "says implicitDeny, but does not know aws:SourceVpc"),
        (decision("allowed", "aws:SourceVpc"), "says allowed, but does not know aws:SourceVpc"),
        (
            decision("implicitDeny", others=False),
            "the organization's policies and the permissions boundary as they are",
        ),
        (AccessDenied("no", code="AccessDenied"), "cannot be asked (AccessDenied)"),
    ],
)
def test_where_it_is_not_certain_the_right_is_not_looked_at(says: Decision | PodEipError, words: str) -> None:
    for tried, why in ((OPEN, OPEN.why_not), (IN_USE, "AWS answered InvalidIPAddress.InUse")):
        told = of_right(found(tried, says))
        assert told.grade is Grade.NOT_LOOKED_AT
        assert why in told.text
        assert told.text.endswith(words)


def test_what_it_says_nothing_of_stays_as_it_is() -> None:
    assert found(OPEN, None) is OPEN
