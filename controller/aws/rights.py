"""Whether EC2 lets us look: asked by dry runs, which cost a token each and change nothing.

EC2 answers a dry run with the error `DryRunOperation` where the call is allowed, and with `UnauthorizedOperation` where
it is not (EC2 API reference, DescribeAddresses, `DryRun`). A stand-in for EC2 that knows no dry runs answers the call
itself, which is as good.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from controller.aws.calls import Calls
from controller.core.diagnosis.rights import DRY_RUN
from state.errors import PodEipError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


class Ec2Rights:
    """Thread-safe; each call has the client's time limit."""

    def __init__(self, api: "EC2Client", calls: Calls, vpc_id: str) -> None:
        self._api, self._calls, self._vpc_id = api, calls, vpc_id

    def check_addresses(self) -> None:
        """Raise what EC2 answers to DescribeAddresses, unless that is allowed."""
        self._try("DescribeAddresses", lambda: self._api.describe_addresses(DryRun=True))

    def check_interfaces(self) -> None:
        """Raise what EC2 answers to DescribeNetworkInterfaces, unless that is allowed."""
        filters: Any = [{"Name": "vpc-id", "Values": [self._vpc_id]}]
        self._try(
            "DescribeNetworkInterfaces",
            lambda: self._api.describe_network_interfaces(DryRun=True, Filters=filters, MaxResults=5),
        )

    def _try(self, operation: str, call: Callable[[], object]) -> None:
        try:
            self._calls.send(operation, call)
        except PodEipError as error:
            if error.code != DRY_RUN:
                raise
