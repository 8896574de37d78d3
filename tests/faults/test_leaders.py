"""Leaders that are told nothing, hang, or are told to stop at the worst moment; afterwards the judge reads the record.

Each is a named fault in a world of its own. Where a leader is to be replaced, the bound is that of its Lease.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.faults.lives import delete, move, new_life, play, serve
from tests.faults.wires import Deaf
from tests.faults.world import FaultWorld, fault_world
from tests.history import Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "4"}
LEASE_S = 3.0
SERVICES: tuple[Service, ...] = ("ec2", "dynamodb", "kubernetes")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas."""
    with fault_world(tmp_path, ClusterSettings(name="a", nodes=2, replicas=2), flags=FAST) as made:
        yield made


@pytest.mark.parametrize("service", SERVICES)
def test_what_the_leader_sends_arrives_and_no_reply_comes_back(world: FaultWorld, service: Service) -> None:
    moved, gone, coming = (new_life(world, mode) for mode in ("auto", "fixed-tag", "auto"))
    for life in (moved, gone):
        play(life, serve)
    leader, deaf = world.leader(), Deaf()
    world.interfere(deaf, replica=leader.name, service=service)
    if service == "kubernetes":
        world.clusters["a"].kube.silence_watches(leader.name)
    move(moved)
    delete(gone)
    serve(coming)
    since = time.monotonic()
    wait_until(lambda: time.monotonic() > since + 2 * LEASE_S, 30, "it has lasted")
    deaf.end()
    assert deaf.unheard
    world.verdict()
