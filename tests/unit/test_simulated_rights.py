"""What IAM's simulator says counts where it says it, and its silence does not."""

import pytest

from controller.core.simulation import Decision
from controller.engine.simulated_rights import SILENT_S, SimulatedRights
from state.errors import AccessDenied, PodEipError, Unavailable
from tests.unit.engine_harness import HandClock

ARN = "arn:aws-cn:iam::111122223333:role/eip"


class Scene:
    """A simulator that says `says`, or fails with it."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.says: str | PodEipError = "allowed"
        self.asked = 0
        self.rights = SimulatedRights(self._decide, self.clock)

    def _decide(self) -> tuple[str, list[Decision]]:
        self.asked += 1
        if isinstance(self.says, PodEipError):
            raise self.says
        names = ("ec2:AssociateAddress", "ec2:ReleaseAddress")
        return ARN, [Decision(action=name, decision=self.says) for name in names]


def test_a_denial_names_each_action_and_the_file() -> None:
    scene = Scene()
    scene.says = "implicitDeny"
    with pytest.raises(AccessDenied) as raised:
        scene.rights.check()
    told = raised.value.explain()
    assert told.startswith(f"implicitDeny: IAM's simulator says that {ARN} is not authorized to perform: ec2:Associate")
    for part in ("ec2:ReleaseAddress", "Add ec2:AssociateAddress", "deploy/iam/aws-cn/install.json"):
        assert part in told


@pytest.mark.parametrize(
    "silence",
    [AccessDenied("not authorized to perform: iam:SimulatePrincipalPolicy", code="AccessDenied"), Unavailable("gone")],
)
def test_who_cannot_be_asked_denies_nothing_and_is_left_alone(silence: PodEipError) -> None:
    scene = Scene()
    scene.says = silence
    for _ in range(3):
        scene.rights.check()
    assert scene.asked == 1
    scene.clock.now += SILENT_S
    scene.says = "implicitDeny"
    with pytest.raises(AccessDenied):
        scene.rights.check()


def test_a_denial_stays_where_the_simulator_is_gone_and_goes_with_the_right_to_ask() -> None:
    scene = Scene()
    scene.says = "implicitDeny"
    with pytest.raises(AccessDenied):
        scene.rights.check()
    scene.says = Unavailable("gone")
    with pytest.raises(Unavailable):  # which leaves the readiness as it is
        scene.rights.check()
    scene.says = AccessDenied("not authorized to perform: iam:SimulatePrincipalPolicy", code="AccessDenied")
    scene.rights.check()


def test_what_is_allowed_passes() -> None:
    scene = Scene()
    scene.rights.check()
    assert scene.asked == 1
