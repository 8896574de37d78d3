"""The sandbox's rules of EC2 in the words of the port `Ec2`: whoever stands in for EC2 asks these, and has none itself.

Values are translated both ways. A refusal becomes the product's error for its code, as the adapter makes it.
"""

from collections.abc import Collection
from typing import Any

from botocore.exceptions import ClientError

from controller.aws.codes import ec2_errors
from controller.core.views import (
    Address,
    AllocationRequest,
    Association,
    Interface,
)
from sandbox.ec2 import model
from sandbox.ec2.addresses import mutate
from sandbox.ec2.model import Change, Ec2Error, World
from sandbox.ec2.requests import AllocateAddress, AssociateAddress, Mutation
from sandbox.ec2.rules import Rules
from state.model import AllocationId, AssociationId, InterfaceId, Target


def carry_out(world: World, request: Mutation, rules: Rules) -> Change:
    """The world after the call; raises the errors of the port, and then nothing has happened."""
    action = type(request).__name__
    with ec2_errors(action):
        try:
            return mutate(world, request, rules)
        except Ec2Error as error:
            said: Any = {"Error": {"Code": error.code, "Message": error.message}}
            said["ResponseMetadata"] = {"HTTPStatusCode": error.status}
            raise ClientError(said, action) from error


def allocation(request: AllocationRequest) -> AllocateAddress:
    """The call that asks for this."""
    return AllocateAddress(
        pool=request.public_ipv4_pool or "amazon", border_group=request.border_group or "", tags=request.tags
    )


def association(allocation_id: AllocationId, target: Target, *, by_hand: bool = False) -> AssociateAddress:
    """The call that puts an address there; only a person (`by_hand`) takes it from where it is."""
    return AssociateAddress(
        allocation_id=allocation_id,
        interface_id=target.interface_id,
        private_ip=target.private_ip,
        allow_reassociation=by_hand,
    )


def shown_address(world: World, address: model.Address) -> Address:
    """An address of the world as a describe shows it."""
    held = address.association
    return Address(
        allocation_id=AllocationId(address.allocation_id),
        public_ip=address.public_ip,
        border_group=address.border_group,
        tags=address.tags,
        association=_shown_association(world, held) if held else None,
        public_ipv4_pool=address.pool,
    )


def _shown_association(world: World, held: model.Association) -> Association:
    target = Target(interface_id=InterfaceId(held.interface_id), private_ip=held.private_ip)
    instance_id = world.interfaces[held.interface_id].instance_id
    return Association(association_id=AssociationId(held.association_id), target=target, instance_id=instance_id)


def shown_addresses(world: World) -> dict[AllocationId, Address]:
    """All addresses of the world."""
    return {AllocationId(key): shown_address(world, address) for key, address in world.addresses.items()}


def shown_interface(interface: model.Interface) -> Interface:
    """An interface as a describe shows it."""
    return Interface(
        interface_id=InterfaceId(interface.interface_id),
        private_ips=frozenset(interface.listed_ips),
        prefixes=interface.prefixes,
        instance_id=interface.instance_id,
        border_group=interface.border_group,
    )


def interface_in(region: str, interface: Interface) -> model.Interface:
    """The sandbox's value of an interface; its zone is the Region's first where it names no border group."""
    primary, *more = sorted(interface.private_ips)
    return model.Interface(
        interface_id=interface.interface_id,
        private_ip=primary,
        secondary_ips=tuple(more),
        prefixes=interface.prefixes,
        instance_id=interface.instance_id,
        zone=f"{interface.border_group or region}a",
    )


def world_of(addresses: Collection[Address], *interfaces: model.Interface) -> World:
    """The world with these addresses as a describe showed them, their interfaces, and these ones."""
    there = {str(address.allocation_id): _address(address) for address in addresses}
    carriers = (_carrier(address.association) for address in addresses if address.association)
    return World(addresses=there, interfaces={one.interface_id: one for one in (*carriers, *interfaces)})


def _carrier(shown: Association) -> model.Interface:
    return model.Interface(
        interface_id=shown.target.interface_id, private_ip=shown.target.private_ip, instance_id=shown.instance_id
    )


def _address(address: Address) -> model.Address:
    return model.Address(
        allocation_id=address.allocation_id,
        public_ip=address.public_ip,
        border_group=address.border_group,
        pool=address.public_ipv4_pool or "amazon",
        tags=address.tags,
        association=_association(address.association) if address.association else None,
    )


def _association(shown: Association) -> model.Association:
    return model.Association(
        association_id=shown.association_id,
        interface_id=shown.target.interface_id,
        private_ip=shown.target.private_ip,
        since=0.0,
    )
