"""The status document of a replica of the harness."""

from controller.core.status import LeaderStatus, Status
from controller.core.tenancy import OPEN, Tenancy
from controller.engine.policy_file import PolicyFile
from controller.engine.snapshot import Snapshot
from tests.unit.engine_harness import Replica, World


def status_of(world: World, replica: Replica, tenancy: Tenancy = OPEN) -> Status:
    """What this replica knows itself, all of it made anew."""
    return snapshot_of(world, replica, tenancy).build()


def snapshot_of(world: World, replica: Replica, tenancy: Tenancy = OPEN) -> Snapshot:
    """What makes the document, as it lives for as long as the replica."""
    term = replica.leadership.term
    return Snapshot(
        cluster="a",
        identity="i",
        version="0",
        pods=world.pods,
        ledger=replica.ledger,
        loop=replica.loop,
        peers=replica.peers,
        errors=replica.engine.ports.errors,
        clock=world.clock,
        leader=lambda: LeaderStatus(identity="i", is_me=True, epoch=term.epoch) if term else LeaderStatus(),
        policies=PolicyFile(None, tenancy),
    )
