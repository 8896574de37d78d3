"""What happens to network interfaces behind a controller's back: nodes come and go, IPs are assigned and taken.

A client of this simulation never calls these; the control plane does, in the place of the instances, the VPC CNI and
people. Where an IP or an interface goes, EC2 drops the association on it, and so do these functions.
"""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from sandbox.ec2.addresses import dissociated
from sandbox.ec2.commands import ChangeIps
from sandbox.ec2.model import Address, Association, Change, Ec2Error, Effect, Interface, World


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
    return remove_interfaces(world, lambda interface: interface.instance_id == instance_id, "node-lost")


def interface_of(world: World, interface_id: str) -> Interface:
    """The interface; raises InvalidNetworkInterfaceID.NotFound."""
    if interface_id not in world.interfaces:
        message = f"The networkInterface ID '{interface_id}' does not exist"
        raise Ec2Error("InvalidNetworkInterfaceID.NotFound", message)
    return world.interfaces[interface_id]


def _drop(world: World, gone: Callable[[Association], bool], cause: str) -> Change:
    effects: tuple[Effect, ...] = ()
    for address in _associated(world):
        if address.association and gone(address.association):
            world, effect = dissociated(world, address, cause)
            effects += (effect,)
    return Change(world=world, effects=effects)


def _associated(world: World) -> tuple[Address, ...]:
    return tuple(address for address in world.addresses.values() if address.association)


def detach(world: World, interface_id: str) -> Change:
    """Takes the interface off its instance; its IPs and associations stay."""
    return put_interface(world, replace(interface_of(world, interface_id), instance_id=None))


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
