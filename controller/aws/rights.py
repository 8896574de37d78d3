"""What EC2 allows the role, asked by dry runs, which cost a token each and change nothing.

EC2 answers a dry run with the error `DryRunOperation` where the call is allowed, and with `UnauthorizedOperation` where
it is not (EC2 API reference, DescribeAddresses, `DryRun`). A stand-in for EC2 that knows no dry runs answers the call
itself. For a describe that is as good; so a describe is asked first, and such a stand-in is asked for no more.
"""

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from controller.aws.allocations import allocation_arguments
from controller.aws.calls import Calls
from controller.core.contract import AMAZON_POOL
from controller.core.diagnosis.rights import DRY_RUN
from controller.core.views import AllocationRequest
from state.errors import PodEipError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

log = logging.getLogger(__name__)


class Ec2Rights:
    """Thread-safe; each call has the client's time limit."""

    def __init__(self, api: "EC2Client", calls: Calls, vpc_id: str) -> None:
        self._api, self._calls, self._vpc_id = api, calls, vpc_id
        self._obeys, self._disobeyed = False, False

    def check_addresses(self) -> None:
        """Raise what EC2 answers to DescribeAddresses, unless that is allowed."""
        answer = self._try("DescribeAddresses", lambda: self._api.describe_addresses(DryRun=True))
        self._obeys = answer is None

    def check_interfaces(self) -> None:
        """Raise what EC2 answers to DescribeNetworkInterfaces, unless that is allowed."""
        filters: Any = [{"Name": "vpc-id", "Values": [self._vpc_id]}]
        self._try(
            "DescribeNetworkInterfaces",
            lambda: self._api.describe_network_interfaces(DryRun=True, Filters=filters, MaxResults=5),
        )

    def check_allocation(self, tags: Mapping[str, str]) -> None:
        """Raise what EC2 answers to AllocateAddress with these tags, which is allowed or not for all Pods alike.

        It is asked only where the last `check_addresses` was answered as a dry run.
        """
        if not self._obeys or self._disobeyed:
            return
        arguments = allocation_arguments(AllocationRequest(public_ipv4_pool=AMAZON_POOL, tags=tags))
        arguments["DryRun"] = True
        answer = self._try("AllocateAddress", lambda: self._api.allocate_address(**arguments))
        if answer is not None:
            self._disobeyed = True
            log.error("EC2 allocated %s for a dry run: release it. It is not asked again", answer.get("AllocationId"))

    def _try(self, operation: str, call: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """None: it was answered as a dry run. Else the answer: the call was carried out."""
        try:
            return self._calls.send_harmless(operation, call)
        except PodEipError as error:
            if error.code != DRY_RUN:
                raise
            return None
