"""What IAM's simulator says counts where it says it, and its silence does not."""

import pytest

from controller.core.simulation import Decision
from controller.engine.simulated_rights import SimulatedRights
from state.errors import AccessDenied, NoCredentials, PodEipError, Throttled, Unavailable
from tests.unit.engine_harness import HandClock

ARN = "arn:aws-cn:iam::111122223333:role/eip"


class Scene:
    """A simulator that says `says`, or fails with it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.says: str | PodEipError = "allowed"
        self.missing: tuple[str, ...] = ()
        self.asked = 0
        self.rights = SimulatedRights(self._decide, self.clock)

    def _decide(self) -> tuple[str, list[Decision]]:
        self.asked += 1
        if isinstance(self.says, PodEipError):
            raise self.says
        names = ("ec2:AssociateAddress", "ec2:ReleaseAddress")
        return ARN, [Decision(action=name, decision=self.says, missing=self.missing) for name in names]


def test_a_denial_names_each_action_and_the_file() -> None:
    scene = Scene()
    scene.says = "implicitDeny"
    with pytest.raises(AccessDenied) as raised:
        scene.rights.check()
    told = raised.value.explain()
    said = "implicitDeny: IAM's simulator says that the controller's role is not authorized to perform: ec2:Associate"
    assert told.startswith(said)
    advice = (
        "Add ec2:AssociateAddress",
        "deploy/iam/aws-cn/install.json",
        "take iam:SimulatePrincipalPolicy from the role",
    )
    for part in ("ec2:ReleaseAddress", *advice):
        assert part in told


MAY_NOT = AccessDenied("not authorized to perform: iam:SimulatePrincipalPolicy", code="AccessDenied")


@pytest.mark.parametrize(("silence", "seconds"), [(MAY_NOT, 3600), (Unavailable("gone"), 60), (Throttled("x"), 60)])
def test_who_cannot_be_asked_denies_nothing_and_is_left_alone_for_a_while(
    silence: PodEipError, seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    scene = Scene()
    for round_ in (1, 2):
        scene.says = silence
        for _ in range(3):
            scene.rights.check()
        assert scene.asked == round_
        scene.clock.now += seconds
    assert [record.getMessage().partition(":")[0] for record in caplog.records] == [
        "IAM's simulator cannot be asked what the role may do"
    ]
    scene.says = "implicitDeny"
    with pytest.raises(AccessDenied):
        scene.rights.check()


def test_credentials_that_come_late_are_waited_for() -> None:
    scene = Scene()
    scene.says = NoCredentials("not yet")
    for _ in range(2):
        with pytest.raises(NoCredentials):
            scene.rights.check()
    scene.says = "implicitDeny"
    with pytest.raises(AccessDenied) as raised:
        scene.rights.check()
    assert not isinstance(raised.value, NoCredentials)


@pytest.mark.parametrize("error", [Unavailable("gone"), Throttled("x"), NoCredentials("expired")])
def test_a_denial_stays_until_the_simulator_answers_again(error: PodEipError) -> None:
    scene = Scene()
    scene.says = "implicitDeny"
    with pytest.raises(AccessDenied):
        scene.rights.check()
    scene.says = error
    with pytest.raises(type(error)):  # which leaves the readiness as it is
        scene.rights.check()
    scene.says = "allowed"
    scene.rights.check()


def test_a_denial_goes_with_the_right_to_ask() -> None:
    scene = Scene()
    scene.says = "implicitDeny"
    with pytest.raises(AccessDenied):
        scene.rights.check()
    scene.says = MAY_NOT
    scene.rights.check()


def test_a_denial_that_is_not_certain_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    scene = Scene()
    scene.says, scene.missing = "implicitDeny", ("aws:SourceVpc",)
    for _ in range(3):
        scene.rights.check()
    [line] = [record.getMessage() for record in caplog.records]
    assert "implicitDeny of ec2:AssociateAddress, but does not know aws:SourceVpc" in line


def test_what_is_allowed_passes() -> None:
    scene = Scene()
    scene.rights.check()
    assert scene.asked == 1
