"""From a configuration to a running replica: what must be right from the start, and what may still come right.

It is imported in the server's worker alone, for it loads boto3, the Kubernetes client and PynamoDB.
"""

import logging
import os
import socket
import uuid
from pathlib import Path

from controller.assembly import CLOCK, Assembly
from controller.aws.metadata import discover_region, discover_vpc_id
from controller.core.config import Config
from controller.core.ports import Observer
from controller.engine.policy_file import PolicyFile
from controller.engine.replica import Replica
from controller.kube.connection import connect
from controller.surface import telemetry
from controller.surface.program import version
from state.errors import Misconfigured, PodEipError, TableMissing, TableNotUsable
from state.provision import check_table, create_table

log = logging.getLogger(__name__)

_NO_REGION = "--region (PEC_REGION) is not set, and neither the AWS settings nor instance metadata name one"
_NO_VPC = "--vpc-id (PEC_VPC_ID) is not set, and instance metadata cannot be reached"


def start(config: Config, observer: Observer) -> Replica:
    """Check what must be right from the start, then build the rest in the replica's own thread.

    Raises Misconfigured, TableMissing or TableNotUsable.
    """
    policies = PolicyFile(Path(config.policy) if config.policy else None)
    region, vpc_id = _place(config)
    identity = f"{socket.gethostname()}_{uuid.uuid4()}"
    _prepare_table(config, region)
    connection = connect(config.kubeconfig, version=version(), call_timeout_s=config.call_timeout, observer=observer)
    tracing = telemetry.start(os.environ, cluster=config.cluster_name, region=region, identity=identity)
    assembly = Assembly(config, observer, region, vpc_id, identity, connection, tracing, policies)
    return Replica(
        build=assembly.build,
        cluster=config.cluster_name,
        version=version(),
        hang_s=3 * config.renew_deadline,
        tracing=tracing,
        clock=CLOCK,
    )


def provision(config: Config) -> list[str]:
    """Make the table; the warnings, if any."""
    return list(create_table(config.table, region=region_of(config), call_timeout=config.call_timeout))


def region_of(config: Config) -> str:
    """The Region that is set or found; raises Misconfigured where there is none."""
    region = config.region or discover_region()
    if region is None:
        raise Misconfigured([_NO_REGION])
    return region


def _place(config: Config) -> tuple[str, str]:
    region, vpc_id = config.region or discover_region(), config.vpc_id or discover_vpc_id()
    faults = []
    if region is None:
        faults.append(_NO_REGION)
    if vpc_id is None:
        faults.append(_NO_VPC)
    if region is None or vpc_id is None:
        raise Misconfigured(faults)
    return region, vpc_id


def _prepare_table(config: Config, region: str) -> None:
    """A table that is missing or of another make is its operator's business; one out of reach may come back."""
    try:
        if config.create_table:
            for warning in create_table(config.table, region=region, call_timeout=config.call_timeout):
                log.warning("%s", warning)
        check_table(config.table, region=region, call_timeout=config.call_timeout)
    except (TableMissing, TableNotUsable):
        raise
    except PodEipError as error:
        log.warning("the table could not be looked at: %s", error.explain())
