"""botocore's client of a service that is asked seldom: one try, in time, with the process's credentials."""

from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from controller.aws.models import load_only
from state.credentials import CredentialKeeper
from state.errors import Misconfigured
from state.sessions import new_session

CONNECT_S: Final = 1.0
_CALLED: Final = {"iam": frozenset({"SimulatePrincipalPolicy"})}
"""The operations of services that nobody else in the process uses: the rest of their models is not kept."""


def limits(call_timeout_s: float) -> Config:
    """One try, in time."""
    connect_s = min(CONNECT_S, call_timeout_s / 3)
    return Config(
        connect_timeout=connect_s,
        read_timeout=call_timeout_s - connect_s,
        retries={"mode": "standard", "total_max_attempts": 1},
    )


def plain_client(service: str, region: str, call_timeout_s: float, keeper: CredentialKeeper) -> Any:
    """A client; endpoints and proxies follow the SDK's own standard. Raises Misconfigured where they cannot be used."""
    try:
        session = keeper.attach(new_session())
        if service in _CALLED:
            load_only(session, service, _CALLED[service])
        return session.create_client(service, region_name=region, config=limits(call_timeout_s))
    except (BotoCoreError, ValueError) as error:
        fault = f"the AWS settings (AWS_PROFILE, AWS_ENDPOINT_URL, ...) are not usable: {error}"
        raise Misconfigured([fault]) from error
