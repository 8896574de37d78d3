"""From a configuration to a running replica: what must be right from the start, and what may still come right.

It is imported in the server's worker alone, for it loads boto3, the Kubernetes client and PynamoDB.
"""

import logging
import os
import socket
import threading
import uuid

from controller.assembly import Assembly
from controller.aws.metadata import (
    discover_region,
    discover_vpc_id,
    instance_attributes,
    is_promised,
    is_switched_off,
)
from controller.clock import CLOCK
from controller.core.config import Config
from controller.core.tracing import NoTracing, Tracing
from controller.engine.policy_file import PolicyFile, policies_of
from controller.engine.replica import Parts, Replica
from controller.kube.connection import Connection, connect
from controller.surface import telemetry
from controller.surface.metrics import Metrics
from controller.surface.program import version
from state.credentials import CredentialKeeper
from state.errors import Misconfigured, PodEipError, TableMissing, TableNotUsable, Unavailable
from state.provision import check_table, create_table

log = logging.getLogger(__name__)

METADATA_WAIT_S = 10.0
"""Instance metadata may come up seconds after the Pod; where it does not, a setting is missing."""
METADATA_PAUSE_S = 1.0
_NO_REGION = "--region (PEC_REGION) is not set, and neither the AWS settings nor instance metadata name one"
_NO_VPC = "--vpc-id (PEC_VPC_ID) is not set, and instance metadata cannot be reached"


def start(config: Config, metrics: Metrics) -> Replica:
    """Check what must be right from the start, then build the rest in the replica's own thread.

    Raises Misconfigured.
    """
    telemetry.check(os.environ)
    policies = policies_of(config)
    log.info("%s", policies.rules().tenancy.explain())
    connection = connect(config.kubeconfig, version=version(), call_timeout_s=config.call_timeout, telemetry=metrics)
    builder = Builder(config, metrics, connection, policies)
    if not is_promised(os.environ):
        builder.prepare(patience_s=METADATA_WAIT_S)
    return Replica(
        build=builder.build,
        cluster=config.cluster_name,
        version=version(),
        hang_s=3 * config.renew_deadline,
        ended=builder.shutdown,
        clock=CLOCK,
    )


class Builder:
    """Makes a replica's parts once it is known where we are; what is found out is kept for the next try."""

    def __init__(self, config: Config, telemetry: Metrics, connection: Connection, policies: PolicyFile) -> None:
        self._config, self._telemetry, self._connection, self._policies = config, telemetry, connection, policies
        self._keeper = CredentialKeeper(patience_s=config.call_timeout)
        self._tracing: Tracing = NoTracing()
        self._assembly: Assembly | None = None

    def prepare(self, *, patience_s: float) -> None:
        """Find the place, look at the table, connect the parts. Raises Misconfigured where nobody names the place.

        Where instance metadata was promised by the environment, Unavailable: it is asked again, for ever.
        """
        self._keeper.start()
        config, identity = self._config, f"{os.environ.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4()}"
        region, vpc_id = _place(config, patience_s)
        _prepare_table(config, region)
        if not self._tracing.on:  # this may be another try
            self._start_tracing(region, identity)
        self._assembly = Assembly(
            config,
            self._telemetry,
            region,
            vpc_id,
            identity,
            self._connection,
            self._tracing,
            self._policies,
            self._keeper,
        )

    def _start_tracing(self, region: str, identity: str) -> None:
        self._tracing = telemetry.start(
            os.environ,
            cluster=self._config.cluster_name,
            region=region,
            identity=identity,
            keeper=self._keeper,
            counted=self._telemetry,
            place=instance_attributes() if telemetry.wanted(os.environ) else {},
            all_calls=self._config.trace_all_calls,
        )
        if self._tracing.on:
            self._connection.observe(self._tracing.called)

    def build(self) -> Parts:
        """Build and start; may be called again where it raises."""
        if self._assembly is None:
            self.prepare(patience_s=0.0)
        assert self._assembly is not None
        return self._assembly.build()

    def shutdown(self) -> None:
        """Send the traces that have gathered."""
        self._tracing.shutdown()


def provision(config: Config) -> list[str]:
    """Make the table; the warnings, if any."""
    return list(create_table(config.table, region=region_of(config), call_timeout=config.call_timeout))


def region_of(config: Config) -> str:
    """The Region that is set or found; raises Misconfigured where there is none."""
    region = config.region or discover_region()
    if region is None:
        raise Misconfigured([_NO_REGION])
    return region


def _place(config: Config, patience_s: float) -> tuple[str, str]:
    """Region and VPC; what is not set is asked of instance metadata, again and again for so long."""
    until = CLOCK() + patience_s
    while True:
        region, vpc_id = config.region or discover_region(), config.vpc_id or discover_vpc_id()
        if region is not None and vpc_id is not None:
            return region, vpc_id
        faults = [*([_NO_REGION] if region is None else []), *([_NO_VPC] if vpc_id is None else [])]
        if is_promised(os.environ):
            raise Unavailable("; ".join(faults), code="MetadataUnreachable")
        if is_switched_off(os.environ) or CLOCK() >= until:
            raise Misconfigured(faults)
        log.warning("cannot start yet: %s", "; ".join(faults))
        threading.Event().wait(METADATA_PAUSE_S)


def _prepare_table(config: Config, region: str) -> None:
    """Make it where that is asked for. A table that is missing or of another make keeps this replica from being ready
    (`engine/abilities`): it goes on once somebody has made one. One out of reach may come back.
    """
    try:
        if config.create_table:
            for warning in create_table(config.table, region=region, call_timeout=config.call_timeout):
                log.warning("%s", warning)
        check_table(config.table, region=region, call_timeout=config.call_timeout)
    except (TableMissing, TableNotUsable) as error:
        log.error("the table cannot be used: %s", error.explain())
    except PodEipError as error:
        log.warning("the table could not be looked at: %s", error.explain())
