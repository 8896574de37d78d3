"""The engine of a leader in the plan's model: the product's own, before the doors of the stage.

The doors look at whatever world is on the stage, so one engine does for all copies of its leader.
"""

from controller.core import tenancy
from controller.core.situation import Facts
from controller.core.tracing import NoTracing
from controller.engine.engine import Engine
from controller.engine.leadership import Leadership
from controller.engine.tuning import Ports, Tuning
from state.model import ClusterUid, InstallKey
from tests.fakes.tokens import FreeTokens
from tests.model.account import HOME
from tests.model.stage import Stage, StageEc2, StageLedger
from tests.model.stage_pods import Silence, StagePods

CONSISTENCY_S = 60.0
RESYNC_S = 300.0
POLL_S = 15.0
SILENCE_S = 3600.0


def engine_of(stage: Stage, name: str, cluster: ClusterUid) -> Engine:
    """The engine of the leader of this name. Its loop is never started: the explorer moves the parts of its term."""
    return Engine(_ports(stage, name, cluster), _tuning(cluster))


def _ports(stage: Stage, name: str, cluster: ClusterUid) -> Ports:
    return Ports(
        pods=StagePods(stage, name, cluster),
        ledger=StageLedger(stage, name),
        ec2=StageEc2(stage, name),
        tokens=FreeTokens(),
        events=Silence(),
        tracing=NoTracing(),
        leadership=Leadership(stage.clock, 0.0),  # its terms are opened by decree
        rules=tenancy.Rules,
        clock=stage.clock,
    )


def install_in(cluster: ClusterUid) -> InstallKey:
    """The one install of a cluster."""
    return InstallKey(cluster_uid=cluster, lease_namespace="ns", lease_name="lease")


def _tuning(cluster: ClusterUid) -> Tuning:
    return Tuning(
        facts=Facts(install=install_in(cluster), cluster_name=cluster, home_border_group=HOME),
        threads=1,
        consistency_s=CONSISTENCY_S,
        poll_interval_s=POLL_S,
        resync_s=RESYNC_S,
        silence_s=SILENCE_S,
    )
