"""The boto3-family client for EC2, set up so that a mutation is sent once, in time, or not at all.

botocore's defaults are wrong for a leader: it retries, it waits for a minute, and it may refresh credentials for
seconds between our check of the deadline and the send. So there is one attempt, both time-outs fit into the call's
limit, and the guard is asked in the last handler before the request leaves. Time-outs are per socket operation
(urllib3): a peer that sends single bytes can make a call longer, and only the ledger protects from that.

botocore is used without boto3, whose resource layer is not needed here.
"""

from functools import partial
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from controller.aws.answers import check_answer
from controller.aws.models import load_only
from controller.core.ports import Guard
from state.credentials import CredentialKeeper
from state.errors import Misconfigured
from state.sessions import new_session

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

PRODUCT = "aws-pod-eip-controller"
MUTATIONS = frozenset({"AllocateAddress", "AssociateAddress", "DisassociateAddress", "ReleaseAddress"})
READS = frozenset({"DescribeAccountAttributes", "DescribeAddresses", "DescribeNetworkInterfaces"})
CONNECT_TIMEOUT_S = 1.0
CONNECTIONS = 40


def ec2_client(
    *, region: str, guard: Guard, call_timeout_s: float, version: str, keeper: CredentialKeeper | None = None
) -> "EC2Client":
    """A thread-safe client that asks `guard` right before it sends a mutation, and lets its NotLeading out. A dry run
    is none.

    Endpoints, credentials and proxies follow the AWS SDK's own standard (AWS_ENDPOINT_URL_EC2, AWS_PROFILE, ...);
    raises Misconfigured where they cannot be used.
    """
    try:
        session = new_session()
        if keeper is not None:
            keeper.attach(session)
        load_only(session, "ec2", MUTATIONS | READS)
        client = session.create_client("ec2", region_name=region, config=_config(call_timeout_s, version))
    except (BotoCoreError, ValueError) as error:
        raise Misconfigured(
            [f"the AWS settings (AWS_PROFILE, AWS_ENDPOINT_URL, ...) are not usable: {error}"]
        ) from error
    client.meta.events.register("before-parse.ec2", check_answer)
    for operation in sorted(MUTATIONS):
        # A handler that raises ends the attempt; with one attempt, botocore raises that very exception to the caller.
        client.meta.events.register_last(f"before-send.ec2.{operation}", partial(_check_leadership, guard))
    return cast("EC2Client", client)


def is_dry_run(body: bytes | str) -> bool:
    """Whether this request of the EC2 Query protocol asks EC2 to change nothing."""
    return parse_qs(body.decode() if isinstance(body, bytes) else body).get("DryRun") == ["true"]


def _check_leadership(guard: Guard, *, request: Any, **_: Any) -> None:
    if not is_dry_run(request.body):
        guard.check()


def _config(call_timeout_s: float, version: str) -> Config:
    connect_timeout_s = min(CONNECT_TIMEOUT_S, call_timeout_s / 3)
    return Config(
        connect_timeout=connect_timeout_s,
        read_timeout=call_timeout_s - connect_timeout_s,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": 1},
        tcp_keepalive=True,
        user_agent_extra=f"{PRODUCT}/{version}",
    )
