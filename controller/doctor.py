"""Looks for what `doctor` tells: the same calls, with the same credentials and limits, as a replica makes first.

Nothing is changed. It is imported by the command alone, for it loads botocore and PynamoDB.
"""

import logging
from collections.abc import Callable, Iterator

from controller.assembly import CLOCK
from controller.aws.adapter import Ec2Adapter
from controller.core import diagnosis
from controller.core.config import Config
from controller.core.diagnosis import Credentials, Finding, Grade
from controller.engine.leadership import Leadership
from controller.surface.program import version
from controller.undertaking import NO_VPC
from state.credentials import CredentialKeeper
from state.errors import PodEipError
from state.provision import check_table


def examine(config: Config, region: str) -> Iterator[Finding]:
    """Each finding as soon as it is known; without credentials nothing else is asked."""
    logging.getLogger().addHandler(logging.NullHandler())  # what goes wrong is a finding, and is told once
    keeper = CredentialKeeper(patience_s=config.call_timeout)
    credentials = diagnosis.of_credentials(_credentials(keeper))
    yield credentials
    if credentials.grade is not Grade.BROKEN:
        yield _tried("ec2", f"DescribeAddresses is answered in {region}", lambda: _ask_ec2(config, region, keeper))
        yield _tried("table", f"table {config.table} has the right keys", lambda: _ask_table(config, region))
    keeper.stop()


def _credentials(keeper: CredentialKeeper) -> Credentials:
    keeper.renew()
    return Credentials(
        source=keeper.source,
        temporary=keeper.temporary,
        renewable=keeper.renewable,
        expires_in_s=keeper.expires_in_s,
        trouble=keeper.trouble,
    )


def _ask_ec2(config: Config, region: str, keeper: CredentialKeeper) -> None:
    guard = Leadership(CLOCK, config.call_timeout)
    ec2 = Ec2Adapter(
        region=region,
        vpc_id=NO_VPC,
        guard=guard,
        call_timeout_s=config.call_timeout,
        version=version(),
        keeper=keeper,
    )
    try:
        ec2.describe_addresses()
    finally:
        ec2.close()


def _ask_table(config: Config, region: str) -> None:
    check_table(config.table, region=region, call_timeout=config.call_timeout)


def _tried(check: str, text: str, ask: Callable[[], None]) -> Finding:
    try:
        ask()
    except PodEipError as error:
        return diagnosis.of_call(check, text, error)
    return diagnosis.of_call(check, text)
