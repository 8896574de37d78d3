"""A denied change is red only in an install that has served nobody yet, and not for ever."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from controller.engine.serving_rights import KEPT_S, RightForAuto, ServingRights
from state.errors import AccessDenied, NoCredentials, PodEipError, QuotaExceeded, Throttled, Unavailable
from tests.unit.engine_harness import HandClock

DENIED = AccessDenied("You are not authorized", code="UnauthorizedOperation")


@dataclass
class Known:
    """What the install has done, and what was heard."""

    clock: HandClock = field(default_factory=HandClock)
    served: bool = False
    leads: bool = True
    heard: list[PodEipError | None] = field(default_factory=list)

    def rights(self) -> ServingRights:
        """Those of one replica."""
        return self.of(lambda: self.served)

    def of(self, served: Callable[[], bool]) -> ServingRights:
        """Those of one replica, that asks so whether anybody was served."""
        return ServingRights(served=served, leads=lambda: self.leads, hear=self.heard.append, clock=self.clock)


def fails(rights: ServingRights) -> bool:
    """Whether the check does not pass."""
    try:
        rights.check()
    except AccessDenied:
        return True
    return False


@pytest.mark.parametrize("operation", ["AllocateAddress", "AssociateAddress", "DisassociateAddress", "ReleaseAddress"])
def test_who_is_denied_before_anybody_was_served_is_not_able(operation: str) -> None:
    known = Known()
    rights = known.rights()
    rights.heard(operation, DENIED)
    assert known.heard == [DENIED]
    assert fails(rights)


def test_the_first_pod_that_is_served_proves_it_for_good() -> None:
    known = Known()
    rights = known.rights()
    rights.heard("AssociateAddress", DENIED)
    rights.heard("AllocateAddress", None)
    assert fails(rights), "an address alone serves nobody"
    rights.heard("AssociateAddress", None)
    assert known.heard == [DENIED, None]
    rights.heard("AllocateAddress", DENIED)
    assert not fails(rights)
    assert known.heard == [DENIED, None]


def test_a_pod_that_is_served_while_another_is_denied_proves_it() -> None:
    known = Known()

    def served() -> bool:
        rights.heard("AssociateAddress", None)
        return False

    rights = known.of(served)
    rights.heard("AllocateAddress", DENIED)
    assert not fails(rights)
    assert known.heard == []


def test_an_install_that_has_served_somebody_before_is_not_red_for_one_pod() -> None:
    known = Known(served=True)
    rights = known.rights()
    rights.heard("AllocateAddress", DENIED)
    assert not fails(rights)
    assert known.heard == []


def test_a_replica_that_leads_no_more_is_not_red_for_it() -> None:
    known = Known()
    rights = known.rights()
    rights.heard("AllocateAddress", DENIED)
    known.leads = False
    assert not fails(rights)


def test_a_denial_that_does_not_come_again_is_over() -> None:
    known = Known()
    rights = known.rights()
    rights.heard("AllocateAddress", DENIED)
    known.clock.now += KEPT_S - 1
    assert fails(rights)
    known.clock.now += 2
    assert not fails(rights)


@pytest.mark.parametrize(
    "error", [Unavailable("x"), Throttled("x"), QuotaExceeded("x"), NoCredentials("x")], ids=lambda e: type(e).__name__
)
def test_what_says_nothing_of_rights_changes_nothing(error: PodEipError) -> None:
    known = Known()
    rights = known.rights()
    rights.heard("AllocateAddress", error)
    assert not fails(rights)
    assert known.heard == []


@dataclass
class Asked:
    """What EC2 answers to the dry run, and how often it was asked."""

    served: bool = False
    error: PodEipError | None = None
    times: int = 0

    def right(self) -> RightForAuto:
        """One replica's."""
        return RightForAuto(served=lambda: self.served, ask=self.ask)

    def ask(self) -> None:
        """As EC2 would."""
        self.times += 1
        if self.error is not None:
            raise self.error


def test_a_denied_allocation_says_what_to_do_where_pods_use_pools_alone() -> None:
    asked = Asked(error=AccessDenied("no", code="UnauthorizedOperation", advice="Add ec2:AllocateAddress."))
    with pytest.raises(AccessDenied) as raised:
        asked.right().check()
    assert raised.value.explain() == (
        "UnauthorizedOperation: no. Add ec2:AllocateAddress. Where Pods use pools alone, set "
        "--require-allocation=false (requireAllocation in the chart)"
    )


def test_an_install_that_has_served_somebody_is_not_asked_again() -> None:
    asked = Asked(error=DENIED)
    right = asked.right()
    with pytest.raises(AccessDenied):
        right.check()
    asked.served = True
    right.check()
    asked.served = False
    right.check()
    assert asked.times == 1


@pytest.mark.parametrize("error", [Unavailable("x"), Throttled("x"), QuotaExceeded("x"), NoCredentials("x")])
def test_what_says_nothing_of_the_right_is_passed_on(error: PodEipError) -> None:
    with pytest.raises(type(error)) as raised:
        Asked(error=error).right().check()
    assert raised.value is error
