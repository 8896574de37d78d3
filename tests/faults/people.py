"""What a person with a console does to addresses that we hold, and how to wait until the controllers have seen it.

EC2 lets people in by the same door: an address can be re-tagged, moved, cut off or given back while a claim stands.
"""

import time
from contextlib import suppress

from sandbox.ec2.control import ControlError
from sandbox.ec2.model import Address
from sandbox.world import VPC, wait_until
from tests.faults.lives import Life
from tests.faults.world import FaultWorld

LOOK_LIMIT_S = 60.0


def address_at(world: FaultWorld, ip: str) -> Address | None:
    """The address that EC2 has at this IP."""
    found = world.ec2.world().addresses.values()
    return next((a for a in found if a.association and a.association.private_ip == ip), None)


def address_of(life: Life) -> Address:
    """The address that EC2 has at the Pod's IP; it must have one."""
    assert life.sight is not None
    address = address_at(life.world, life.sight.ip)
    assert address is not None, f"{life.name} has no address"
    return address


def allocation_of(life: Life) -> str:
    """The name of the Pod's address."""
    return address_of(life).allocation_id


def elsewhere(world: FaultWorld) -> tuple[str, str]:
    """A network interface of somebody else in the same VPC, with its IP."""
    number = len(world.ec2.world().interfaces)
    ip = f"10.200.0.{number}"
    return world.ec2.add_interface(ip, vpc_id=VPC).interface_id, ip


def move_by_hand(world: FaultWorld, allocation_id: str, place: tuple[str, str]) -> str:
    """A person associates the address with another place, as EC2 lets anybody do; the association id."""
    return world.ec2.associate(allocation_id, *place)


def cut_by_hand(address: Address) -> str:
    """The association of the address, for `disassociate`."""
    assert address.association is not None
    return address.association.association_id


def release_by_hand(world: FaultWorld, allocation_id: str) -> None:
    """A person cuts and releases the address, and tries again while a controller associates it in between."""
    wait_until(lambda: _released(world, allocation_id), LOOK_LIMIT_S, f"{allocation_id} is released")


def _released(world: FaultWorld, allocation_id: str) -> bool:
    address = world.ec2.world().addresses.get(allocation_id)
    with suppress(ControlError):
        if address and address.association:
            world.ec2.disassociate(address.association.association_id)
        if address:
            world.ec2.release(allocation_id)
    return allocation_id not in world.ec2.world().addresses


def wait_looked(world: FaultWorld, times: int = 2) -> None:
    """Until leaders have looked at all addresses so often from now on: what was done before is known then."""
    since = time.monotonic()

    def looked() -> bool:
        calls = [c for c in list(world.recorder.calls) if c.what == "DescribeAddresses" and c.began > since]
        return len(calls) >= times

    wait_until(looked, LOOK_LIMIT_S, "the addresses are looked at")


def is_free(world: FaultWorld, allocation_id: str) -> bool:
    """Whether the address exists and is associated with nothing."""
    address = world.ec2.world().addresses.get(allocation_id)
    return address is not None and address.association is None


def heard(life: Life, *words: str, cluster: str = "a", namespace: str = "ns") -> None:
    """Wait until an event of the Pod holds all these words."""

    def said() -> list[str]:
        events = life.world.clusters[cluster].kube.events(namespace, life.name)
        return [f"{e['reason']} {e['message']}" for e in events]

    def told() -> bool:
        return any(all(word in line for word in words) for line in said())

    wait_until(told, LOOK_LIMIT_S, lambda: f"an event of {life.name} with {words}: {said()}")
