"""The rules of one EC2 account, for the fake of the port `Ec2`: who may stand where, and what is refused.

Nothing here knows of calls, faults or locks; `tests.fakes.ec2` adds them.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from controller.core.ports import Address, AllocationRequest, Association, Interface
from state.errors import (
    AddressForeign,
    AddressNotFound,
    AlreadyAssociated,
    BorderGroupMismatch,
    InterfaceNotFound,
    InvalidTarget,
    PoolNotFound,
    QuotaExceeded,
)
from state.model import AllocationId, AssociationId, InterfaceId, Target


class Ec2Account:
    """Addresses and interfaces of one Region and VPC. The public attributes may be changed at any time."""

    def __init__(
        self,
        *,
        region: str = "us-west-2",
        quota: int | None = None,
        pools: Sequence[str] = (),
        border_groups: Sequence[str] = (),
        default_vpc: bool = False,
        refuse_occupied: bool = False,
    ) -> None:
        self.region, self.quota = region, quota
        self.pools, self.border_groups = pools, border_groups
        self.default_vpc, self.refuse_occupied = default_vpc, refuse_occupied
        self._ids = itertools.count(1)
        self._addresses: dict[AllocationId, Address] = {}
        self._interfaces: dict[InterfaceId, Interface] = {}
        self._foreign: set[AllocationId | AssociationId] = set()
        self._lost: set[AssociationId] = set()

    def _check_ours(self, kind: str, resource_id: AllocationId | AssociationId) -> None:
        if resource_id in self._foreign:
            message = f"The address with {kind} id [{resource_id}] does not belong to you."
            raise AddressForeign(message, code="AuthFailure")

    def _known(self, allocation_id: AllocationId) -> Address:
        self._check_ours("allocation", allocation_id)
        if allocation_id not in self._addresses:
            raise AddressNotFound(f"{allocation_id} does not exist", code="InvalidAllocationID.NotFound")
        return self._addresses[allocation_id]

    def _check_allocation(self, request: AllocationRequest) -> None:
        if request.public_ipv4_pool not in ("", "amazon", *self.pools):
            message = f"the pool {request.public_ipv4_pool} does not exist"
            raise PoolNotFound(message, code="InvalidPublicIpv4PoolID.NotFound")
        if request.border_group not in (None, self.region, *self.border_groups):
            raise BorderGroupMismatch(f"no border group {request.border_group}", code="InvalidParameterValue")
        held = sum(address.public_ipv4_pool == "amazon" for address in self._addresses.values())
        if request.public_ipv4_pool in ("", "amazon") and self.quota is not None and held >= self.quota:
            raise QuotaExceeded("the maximum number of addresses has been reached", code="AddressLimitExceeded")

    def _check_target(self, address: Address, target: Target) -> None:
        interface = self._interfaces.get(target.interface_id)
        if interface is None:
            message = f"{target.interface_id} does not exist"
            raise InterfaceNotFound(message, code="InvalidNetworkInterfaceID.NotFound")
        if not has_ip(interface, target):
            message = f"{target.private_ip} is not on {target.interface_id}"
            raise InvalidTarget(message, code="InvalidParameterValue")
        if interface.border_group not in (None, address.border_group):
            raise BorderGroupMismatch("address and interface differ in border group", code="OperationNotPermitted")

    def _new_address(self, tags: Mapping[str, str], border_group: str, allocation_id: str, pool: str) -> Address:
        number = next(self._ids)
        address = Address(
            allocation_id=AllocationId(allocation_id or f"eipalloc-{number:017x}"),
            public_ip=str(IPv4Address("198.18.0.0") + number),
            border_group=border_group or self.region,
            tags=dict(tags),
            public_ipv4_pool=pool or "amazon",
        )
        self._addresses[address.allocation_id] = address
        return address

    def _associate(self, allocation_id: AllocationId, target: Target) -> AssociationId:
        for occupant in self._addresses.values():
            if occupant.association and occupant.association.target == target:
                if self.refuse_occupied:
                    message = f"resource {target.interface_id} is associated"
                    raise AlreadyAssociated(message, code="Resource.AlreadyAssociated")
                self._cut(occupant)
                break
        association_id = AssociationId(f"eipassoc-{next(self._ids):017x}")
        instance_id = self._interfaces[target.interface_id].instance_id
        association = Association(association_id=association_id, target=target, instance_id=instance_id)
        self._addresses[allocation_id] = replace(self._addresses[allocation_id], association=association)
        return association_id

    def _cut(self, address: Address) -> None:
        self._addresses[address.allocation_id] = replace(address, association=None)

    def _put_interface(self, interface: Interface) -> None:
        """Adds or replaces; drops associations at IPs that it lost, and tells the others whose instance they are on."""
        self._interfaces[interface.interface_id] = interface
        self._drop(lambda target: target.interface_id == interface.interface_id and not has_ip(interface, target))
        for address in list(self._addresses.values()):
            held = address.association
            if held and held.target.interface_id == interface.interface_id:
                shown = replace(held, instance_id=interface.instance_id)
                self._addresses[address.allocation_id] = replace(address, association=shown)

    def _move_ip(self, private_ip: str, goal: Interface, *, with_address: bool) -> None:
        target = Target(interface_id=goal.interface_id, private_ip=private_ip)
        riding: list[Address] = []
        for source in [i for i in self._interfaces.values() if private_ip in i.private_ips and i != goal]:
            left = Target(interface_id=source.interface_id, private_ip=private_ip)
            riding += [a for a in self._addresses.values() if a.association and a.association.target == left]
            self._put_interface(replace(source, private_ips=source.private_ips - {private_ip}))
        self._put_interface(replace(goal, private_ips=goal.private_ips | {private_ip}))
        for address in riding if with_address else ():
            self._associate(address.allocation_id, target)

    def _drop(self, gone: Callable[[Target], bool]) -> set[AssociationId]:
        dropped = set()
        for address in list(self._addresses.values()):
            if address.association and gone(address.association.target):
                dropped.add(address.association.association_id)
                self._cut(address)
        return dropped


def has_ip(interface: Interface, target: Target) -> bool:
    """Whether the interface has the target's IP, listed or inside a delegated prefix."""
    networks = (IPv4Network(prefix) for prefix in interface.prefixes)
    return target.private_ip in interface.private_ips or any(IPv4Address(target.private_ip) in n for n in networks)
