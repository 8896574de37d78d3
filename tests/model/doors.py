"""The engine of a leader in the plan's model: the product's own, before the doors of the stage.

The doors look at whatever world is on the stage, so all copies of a leader share them.
"""

from controller.core import tenancy
from controller.core.situation import Facts
from controller.core.tracing import NoTracing
from controller.core.views import Term
from controller.engine.tuning import Ports, Tuning
from state.model import ClusterUid
from tests.model.account import HOME
from tests.model.stage import Stage, StageEc2, StageLedger, install_in
from tests.model.stage_pods import Silence, StagePods

CONSISTENCY_S = 60.0
RESYNC_S = 300.0
POLL_S = 15.0
SILENCE_S = 3600.0


class StageLeadership:
    """Terms are opened by decree, and end when the leader is told of a newer epoch."""

    closing = False

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self._name = stage, name

    @property
    def term(self) -> Term | None:
        """The leader's."""
        leader = self._stage.world.leaders[self._name]
        return None if leader.over else Term(identity=self._name, epoch=leader.epoch, since="")


class StageTokens:
    """EC2's tokens: there is always one, but where the stage says that there is none."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def take(self, operation: str, spare: int = 0, *, probes: bool = True) -> object:
        """A grant, or a second."""
        return 1.0 if self._stage.tokenless else operation

    def sends(self, operation: str, grant: object) -> None:
        """Nobody counts them."""

    def settle(self, operation: str, grant: object, *, throttled: bool) -> None:
        """Nobody counts them."""

    def cancel(self, operation: str, grant: object) -> None:
        """Nobody counts them."""

    def give_back(self, operation: str, grant: object) -> None:
        """Nobody counts them."""


def ports_of(stage: Stage, name: str, cluster: ClusterUid) -> Ports:
    """What the leader of this name sees of the world."""
    return Ports(
        pods=StagePods(stage, name, cluster),
        ledger=StageLedger(stage, name),
        ec2=StageEc2(stage, name),
        tokens=StageTokens(stage),
        events=Silence(),
        tracing=NoTracing(),
        leadership=StageLeadership(stage, name),
        rules=tenancy.Rules,
        clock=stage.clock,
        chance=lambda: 1.0,
    )


def tuning_of(cluster: ClusterUid) -> Tuning:
    """How a leader of this cluster works."""
    return Tuning(
        facts=Facts(install=install_in(cluster), cluster_name=cluster, home_border_group=HOME),
        threads=1,
        consistency_s=CONSISTENCY_S,
        poll_interval_s=POLL_S,
        resync_s=RESYNC_S,
        silence_s=SILENCE_S,
    )
