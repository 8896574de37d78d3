"""Where an address may be put: the interface that a call names, and whether it can take an address now.

Some refusals are for ever (an IP that is not there, another network border group) and some pass: an instance that
still starts, a VPC whose Internet gateway is not attached yet. Both kinds are HTTP 400.
"""

from sandbox.ec2.model import Address, Ec2Error, Interface, World
from sandbox.ec2.requests import AssociateAddress


def interface_of(world: World, interface_id: str) -> Interface:
    """The interface; raises InvalidNetworkInterfaceID.NotFound."""
    if interface_id not in world.interfaces:
        message = f"The networkInterface ID '{interface_id}' does not exist"
        raise Ec2Error("InvalidNetworkInterfaceID.NotFound", message)
    return world.interfaces[interface_id]


def interface_named(world: World, request: AssociateAddress) -> Interface:
    """The interface that the call names, itself or by its instance; raises InvalidInstanceID, and its NotFound.

    A pending instance has another code than its interface has, as users of both report.
    """
    if request.interface_id:
        return interface_of(world, request.interface_id)
    instance_id = request.instance_id
    attached = [interface for interface in world.interfaces.values() if interface.instance_id == instance_id]
    if not attached:
        raise Ec2Error("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
    if world.instance_states.get(instance_id) == "pending":
        message = f"The pending instance '{instance_id}' is not in a valid state for this operation."
        raise Ec2Error("InvalidInstanceID", message)
    if len(attached) > 1:
        raise Ec2Error("InvalidInstanceID", f"There are multiple interfaces attached to '{instance_id}'.")
    return attached[0]


def check_target(world: World, address: Address, interface: Interface, private_ip: str) -> None:
    """Raises Ec2Error unless this IP of this interface can take the address now."""
    if not interface.has_ip(private_ip):
        message = f"Invalid value '{private_ip}' for PrivateIpAddress. It is not on {interface.interface_id}."
        raise Ec2Error("InvalidParameterValue", message)
    if address.border_group != interface.border_group:
        message = (
            f"The address {address.allocation_id} of the network border group {address.border_group} cannot be "
            f"associated with an interface in {interface.border_group}."
        )
        raise Ec2Error("OperationNotPermitted", message)
    _check_passing(world, interface)


def _check_passing(world: World, interface: Interface) -> None:
    """The codes and words are those of reports of EC2's users.

    That a stopped instance takes an address is common use; no page of the API reference says it.
    """
    if interface.vpc_id in world.without_gateway:
        message = f"Network {interface.vpc_id} is not attached to any internet gateway"
        raise Ec2Error("Gateway.NotAttached", message)
    if interface.instance_id and world.instance_states.get(interface.instance_id) == "pending":
        message = (
            f"The pending-instance-creation instance to which '{interface.interface_id}' is attached is not in a "
            "valid state for this operation"
        )
        raise Ec2Error("IncorrectInstanceState", message)
