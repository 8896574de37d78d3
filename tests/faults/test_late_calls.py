"""A call is frozen on its way, everybody forgets it, and it arrives when what it names is somebody else's.

AWS accepts a signed request for minutes. What it may still do then is bounded by the names in it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.faults.ends import lose_leader
from tests.faults.lives import Life, associate_a_stranger, delete, new_life, play, serve
from tests.faults.people import address_at, allocation_of, wait_looked
from tests.faults.troubles import Hold
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "3"}
QUIET_S = 2.0
LEADERLESS = Bounds(failover_s=20.0, misplaced_s=30.0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas."""
    with fault_world(tmp_path, ClusterSettings(name="a", nodes=2, replicas=2), flags=FAST) as made:
        yield made


def arrive(world: FaultWorld, hold: Hold, what: str) -> None:
    """The frozen call goes on, and its effect, if it has one, is had."""
    since = world.ec2.log()[-1].seq
    hold.go.set()
    wait_until(lambda: any(c.action == what for c in world.ec2.log(since)), 60, f"the late {what} comes to EC2")


def ip_of(life: Life) -> str:
    """The Pod's IP."""
    assert life.sight is not None
    return life.sight.ip


def run_at(world: FaultWorld, life: Life, ip: str) -> None:
    """The Pod comes at an IP that another one had."""
    cluster = world.clusters["a"]
    node = next(node for node in cluster.nodes if ip in node.ips)
    life.uid = cluster.kube.pod("ns", life.name, annotations=life.annotations, ip=ip, node=node.name)
    life.wait_seen(lambda s: s.ip == ip)


@pytest.mark.parametrize("dies", [False, True], ids=["the-leader-lives", "the-leader-dies"])
@pytest.mark.parametrize("mode", ["auto", "fixed-tag-value"])
def test_a_frozen_disassociate_arrives_when_the_ip_and_the_address_are_anothers(
    world: FaultWorld, mode: str, dies: bool
) -> None:
    life = new_life(world, mode)
    play(life, serve)
    ip, address = ip_of(life), allocation_of(life)
    hold = Hold("DisassociateAddress")
    world.interfere(hold)
    delete(life)
    wait_until(hold.reached.is_set, 60, "the call is on its way")
    if dies:
        lose_leader(world)
    wait_until(lambda: address_at(world, ip) is None, 60, "another try cut the address")
    heir = new_life(world, "auto") if mode == "auto" else Life(world, mode, life.name, annotations=life.annotations)
    run_at(world, heir, ip)
    world.settle(60)
    served_by = allocation_of(heir)
    assert (served_by == address) == (mode != "auto")
    arrive(world, hold, "DisassociateAddress")
    wait_looked(world)
    assert allocation_of(heir) == served_by
    made = [h for h in world.ec2.holdings() if h.private_ip == ip]
    assert [h.until is None for h in made] == [False, True], "the late call cut the heir's association"
    world.verdict(quiet_s=QUIET_S, bounds=LEADERLESS)


@pytest.mark.parametrize("dies", [False, True], ids=["the-leader-lives", "the-leader-dies"])
def test_a_frozen_release_arrives_when_the_pod_s_namesake_has_an_address(world: FaultWorld, dies: bool) -> None:
    life = new_life(world, "auto")
    play(life, serve)
    ip, address = ip_of(life), allocation_of(life)
    hold = Hold("ReleaseAddress")
    world.interfere(hold)
    delete(life)
    wait_until(hold.reached.is_set, 60, "the call is on its way")
    if dies:
        lose_leader(world)
    wait_until(lambda: address not in world.ec2.world().addresses, 60, "another try released the address")
    heir = Life(world, "auto", life.name, annotations=life.annotations)
    run_at(world, heir, ip)
    world.settle(60)
    served_by = allocation_of(heir)
    assert served_by != address
    arrive(world, hold, "ReleaseAddress")
    wait_looked(world)
    assert allocation_of(heir) == served_by
    world.verdict(quiet_s=QUIET_S, bounds=LEADERLESS)


@pytest.mark.again
def test_a_frozen_associate_arrives_at_a_stranger_after_a_change_of_leader(world: FaultWorld) -> None:
    associate_a_stranger(world)
    lose_leader(world)
    world.verdict(quiet_s=QUIET_S, bounds=LEADERLESS, limit_s=60)
