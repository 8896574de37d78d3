"""Three replicas with real threads while their network fails at random: never may two of them start a mutation."""

import itertools
import random
import time
from collections.abc import Iterator

import pytest

from tests.fakes.lease import Fault, lost_reply, lost_request
from tests.unit.replicas import BRISK, Cluster, Replica, cluster, eventually


@pytest.fixture
def world() -> Iterator[Cluster]:
    with cluster() as it:
        yield it


def both_may_act(one: Replica, other: Replica) -> bool:
    """Asked twice around the other: a term is not lost and won again within microseconds."""
    began = time.monotonic()
    acts = one.may_act() and other.may_act() and one.may_act()
    return acts and time.monotonic() - began < BRISK.lease_duration / 4


def test_never_two_at_once_and_one_again_when_it_ends(world: Cluster) -> None:
    world.timings = BRISK
    replicas = world.start(3)
    dice = random.Random(7)

    def disturb() -> bool:
        """Cut off whoever leads until another one does; lose messages of all of them meanwhile."""
        for leader in [replica for replica in replicas if replica.may_act()]:
            for replica in replicas:
                replica.client.cut = replica is leader
        victim = dice.choice(replicas)
        if len(victim.client.faults) < 2:
            victim.client.faults.append(dice.choice([Fault, Fault, lost_request, lost_reply])())
        assert not any(both_may_act(a, b) for a, b in itertools.combinations(replicas, 2))
        return world.table.epoch >= 4

    eventually(disturb, 60)
    for replica in replicas:
        replica.client.cut = False
    eventually(lambda: sum(replica.may_act() for replica in replicas) == 1)
