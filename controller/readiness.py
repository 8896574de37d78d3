"""Puts together what a replica asks about its own rights; `assembly` makes everything else.

It is imported in the server's worker alone, for it loads boto3, the Kubernetes client and PynamoDB.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from controller.aws.adapter import Ec2Adapter
from controller.aws.simulator import RoleSimulator
from controller.clock import CLOCK
from controller.core.ability import is_refusal
from controller.core.allocation import rehearsal_tags
from controller.core.config import Config
from controller.core.ports import Events
from controller.engine.abilities import Abilities, Check
from controller.engine.credential_check import CredentialCheck
from controller.engine.recent_errors import RecentErrors
from controller.engine.serving_rights import RightForAuto, ServingRights
from controller.engine.simulated_rights import SimulatedRights
from controller.engine.unable import UnableTeller
from controller.kube.connection import Connection
from controller.kube.own_pod import own_pod
from controller.kube.pods import KubePods
from controller.kube.rights import KubeRights, rights_needed
from state.credentials import CredentialKeeper
from state.errors import Refused
from state.ledger import DynamoLedger
from state.model import InstallKey, Phase
from state.provision import check_table

ALLOCATION = "EC2 allocation"
"""Asked beforehand where the operator wants it, by a dry run."""
SIMULATED = "EC2 rights"
"""Asked beforehand where the operator wants it and IAM lets us, by IAM's simulator."""
CHANGES = "EC2 changes"
"""Learnt by doing: the first Pods show it."""
WRITING = "writing the table"
"""Learnt by doing: the first write of a term shows it."""


def abilities_of(
    config: Config,
    install: InstallKey,
    *,
    region: str,
    connection: Connection,
    ec2: Ec2Adapter,
    ledger: DynamoLedger,
    pods: KubePods,
    events: Events,
    errors: RecentErrors,
    leads: Callable[[], bool],
    keeper: CredentialKeeper,
) -> Abilities:
    """What asks, not started."""
    needed = rights_needed(config.watch_namespace or "", install.lease_namespace, install.lease_name)
    served = partial(_has_served, ledger)
    changes = ServingRights(served=served, leads=leads, hear=lambda error: abilities.heard(CHANGES, error), clock=CLOCK)
    checks: dict[str, Check] = {
        "AWS credentials": CredentialCheck(lambda: keeper.trouble, CLOCK).check,
        "Kubernetes": KubeRights(connection, needed).check,
        "EC2 addresses": ec2.rights.check_addresses,
        "EC2 network interfaces": ec2.rights.check_interfaces,
        "table": partial(_check_table, config, region, ledger),
        CHANGES: changes.check,
    }
    if config.require_allocation:
        checks |= _before_a_pod(config, install, region=region, ec2=ec2, keeper=keeper, served=served)
    teller = UnableTeller(events=events, pods=pods, own=own_pod(os.environ))
    abilities = Abilities(checks, errors, teller, told_by_pods={ALLOCATION, SIMULATED, CHANGES})
    ec2.on_mutation(changes.heard)
    keeper.on_found(abilities.ask_again)
    keeper.on_lost(abilities.ask_again)
    return abilities


def _before_a_pod(
    config: Config,
    install: InstallKey,
    *,
    region: str,
    ec2: Ec2Adapter,
    keeper: CredentialKeeper,
    served: Callable[[], bool],
) -> dict[str, Check]:
    """What mode `auto` needs of the role, as far as it can be asked before there is a Pod."""
    tags = rehearsal_tags(config.extra_tags or {}, config.cluster_name, install.cluster_uid)
    simulator = RoleSimulator(region=region, call_timeout_s=config.call_timeout, keeper=keeper)
    simulated = SimulatedRights(partial(simulator.decide, tags), CLOCK)
    return {
        ALLOCATION: RightForAuto(served=served, ask=partial(ec2.rights.check_allocation, tags)).check,
        SIMULATED: RightForAuto(served=served, ask=simulated.check).check,
    }


def _check_table(config: Config, region: str, ledger: DynamoLedger) -> None:
    """Read as a standby does; where that is refused for no reason of rights, look at the table's keys."""
    try:
        ledger.installs()
    except Refused as error:
        if not is_refusal(error):
            check_table(config.table, region=region, call_timeout=config.call_timeout)
        raise


def _has_served(ledger: DynamoLedger) -> bool:
    """Whether a Pod of this install has an address; raises Unavailable and others where the table does not say."""
    with suppress(Refused):  # the table's own check tells that
        ledger.follow()
    return any(record.phase is Phase.ASSOCIATED for record in ledger.pods().values())
