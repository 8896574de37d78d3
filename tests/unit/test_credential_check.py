"""No credentials: patience first, then a refusal like any other."""

import pytest

from controller.core.ability import Ability
from controller.engine.credential_check import PATIENCE_S, CredentialCheck
from state.errors import AccessDenied, NoCredentials, PodEipError
from tests.unit.engine_harness import HandClock


class Keeper:
    """What it says of its credentials."""

    def __init__(self) -> None:
        self.trouble = "no AWS credentials: AccessDenied"


def raised_by(check: CredentialCheck) -> PodEipError | None:
    """What it raises; None: it passes."""
    try:
        check.check()
    except PodEipError as error:
        return error
    return None


def test_credentials_that_do_not_come_are_a_refusal_in_the_end() -> None:
    clock, keeper = HandClock(), Keeper()
    check, ability = CredentialCheck(lambda: keeper.trouble, clock), Ability()
    first = raised_by(check)
    ability = ability.heard("AWS credentials", first)
    assert isinstance(first, NoCredentials)
    assert (ability.trouble, ability.doubtful) == ("", True), "it is asked again soon"
    clock.now += PATIENCE_S
    second = raised_by(check)
    ability = ability.heard("AWS credentials", second)
    assert type(second) is AccessDenied
    assert ability.trouble.startswith("AWS credentials: NoCredentials: no AWS credentials: AccessDenied. Check ")
    keeper.trouble = ""
    ability = ability.heard("AWS credentials", raised_by(check))
    assert (ability.trouble, ability.doubtful) == ("", False)
    keeper.trouble = "gone"
    assert isinstance(raised_by(check), NoCredentials), "the patience begins anew"


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_refusal_by_sts_is_counted_as_missing_credentials(code: str) -> None:
    """Not as a right that EC2 denies: another alert is for that."""
    assert NoCredentials("STS: not authorized", code=code).label({code}) == "NoCredentials"
    assert NoCredentials("expired", code="ExpiredToken").label({"ExpiredToken"}) == "ExpiredToken"
    assert AccessDenied("no", code=code).label({code}) == code
