"""EC2 as the core asks for it: the port `Ec2`, over a real client.

Each method is one API call (describes: as few as the limits allow), sent once, after it got a token from the throttle.
`AllowReassociation` is always sent, as false: reports disagree on its default.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from controller.aws import interfaces
from controller.aws.addresses import AddressReader, quota_of
from controller.aws.allocations import allocation_arguments
from controller.aws.calls import Calls, Listener
from controller.aws.client import ec2_client
from controller.aws.codes import incomplete
from controller.aws.gate import Throttle
from controller.aws.rights import Ec2Rights
from controller.aws.throttle import DEFAULT_LIMITS, RateLimit
from controller.core.ports import Guard, Telemetry
from controller.core.views import (
    Address,
    Allocation,
    AllocationRequest,
    Interface,
)
from state.credentials import CredentialKeeper
from state.model import AllocationId, AssociationId, Target

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        DescribeNetworkInterfacesRequestTypeDef,
        FilterTypeDef,
        ReleaseAddressRequestTypeDef,
    )


class Ec2Adapter:
    """The port `Ec2` on one Region and VPC. Thread-safe; a call takes `call_timeout_s` at most.

    A read also waits for its token. `tokens`: the port that is asked before each mutation. `rights`: what is allowed.
    """

    def __init__(
        self,
        *,
        region: str,
        vpc_id: str,
        guard: Guard,
        call_timeout_s: float,
        version: str,
        telemetry: Telemetry | None = None,
        keeper: CredentialKeeper | None = None,
        limits: Mapping[str, RateLimit] = DEFAULT_LIMITS,
    ) -> None:
        self._region, self._vpc_id = region, vpc_id
        self._api = ec2_client(
            region=region, guard=guard, call_timeout_s=call_timeout_s, version=version, keeper=keeper
        )
        self.tokens = Throttle(limits)
        self._calls = Calls(self.tokens, guard, telemetry, keeper)
        self._reader = AddressReader(region)
        self.rights = Ec2Rights(self._api, self._calls, vpc_id)

    def on_mutation(self, listener: Listener) -> None:
        """From now on this is told of each mutation, from the thread that made it."""
        self._calls.listener = listener

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    def describe_addresses(self) -> Sequence[Address]:
        """All addresses but the service-managed ones, in one call: the API has no pages."""
        answer = self._calls.send("DescribeAddresses", self._api.describe_addresses)
        return self._reader.read(answer.get("Addresses", ()))

    def address_quota(self) -> int | None:
        """The attribute `vpc-max-elastic-ips` of the account, in one call. All attributes are asked for: the API
        reference lists this one as supported, but not among the names that a request may filter by.
        """
        answer = self._calls.send("DescribeAccountAttributes", self._api.describe_account_attributes)
        return quota_of(answer.get("AccountAttributes", ()))

    def describe_interfaces_by_ip(self, private_ips: Iterable[str]) -> Sequence[Interface]:
        """Interfaces that list one of these IPs. An IP inside a delegated prefix is not listed."""
        questions = interfaces.questions(self._vpc_id, interfaces.BY_IP, private_ips)
        return list(chain.from_iterable(map(self._describe_interfaces, questions)))

    def describe_interfaces_by_instance(self, instance_ids: Iterable[str]) -> Sequence[Interface]:
        """Interfaces that are attached to one of these instances."""
        questions = interfaces.questions(self._vpc_id, interfaces.BY_INSTANCE, instance_ids)
        return list(chain.from_iterable(map(self._describe_interfaces, questions)))

    def allocate(self, request: AllocationRequest) -> Allocation:
        """A new address, tagged as it is made. Raises QuotaExceeded, PoolNotFound; Unavailable: it may exist."""
        arguments = allocation_arguments(request)
        answer = self._calls.send("AllocateAddress", lambda: self._api.allocate_address(**arguments))
        public_ip = answer.get("PublicIp") or answer.get("CarrierIp")
        if not public_ip or not answer.get("AllocationId"):
            incomplete("AllocateAddress", "allocation id or IP")
        return Allocation(allocation_id=AllocationId(answer["AllocationId"]), public_ip=public_ip)

    def associate(self, allocation_id: AllocationId, target: Target) -> AssociationId:
        """Associate without taking the address from anybody. Raises AlreadyAssociated, InvalidTarget, and others."""
        answer = self._calls.send(
            "AssociateAddress",
            lambda: self._api.associate_address(
                AllocationId=allocation_id,
                NetworkInterfaceId=target.interface_id,
                PrivateIpAddress=target.private_ip,
                AllowReassociation=False,
            ),
        )
        if not answer.get("AssociationId"):
            incomplete("AssociateAddress", "association id")
        return AssociationId(answer["AssociationId"])

    def disassociate(self, association_id: AssociationId) -> None:
        """Cut this association, by its id, and no newer one. Raises AssociationNotFound, InterfaceNotFound."""
        self._calls.send("DisassociateAddress", lambda: self._api.disassociate_address(AssociationId=association_id))

    def release(self, allocation_id: AllocationId, border_group: str) -> None:
        """Give the address back. Raises AddressNotFound, AddressInUse, AddressForeign, and BorderGroupMismatch."""
        arguments: ReleaseAddressRequestTypeDef = {"AllocationId": allocation_id}
        if border_group not in ("", self._region):
            arguments["NetworkBorderGroup"] = border_group
        self._calls.send("ReleaseAddress", lambda: self._api.release_address(**arguments))

    def _describe_interfaces(self, filters: "list[FilterTypeDef]") -> list[Interface]:
        def ask(token: str | None) -> Mapping[str, Any]:
            page: DescribeNetworkInterfacesRequestTypeDef = {"Filters": filters, "MaxResults": interfaces.PAGE}
            if token:
                page["NextToken"] = token
            return self._calls.send("DescribeNetworkInterfaces", lambda: self._api.describe_network_interfaces(**page))

        return list(interfaces.pages(ask))
