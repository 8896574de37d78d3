"""What people and other accounts do to addresses without this account's API calls.

Pure steps like those of `addresses`, but without the limits of a caller: a pool that was bought before, an address
that a load balancer owns, an address that was released and went to a stranger.
"""

from dataclasses import replace

from sandbox.ec2.addresses import dissociated, with_address, without_address
from sandbox.ec2.commands import AddAddress
from sandbox.ec2.model import Address, Change, Ec2Error, Effect, World
from sandbox.ec2.rules import Rules


def add_address(world: World, command: AddAddress, rules: Rules) -> Change:
    """An address that exists; `answer` is its allocation id."""
    address = Address(
        allocation_id=command.allocation_id or rules.new_id("eipalloc"),
        public_ip=command.public_ip or rules.new_ip(),
        border_group=command.border_group or rules.settings.region,
        pool=command.pool,
        tags=dict(command.tags),
        service_managed=command.service_managed,
    )
    if address.allocation_id in world.addresses:
        raise Ec2Error("InvalidParameterValue", f"{address.allocation_id} exists already")
    effect = Effect(
        kind="allocated", allocation_id=address.allocation_id, public_ip=address.public_ip, tags=address.tags
    )
    return Change(world=with_address(world, address), effects=(effect,), answer=address.allocation_id)


def give_away(world: World, allocation_id: str) -> Change:
    """Another account has the address from now on, whether it was still here, associated or not, or released before.

    Raises InvalidAllocationID.NotFound for an id that never was.
    """
    foreign = world.foreign | {allocation_id}
    if allocation_id in world.released.values():
        released = {ip: former for ip, former in world.released.items() if former != allocation_id}
        return Change(world=replace(world, foreign=foreign, released=released))
    address = world.addresses.get(allocation_id)
    if address is None:
        raise Ec2Error("InvalidAllocationID.NotFound", f"The allocation ID '{allocation_id}' does not exist")
    effects: tuple[Effect, ...] = ()
    if address.association:
        foreign |= {address.association.association_id}
        world, cut = dissociated(world, address, "given-away")
        effects = (cut,)
    gone = Effect(kind="released", allocation_id=allocation_id, public_ip=address.public_ip, cause="given-away")
    world = replace(without_address(world, allocation_id), foreign=foreign)
    return Change(world=world, effects=(*effects, gone))
