"""A leader whose tokens of EC2 a test gives out one by one."""

from controller.core.views import Interface
from state.model import InterfaceId, PodUid
from tests.unit.engine_harness import Replica, World, fixed

ALLOCATE, ASSOCIATE, CUT = "AllocateAddress", "AssociateAddress", "DisassociateAddress"
LIMIT_S = 20.0


def leading(world: World, threads: int = 4, **left: int) -> Replica:
    """A leader that has seen EC2, and then has only these tokens."""
    replica = Replica(world, threads=threads).lead()
    replica.run(61)
    world.tokens.left.update(left)
    return replica


def associated(world: World) -> list[str]:
    """The private IPs in the order in which they were associated."""
    return [call.arguments[2] for call in world.ec2.calls if call.operation == ASSOCIATE]


def one_more(world: World, replica: Replica, operation: str = ASSOCIATE) -> None:
    """One token comes in, and what follows happens."""
    world.tokens.left[operation] += 1
    replica.run(1)


def crowd(world: World, size: int) -> list[PodUid]:
    """So many Pods, the oldest first, each with an IP and an address of a pool."""
    ips = [f"10.9.{n // 250}.{n % 250 + 1}" for n in range(size)]
    world.ec2.add_interface(
        Interface(interface_id=InterfaceId("eni-crowd"), private_ips=frozenset(ips), instance_id="i-1")
    )
    world.pool(size)
    return [world.pod(f"p{n:03}", fixed(), ip=ip, created=f"{n:03}") for n, ip in enumerate(ips)]
