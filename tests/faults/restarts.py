"""Starting replicas again as somebody else would have them: with other flags, or of another release.

A release differs from ours by one expression of its source, in a copy that the process runs instead.
"""

from collections.abc import Mapping
from pathlib import Path

from sandbox.replica import Replica
from tests.faults.world import FaultWorld

ROOT = Path(__file__).parents[2]


def restart(
    world: FaultWorld, flags: Mapping[str, str | None], *replicas: Replica, env: Mapping[str, str] | None = None
) -> None:
    """End these replicas, or all of cluster `a`, and start them with these flags and variables; wait for a leader."""
    chosen = replicas or tuple(world.clusters["a"].replicas)
    for replica in chosen:
        world.term(replica)
    for replica in chosen:
        replica.stop()
        replica.change(flags, env)
    world.start(*chosen)
    world.leader("a")


def our_release() -> dict[str, str]:
    """The variables of a process that runs our source again."""
    return {"PYTHONPATH": str(ROOT)}
