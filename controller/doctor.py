"""Looks for what `doctor` tells: the same calls, with the same credentials and limits, as a replica makes first.

Nothing is changed. It is imported by the command alone, for it loads botocore and PynamoDB.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing

from controller.assembly import CLOCK
from controller.aws.adapter import Ec2Adapter
from controller.core import diagnosis
from controller.core.config import Config
from controller.core.diagnosis import Credentials, Finding, Grade
from controller.core.quota import AccountQuota, used
from controller.engine.leadership import Leadership
from controller.release_cluster import NO_VPC
from controller.surface.program import version
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
        yield from _of_ec2(config, region, keeper)
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


def _of_ec2(config: Config, region: str, keeper: CredentialKeeper) -> Iterator[Finding]:
    text = f"DescribeAddresses is answered in {region}"
    try:
        with closing(_ec2(config, region, keeper)) as ec2:
            addresses = ec2.describe_addresses()
            yield diagnosis.of_call("ec2", text)
            if config.keep_quota:
                yield _of_quota(ec2, used(addresses), config.keep_quota)
    except PodEipError as error:
        yield diagnosis.of_call("ec2", text, error)


def _of_quota(ec2: Ec2Adapter, used: int, kept: int) -> Finding:
    try:
        return diagnosis.of_quota(AccountQuota(used=used, allowed=ec2.address_quota(), kept=kept))
    except PodEipError as error:
        return diagnosis.of_quota(AccountQuota(used=used, allowed=None, kept=kept), error)


def _ec2(config: Config, region: str, keeper: CredentialKeeper) -> Ec2Adapter:
    guard = Leadership(CLOCK, config.call_timeout)
    return Ec2Adapter(
        region=region,
        vpc_id=NO_VPC,
        guard=guard,
        call_timeout_s=config.call_timeout,
        version=version(),
        keeper=keeper,
    )


def _ask_table(config: Config, region: str) -> None:
    check_table(config.table, region=region, call_timeout=config.call_timeout)


def _tried(check: str, text: str, ask: Callable[[], None]) -> Finding:
    try:
        ask()
    except PodEipError as error:
        return diagnosis.of_call(check, text, error)
    return diagnosis.of_call(check, text)
