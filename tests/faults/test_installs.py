"""Two clusters of one name on one table, a cluster that gets another name, a watch scope that shrinks and grows.

Names and scopes are for people: claims are kept by UIDs, and what is out of sight is kept until it is in sight again.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.world import ClusterSettings, wait_until
from tests.e2e.scene import auto, fixed, fixed_value
from tests.faults.ends import lose_leader
from tests.faults.lives import Life, adopt, delete, ensure_pool, move, new_life, play, serve
from tests.faults.people import address_at, address_of, allocation_of, cut_by_hand, heard, wait_looked
from tests.faults.restarts import restart
from tests.faults.world import FaultWorld, fault_world
from tests.history import Bounds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
FAST = {"poll-interval": "0.5", "resync-period": "3"}
MODES = ("auto", "fixed-tag", "fixed-tag-value")
QUIET_S = 2.0
LIMIT_S = 60.0
RESTARTED = Bounds(failover_s=30.0, handover_s=20.0, misplaced_s=30.0)
OUT_OF_SIGHT = Bounds(failover_s=30.0, handover_s=20.0, misplaced_s=120.0, stale_label_s=120.0)
ANNOTATIONS = (auto(), fixed("pool"), fixed_value("own"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster with two replicas."""
    with fault_world(tmp_path, ClusterSettings(name="a", nodes=2, replicas=2), flags=FAST) as made:
        yield made


def serve_in(world: FaultWorld, cluster: str, number: int, *, namespace: str = "ns") -> Life:
    """A Pod of this mode (0 to 2) comes; its name is the same in every cluster."""
    life = Life(world, MODES[number], f"{MODES[number]}-twin", annotations=ANNOTATIONS[number])
    life.uid, ip = world.clusters[cluster].run_pod(namespace, life.name, life.annotations)
    life.wait_seen(lambda s: s.ip == ip)
    return life


def delete_in(life: Life, cluster: str, *, namespace: str = "ns") -> None:
    """The Pod goes."""
    life.world.clusters[cluster].kube.delete_pod(namespace, life.name)
    life.wait_seen(lambda s: s.gone)


def is_served_by(life: Life, allocation_id: str) -> bool:
    """Whether the Pod has this address; it may have none."""
    here = address_at(life.world, life.sight.ip) if life.sight else None
    return here is not None and here.allocation_id == allocation_id


def test_two_clusters_of_one_name_share_a_table_and_touch_nothing_of_each_other(tmp_path: Path) -> None:
    a = ClusterSettings(name="a", nodes=1, replicas=2)
    b = ClusterSettings(name="b", nodes=1, replicas=1, flags={"cluster-name": "a"})
    with fault_world(tmp_path, a, b, flags=FAST) as world:
        ensure_pool(world)
        world.ec2.add_address(tags={"own": "ns/fixed-tag-value-twin"})
        ours = [serve_in(world, "a", number) for number in range(3)]
        world.settle()
        before = [allocation_of(life) for life in ours]
        theirs = [serve_in(world, "b", number) for number in range(3)]
        waiting = theirs[2]  # the one address with that name is the other cluster's
        heard(waiting, "own", "no free address", cluster="b")
        lose_leader(world)
        world.leader()
        for life in theirs[:2]:
            delete_in(life, "b")
        wait_looked(world, 4)
        assert [allocation_of(life) for life in ours] == before
        delete_in(ours[0], "a")
        delete_in(ours[2], "a")
        world.verdict(quiet_s=QUIET_S, bounds=RESTARTED, limit_s=LIMIT_S)
        assert [allocation_of(life) for life in (ours[1], waiting)] == before[1:]


def test_a_cluster_gets_another_name_and_loses_nothing(world: FaultWorld) -> None:
    lives = [new_life(world, mode) for mode in MODES]
    for life in lives:
        serve(life)
    world.settle()
    upstream = new_life(world, "auto")
    play(upstream, adopt)
    before = [allocation_of(life) for life in (*lives, upstream)]
    restart(world, {"cluster-name": "renamed"})
    wait_looked(world)
    world.settle(LIMIT_S)
    assert [allocation_of(life) for life in (*lives, upstream)] == before
    going, _, moving = lives
    move(moving)
    delete(going)
    delete(upstream)
    play(new_life(world, "auto"), serve)
    world.verdict(quiet_s=QUIET_S, bounds=RESTARTED, limit_s=LIMIT_S)
    assert not {before[0], before[3]} & set(world.ec2.world().addresses)


def test_claims_outside_a_narrowed_scope_are_kept_until_it_is_wide_again(world: FaultWorld) -> None:
    ensure_pool(world)
    inside = new_life(world, "auto")
    serve(inside)
    staying, going = (serve_in(world, "a", number, namespace="other") for number in (0, 1))
    world.settle()
    before = [allocation_of(life) for life in (inside, staying, going)]
    restart(world, {"watch-namespace": "ns"})
    delete_in(going, "a", namespace="other")
    waiting = serve_in(world, "a", 1, namespace="other")
    move(inside)
    world.ec2.disassociate(cut_by_hand(address_of(staying)))  # not in sight: nobody mends it
    wait_looked(world, 3)
    held = world.ec2.world().addresses
    assert held[before[2]].association is not None, "a Pod out of sight was taken for gone"
    assert held[before[1]].association is None
    assert before[1] in held, "an address of a Pod out of sight was released"
    wait_until(lambda: is_served_by(inside, before[0]), LIMIT_S, "the Pod in scope is served")
    restart(world, {"watch-namespace": None})
    world.verdict(quiet_s=QUIET_S, bounds=OUT_OF_SIGHT, limit_s=LIMIT_S)
    assert [allocation_of(life) for life in (inside, staying)] == before[:2]
    assert allocation_of(waiting)


@pytest.mark.again
def test_pods_go_out_of_a_narrowed_scope_and_their_ips_become_strangers(world: FaultWorld) -> None:
    going = serve_in(world, "a", 0, namespace="other")
    world.settle()
    address = allocation_of(going)
    restart(world, {"watch-namespace": "ns"})
    delete_in(going, "a", namespace="other")
    wait_looked(world, 2)
    assert world.ec2.world().addresses[address].association is not None
    restart(world, {"watch-namespace": "other"})  # not wide, but there
    world.verdict(quiet_s=QUIET_S, bounds=OUT_OF_SIGHT, limit_s=LIMIT_S)
    assert address not in world.ec2.world().addresses
