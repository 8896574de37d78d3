"""What happens to network interfaces behind a controller's back: nodes come and go, IPs are assigned and taken.

A client of this simulation never calls these; the control plane does, in the place of the instances, the VPC CNI and
people. Where an IP or an interface goes, EC2 drops the association on it, and so do these functions.
"""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from sandbox.ec2.addresses import association_effect, dissociated, with_address
from sandbox.ec2.commands import ChangeIps, MoveIp
from sandbox.ec2.model import Address, Association, Change, Ec2Error, Effect, InstanceState, Interface, World
from sandbox.ec2.rules import Rules
from sandbox.ec2.targets import interface_of


def put_interface(world: World, interface: Interface) -> Change:
    """Adds an interface, or replaces one: associations to IPs that it no longer has are dropped.

    Raises InvalidIPAddress.InUse for an IP of another interface of the VPC, ValueError for one that is none.
    """
    _check_ips(world, interface)
    interfaces = {**world.interfaces, interface.interface_id: interface}
    return _drop(
        replace(world, interfaces=interfaces),
        lambda held: held.interface_id == interface.interface_id and not interface.has_ip(held.private_ip),
        "ip-removed",
    )


def _check_ips(world: World, interface: Interface) -> None:
    for ip in interface.listed_ips:
        IPv4Address(ip)
    for prefix in interface.prefixes:
        IPv4Network(prefix)
    owned = {*interface.listed_ips, *interface.prefixes}
    for other in world.interfaces.values():
        taken = owned.intersection((*other.listed_ips, *other.prefixes))
        if taken and other.vpc_id == interface.vpc_id and other.interface_id != interface.interface_id:
            raise Ec2Error("InvalidIPAddress.InUse", f"{min(taken)} is on {other.interface_id} already")


def remove_interfaces(world: World, gone: Callable[[Interface], bool], cause: str) -> Change:
    """Removes the interfaces that `gone` picks; later calls on their associations do not find the interface."""
    ids = {interface.interface_id for interface in world.interfaces.values() if gone(interface)}
    kept = {key: interface for key, interface in world.interfaces.items() if key not in ids}
    change = _drop(replace(world, interfaces=kept), lambda held: held.interface_id in ids, cause)
    lost = change.world.lost | {effect.association_id for effect in change.effects}
    return replace(change, world=replace(change.world, lost=lost))


def kill_instance(world: World, instance_id: str) -> Change:
    """The loss of a node: its interfaces vanish and their associations are dropped."""
    states = {key: state for key, state in world.instance_states.items() if key != instance_id}
    world = replace(world, instance_states=states)
    return remove_interfaces(world, lambda interface: interface.instance_id == instance_id, "node-lost")


def _drop(world: World, gone: Callable[[Association], bool], cause: str) -> Change:
    effects: tuple[Effect, ...] = ()
    for address in _associated(world):
        if address.association and gone(address.association):
            world, effect = dissociated(world, address, cause)
            effects += (effect,)
    return Change(world=world, effects=effects)


def _associated(world: World) -> tuple[Address, ...]:
    return tuple(address for address in world.addresses.values() if address.association)


def attach(world: World, interface_id: str, instance_id: str | None) -> Change:
    """Gives the interface to an instance, or to none; its IPs and associations stay with it."""
    return put_interface(world, replace(interface_of(world, interface_id), instance_id=instance_id))


def change_ips(world: World, command: ChangeIps) -> Change:
    """Assigns and takes IPs and prefixes; the primary IP cannot go."""
    interface = interface_of(world, command.interface_id)
    ips = [ip for ip in interface.secondary_ips if ip not in command.remove_ips]
    prefixes = [prefix for prefix in interface.prefixes if prefix not in command.remove_prefixes]
    changed = replace(
        interface,
        secondary_ips=(*ips, *(ip for ip in command.add_ips if ip not in interface.listed_ips)),
        prefixes=(*prefixes, *(prefix for prefix in command.add_prefixes if prefix not in prefixes)),
    )
    return put_interface(world, changed)


def move_ip(world: World, command: MoveIp, rules: Rules) -> Change:
    """Takes a secondary IP from the interface of the VPC that has it, if any, and gives it to another one.

    Unassigned first, it loses its address. Reassigned in one call it takes its address along: "any Elastic IP address
    that is associated with the IP address is also moved" (EC2 API reference, AssignPrivateIpAddresses). The page does
    not say whether the association keeps its id; here it gets a new one, which is the harder case for a client.
    """
    ip, goal = command.private_ip, interface_of(world, command.interface_id)
    source = next((i for i in world.interfaces.values() if i.vpc_id == goal.vpc_id and ip in i.listed_ips), goal)
    if source is goal and ip in goal.listed_ips:
        return Change(world=world)
    if source is not goal and ip == source.private_ip:
        raise Ec2Error("InvalidParameterValue", f"{ip} is the primary IP of {source.interface_id}: it cannot move")
    riding = world.at_target(source.interface_id, ip) if command.with_address else None
    taken = change_ips(world, ChangeIps(interface_id=source.interface_id, remove_ips=(ip,)))
    given = change_ips(taken.world, ChangeIps(interface_id=goal.interface_id, add_ips=(ip,)))
    moved = _ride(given.world, riding, goal.interface_id, rules) if riding else Change(world=given.world)
    return replace(moved, effects=(*taken.effects, *given.effects, *moved.effects))


def _ride(world: World, address: Address, interface_id: str, rules: Rules) -> Change:
    """The address stands again at its private IP, which is another interface's now."""
    assert address.association is not None
    held = replace(
        address.association,
        association_id=rules.new_id("eipassoc"),
        interface_id=interface_id,
        since=rules.now,
    )
    moved = replace(address, association=held)
    effect = association_effect("associated", moved, held, "ip-moved")
    return Change(world=with_address(world, moved), effects=(effect,))


def set_instance_state(world: World, instance_id: str, state: InstanceState) -> Change:
    """The instance is in this state from now on."""
    return Change(world=replace(world, instance_states={**world.instance_states, instance_id: state}))


def set_gateway(world: World, vpc_id: str, *, attached: bool) -> Change:
    """The VPC has an Internet gateway, or has none; associations stay."""
    without = world.without_gateway - {vpc_id} if attached else world.without_gateway | {vpc_id}
    return Change(world=replace(world, without_gateway=without))
