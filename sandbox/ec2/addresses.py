"""The life of an Elastic IP: allocate, associate, disassociate, release.

These are the rules that decide whether a controller is right, so they are pure functions from a world to a `Change`
and raise `Ec2Error` with the code that EC2 uses. The source of each rule is the EC2 API reference; where practice
differs from it, a setting chooses.
"""

from dataclasses import replace
from typing import Literal, assert_never

from sandbox.ec2.model import Address, Association, Change, Ec2Error, Effect, World
from sandbox.ec2.requests import (
    AllocateAddress,
    AssociateAddress,
    CreateTags,
    DeleteTags,
    DisassociateAddress,
    Mutation,
    ReleaseAddress,
)
from sandbox.ec2.rules import Rules
from sandbox.ec2.settings import Ec2Settings
from sandbox.ec2.tags import check_tags, create_tags, delete_tags
from sandbox.ec2.targets import check_target, interface_named


def mutate(world: World, request: Mutation, rules: Rules) -> Change:
    """The world after the call; raises Ec2Error, and then nothing has happened."""
    match request:
        case AllocateAddress():
            return allocate(world, request, rules)
        case AssociateAddress():
            return associate(world, request, rules)
        case DisassociateAddress():
            return disassociate(world, request, rules)
        case ReleaseAddress():
            return release(world, request, rules)
        case CreateTags():
            return create_tags(world, request, rules)
        case DeleteTags():
            return delete_tags(world, request, rules)
    assert_never(request)


def allocate(world: World, request: AllocateAddress, rules: Rules) -> Change:
    """A new address, tagged from birth. Raises AddressLimitExceeded, InvalidPublicIpv4PoolID.NotFound."""
    settings = rules.settings
    group = request.border_group or settings.region
    _check_allocate(world, request, group, settings)
    check_tags(request.tags, settings)
    address = Address(
        allocation_id=rules.new_id("eipalloc"),
        public_ip=request.recover or rules.new_ip(),
        border_group=group,
        pool=request.pool,
        tags=dict(request.tags),
        created=rules.now,
    )
    effect = Effect(
        kind="allocated", allocation_id=address.allocation_id, public_ip=address.public_ip, tags=address.tags
    )
    released = {ip: former for ip, former in world.released.items() if ip != address.public_ip}
    world = replace(world, released=released)
    return Change(world=with_address(world, address), effects=(effect,), answer=address.allocation_id)


def _check_allocate(world: World, request: AllocateAddress, group: str, settings: Ec2Settings) -> None:
    if request.pool not in ("amazon", *settings.pools):
        raise Ec2Error("InvalidPublicIpv4PoolID.NotFound", f"The pool ID '{request.pool}' does not exist.")
    if request.ipam_pool:
        raise Ec2Error("InvalidIpamPoolId.NotFound", f"The ipam-pool ID '{request.ipam_pool}' does not exist.")
    if group not in (settings.region, *settings.border_groups):
        raise Ec2Error("InvalidParameterValue", f"Invalid value '{group}' for NetworkBorderGroup.")
    if request.recover and request.recover not in world.released:
        raise Ec2Error("InvalidAddress.NotFound", f"The address '{request.recover}' is not available.")
    held = sum(1 for address in world.addresses.values() if address.pool == "amazon" and not address.service_managed)
    if request.pool == "amazon" and settings.quota is not None and held >= settings.quota:
        raise Ec2Error("AddressLimitExceeded", "The maximum number of addresses has been reached.")


def associate(world: World, request: AssociateAddress, rules: Rules) -> Change:
    """Puts the address at a private IP; the same association again changes nothing and answers the same id."""
    address = _address(world, request.allocation_id, rules)
    interface = interface_named(world, request)
    private_ip = request.private_ip or interface.private_ip
    check_target(world, address, interface, private_ip)
    held = address.association
    if held and (held.interface_id, held.private_ip) == (interface.interface_id, private_ip):
        return Change(world=world, answer=held.association_id)
    if held and not request.allow_reassociation:
        raise _already_associated(address.allocation_id, held)
    occupant = world.at_target(interface.interface_id, private_ip)
    if occupant and occupant.association and rules.settings.occupied_ip == "refuse":
        raise _already_associated(interface.interface_id, occupant.association)
    return _move(world, address, occupant, (interface.interface_id, private_ip), rules)


def _already_associated(resource: str, held: Association) -> Ec2Error:
    message = f"resource {resource} is already associated with associate-id {held.association_id}"
    return Ec2Error("Resource.AlreadyAssociated", message)


def _move(world: World, address: Address, occupant: Address | None, target: tuple[str, str], rules: Rules) -> Change:
    effects: tuple[Effect, ...] = ()
    for loser, cause in ((address, "reassociated"), (occupant, "displaced")):
        if loser and loser.association:
            world, cut = dissociated(world, loser, cause)
            effects += (cut,)
    interface_id, private_ip = target
    association = Association(
        association_id=rules.new_id("eipassoc"), interface_id=interface_id, private_ip=private_ip, since=rules.now
    )
    moved = replace(address, association=association)
    instance_id = world.interfaces[interface_id].instance_id or ""
    effects += (replace(association_effect("associated", moved, association), instance_id=instance_id),)
    return Change(world=with_address(world, moved), effects=effects, answer=association.association_id)


def disassociate(world: World, request: DisassociateAddress, rules: Rules) -> Change:
    """Cuts exactly this association; a stale id cannot cut a newer one. Raises AuthFailure for another account's."""
    if request.association_id in world.foreign:
        raise _not_yours("association", request.association_id)
    for address in world.addresses.values():
        held = address.association
        if held and held.association_id == request.association_id and rules.is_visible(held.since):
            _check_managed(address)
            cut_world, effect = dissociated(world, address, "")
            return Change(world=cut_world, effects=(effect,))
    if rules.settings.idempotent_disassociate:
        return Change(world=world)
    if request.association_id in world.lost:
        raise Ec2Error("InvalidNetworkInterfaceID.NotFound", "The network interface of the association is gone.")
    message = f"The association ID '{request.association_id}' does not exist"
    raise Ec2Error("InvalidAssociationID.NotFound", message)


def release(world: World, request: ReleaseAddress, rules: Rules) -> Change:
    """Gives the address back. Raises InvalidIPAddress.InUse while associated, but in a default VPC, which cuts it."""
    address = _address(world, request.allocation_id, rules)
    if request.border_group not in ("", address.border_group):
        raise Ec2Error("InvalidAddress.NotFound", f"No address {request.allocation_id} in {request.border_group}.")
    effects: tuple[Effect, ...] = ()
    if address.association:
        if not rules.settings.default_vpc:
            raise Ec2Error("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
        world, cut = dissociated(world, address, "released")
        effects += (cut,)
    effects += (Effect(kind="released", allocation_id=address.allocation_id, public_ip=address.public_ip),)
    world = replace(world, released={**world.released, address.public_ip: address.allocation_id})
    return Change(world=without_address(world, address.allocation_id), effects=effects)


def _address(world: World, allocation_id: str, rules: Rules) -> Address:
    if allocation_id in world.foreign:
        raise _not_yours("allocation", allocation_id)
    address = world.addresses.get(allocation_id)
    if address is None or not rules.is_visible(address.created):
        raise Ec2Error("InvalidAllocationID.NotFound", f"The allocation ID '{allocation_id}' does not exist")
    _check_managed(address)
    return address


def _not_yours(kind: str, resource_id: str) -> Ec2Error:
    """The code is that of the page of ReleaseAddress. The words follow EC2's other ones about an allocation id.

    A user's report has "The address 'PUBLIC IP' does not belong to you." for DisassociateAddress; nobody seems to have
    published what EC2 says of an id.
    """
    return Ec2Error("AuthFailure", f"The address with {kind} id [{resource_id}] does not belong to you.")


def _check_managed(address: Address) -> None:
    if address.service_managed:
        raise Ec2Error("AuthFailure", f"You do not have permission to access {address.allocation_id}.")


def with_address(world: World, address: Address) -> World:
    """The world with this address added or replaced."""
    return replace(world, addresses={**world.addresses, address.allocation_id: address})


def without_address(world: World, allocation_id: str) -> World:
    """The world without this address."""
    kept = {key: address for key, address in world.addresses.items() if key != allocation_id}
    return replace(world, addresses=kept)


def dissociated(world: World, address: Address, cause: str) -> tuple[World, Effect]:
    """The world with this address's association cut, and the effect to record. It must have one."""
    assert address.association is not None
    effect = association_effect("disassociated", address, address.association, cause)
    return with_address(world, replace(address, association=None)), effect


def association_effect(
    kind: Literal["associated", "disassociated"], address: Address, held: Association, cause: str = ""
) -> Effect:
    """The record of an association's begin or end."""
    return Effect(
        kind=kind,
        allocation_id=address.allocation_id,
        public_ip=address.public_ip,
        association_id=held.association_id,
        interface_id=held.interface_id,
        private_ip=held.private_ip,
        cause=cause,
    )
