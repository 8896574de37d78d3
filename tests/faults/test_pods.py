"""Pods that end slowly, and leaders that die meanwhile: an address stays while a process may use it, and no longer."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.faults.ends import drain, end_containers, finish, hold_object, lose_leader, remove
from tests.faults.lives import Life, new_life, served
from tests.faults.people import allocation_of, is_free, wait_looked
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "3"}
MODES = ("auto", "fixed-tag")
QUIET_S = 2.0
LEADERLESS = Bounds(failover_s=20.0, misplaced_s=30.0)  # the next one comes when the Lease has run out


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas, whose kubelets do nothing by themselves."""
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path, cluster, flags=FAST, kubelet_seconds=None) as made:
        yield made


def test_pods_that_drain_keep_their_addresses_until_their_containers_have_ended(world: FaultWorld) -> None:
    lives = served(world, MODES)
    before = [allocation_of(life) for life in lives]
    for life in lives:
        drain(life)
    dead = lose_leader(world)
    world.leader()
    wait_looked(world, 3)
    assert [allocation_of(life) for life in lives] == before
    world.start(dead)
    lose_leader(world)
    for life in lives:
        end_containers(life)
    world.settle(60)
    for life in lives:
        remove(life)
    world.verdict(quiet_s=QUIET_S, bounds=LEADERLESS)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_pods_that_finished_lose_their_addresses_though_the_leader_dies(world: FaultWorld, phase: str) -> None:
    lives = served(world, MODES)
    auto, pool = (allocation_of(life) for life in lives)
    lose_leader(world)
    for life in lives:
        finish(life, phase)
    world.settle(60)
    assert auto not in world.ec2.world().addresses
    assert is_free(world, pool)
    world.verdict(quiet_s=QUIET_S, bounds=LEADERLESS)


def test_pods_that_hang_on_a_finalizer_lose_their_addresses_though_the_leader_dies(world: FaultWorld) -> None:
    lives = served(world, MODES)
    auto, pool = (allocation_of(life) for life in lives)
    for life in lives:
        hold_object(life, "example.com/wait")
        drain(life)
    wait_looked(world)
    assert [allocation_of(life) for life in lives] == [auto, pool]
    lose_leader(world)
    for life in lives:
        end_containers(life)
    world.settle(60)
    assert auto not in world.ec2.world().addresses
    wait_until(lambda: is_free(world, pool), 60, "the pool's address is free")
    world.verdict(quiet_s=QUIET_S, bounds=LEADERLESS)
    for life in lives:
        hold_object(life)
        remove(life)
    world.verdict(quiet_s=QUIET_S, bounds=LEADERLESS)


End = Callable[[Life], None]


def killed_outright(life: Life) -> None:
    """Its kubelet has ended it, and only its finalizer keeps the object."""
    hold_object(life, "example.com/wait")
    life.world.clusters["a"].kube.terminate_containers("ns", life.name)
    life.world.clusters["a"].kube.delete_pod("ns", life.name, grace_seconds=0)
    life.wait_seen(lambda s: s.gone)


@pytest.mark.again
@pytest.mark.parametrize("end", [remove, killed_outright], ids=["the-object-goes", "a-finalizer-holds-it"])
def test_the_ip_of_a_pod_that_ended_is_a_pods_that_asks_again_at_once(world: FaultWorld, end: End) -> None:
    first = served(world, MODES)[0]
    sight = first.sight
    assert sight is not None
    end(first)
    heir = new_life(world, "auto")
    cluster = world.clusters["a"]
    node = next(node for node in cluster.nodes if sight.ip in node.ips)
    heir.uid = cluster.kube.pod("ns", heir.name, annotations=heir.annotations, ip=sight.ip, node=node.name)
    heir.wait_seen(lambda s: s.ip == sight.ip)
    lose_leader(world)
    world.verdict(quiet_s=QUIET_S, bounds=LEADERLESS, limit_s=60)
