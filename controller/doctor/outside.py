"""What is looked at of AWS: EC2, the quota, the table, the rights, the clock, the ways there, X-Ray."""

from collections.abc import Callable, Iterable, Iterator

from controller.aws.addresses import quota_of
from controller.aws.plain_client import plain_client
from controller.core.diagnosis import account
from controller.core.diagnosis.finding import Check, Finding, Questions
from controller.core.diagnosis.rights import of_right
from controller.core.quota import AccountQuota, used
from controller.doctor import network, rights, simulation, xray
from controller.doctor.scene import Scene, or_else
from state.errors import PodEipError

Look = tuple[Check, Callable[[], Iterable[Finding]]]


def checks(scene: Scene, questions: Questions) -> Iterator[Look]:
    """What is looked at, in order."""
    del questions
    yield Check.EC2, lambda: [_ec2(scene)]
    if or_else(lambda: scene.addresses, None) is not None:
        yield Check.QUOTA, lambda: [_quota(scene)]
    yield Check.TABLE, lambda: scene.table.findings()
    yield Check.RIGHTS, lambda: _ec2_rights(scene)
    yield Check.RIGHTS, lambda: _table_rights(scene)
    yield Check.CLOCK, lambda: [account.of_clock(scene.ec2.ahead_s)]
    yield Check.ENDPOINTS, lambda: _endpoints(scene)
    yield Check.XRAY, lambda: _xray(scene)


def _ec2(scene: Scene) -> Finding:
    text = f"DescribeAddresses is answered in {scene.region}"
    try:
        scene.addresses  # noqa: B018
    except PodEipError as error:
        return account.of_call(Check.EC2, text, error)
    return account.of_call(Check.EC2, text)


def _quota(scene: Scene) -> Finding:
    """Without `--keep-quota` no replica reads it, so a missing right is no fault: what is raised is told."""
    count, kept = used(scene.addresses), scene.config.keep_quota
    try:
        allowed = quota_of(scene.ec2.ask("DescribeAccountAttributes").get("AccountAttributes", ()))
        return account.of_quota(AccountQuota(used=count, allowed=allowed, kept=kept))
    except PodEipError as error:
        if not kept:
            raise
        return account.of_quota(AccountQuota(used=count, allowed=None, kept=kept), error)


def _ec2_rights(scene: Scene) -> Iterator[Finding]:
    """Nothing where EC2 does not answer: that has been said."""
    addresses = or_else(lambda: scene.addresses, None)
    if addresses is None:
        return
    required = scene.config.require_allocation
    for tried in simulation.filled(rights.of_ec2(scene.ec2, addresses, scene.place), lambda: scene.simulated):
        yield of_right(tried, auto_required=required)


def _table_rights(scene: Scene) -> Iterator[Finding]:
    """Nothing where there is no table to try them on: that has been said."""
    for tried in scene.table.tried(or_else(lambda: str(scene.uid), "")):
        if tried.code == "ResourceNotFoundException":
            return
        yield of_right(tried)


def _xray(scene: Scene) -> Iterator[Finding]:
    region = xray.region_of(scene.environ, scene.region)
    if region is not None:
        yield xray.look(region, scene.config.call_timeout, scene.keeper)


def _endpoints(scene: Scene) -> Iterator[Finding]:
    limit_s = scene.config.call_timeout
    urls = {"ec2": scene.ec2.url, "dynamodb": scene.table.url}
    if scene.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):  # an account's role by IRSA, which STS gives
        asking = plain_client("sts", scene.region, limit_s, scene.keeper)
        urls["sts"] = str(asking.meta.endpoint_url)
        asking.close()
    yield from network.endpoints(urls, limit_s, lambda: network.endpoints_of_vpc(scene.ec2, scene.vpc_id))
