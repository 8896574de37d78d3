"""A private IP that has somebody's address already: an interface that would displace it, and one that refuses a second.

AWS's texts disagree on which it is, so both must be survived: what a person associated stays, and its Pod is told.
Where EC2 displaces, only what was looked at can be spared (docs/limits.md).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import ClusterSettings
from tests.faults.lives import Life, delete, move, new_life, play, serve
from tests.faults.people import address_at, allocation_of, heard, wait_looked
from tests.faults.world import FaultWorld, fault_world

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "3"}
UNHURRIED = {"poll-interval": "15", "resync-period": "300"}  # the defaults: what is known of EC2 may be that old
MODES = ("auto", "fixed-tag", "fixed-tag-value")
QUIET_S = 2.0


@pytest.fixture(params=["displace", "refuse"])
def world(tmp_path: Path, request: Any) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas, whose interfaces do either."""
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path, cluster, flags=FAST, ec2={"occupied_ip": request.param}) as made:
        yield made


def occupy(world: FaultWorld, node: int = 0) -> tuple[str, str]:
    """A person associates an address of their own with an IP that no Pod has yet; the IP, and the association id."""
    where, ip = world.clusters["a"].next_place(node)
    theirs = world.ec2.add_address(tags={"of": "a person"})
    return ip, world.ec2.associate(theirs.allocation_id, where.interface_id, ip)


def come_to(world: FaultWorld, life: Life, ip: str) -> None:
    """The Pod comes at this IP."""
    cluster = world.clusters["a"]
    node = next(node for node in cluster.nodes if ip in node.ips)
    life.uid = cluster.kube.pod("ns", life.name, annotations=life.annotations, ip=ip, node=node.name)
    life.wait_seen(lambda s: s.ip == ip)


def stands(world: FaultWorld, ip: str, association_id: str) -> bool:
    """Whether the person's association is still there."""
    address = address_at(world, ip)
    return (
        address is not None and address.association is not None and address.association.association_id == association_id
    )


@pytest.mark.again
def test_a_persons_address_at_a_pods_ip_stays_until_the_person_takes_it_away(world: FaultWorld) -> None:
    places = [occupy(world) for _ in MODES]
    wait_looked(world)
    lives = [new_life(world, mode) for mode in MODES]
    for life, (ip, _) in zip(lives, places, strict=True):
        come_to(world, life, ip)
    for life in lives:
        heard(life, "already has the address")
    wait_looked(world)
    assert all(stands(world, *place) for place in places)
    for _, association_id in places:
        world.ec2.disassociate(association_id)
    world.verdict(quiet_s=QUIET_S)
    assert all(allocation_of(life) for life in lives)


def test_a_pod_moves_to_an_ip_that_has_a_persons_address(world: FaultWorld) -> None:
    life = new_life(world, "auto")
    play(life, serve)
    ip, association_id = occupy(world)
    wait_looked(world)
    world.clusters["a"].kube.set_ip("ns", life.name, ip)
    life.wait_seen(lambda s: s.ip == ip)
    heard(life, "already has the address")
    assert stands(world, ip, association_id)
    move(life)
    world.settle()
    assert stands(world, ip, association_id)
    delete(life)
    world.verdict(quiet_s=QUIET_S)


@pytest.mark.parametrize("mode", ["auto", "fixed-tag"])
def test_a_person_was_a_moment_before_the_pod_and_the_interface_refuses(tmp_path: Path, mode: str) -> None:
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path, cluster, flags=UNHURRIED, ec2={"occupied_ip": "refuse"}) as world:
        play(new_life(world, mode), serve)
        ip, association_id = occupy(world)
        life = new_life(world, mode)
        come_to(world, life, ip)
        heard(life, "already has the address")
        assert stands(world, ip, association_id)
        world.ec2.disassociate(association_id)
        world.verdict(quiet_s=QUIET_S, limit_s=90)
