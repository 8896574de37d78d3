"""A namespace asks for what EC2 does not give: it is asked for once for all, and others go on as if alone."""

from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from sandbox.ec2.settings import AWS_BUCKETS
from sandbox.kube.faults import Fault
from sandbox.world import ClusterSettings, wait_until
from tests.e2e.scene import Scene, auto
from tests.faults.neighbours import FLAGS, NO_POOL, cluster_for, past, run_many, scene, waited
from tests.faults.test_neighbours import THROTTLED, over_quota
from tests.faults.world import fault_world

pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


# Two fifths of the account's buckets: for them a hundred Pods are many.
SMALL = {
    name: {"capacity": bucket.capacity * 0.4, "refill_per_s": bucket.refill_per_s * 0.4}
    for name, bucket in AWS_BUCKETS.items()
}


def asked_once_at_a_time(where: Scene, *, most: int) -> None:
    """After its first tries, nobody asks for addresses more often than that in twenty seconds, nor two at once."""
    wait_until(past(10), 20, "the first tries are over")
    where.mark()
    wait_until(past(20), 30, "twenty seconds have gone")
    tries = sorted(where.calls("AllocateAddress"), key=lambda call: call.started_mono)
    assert len(tries) <= most, f"{len(tries)} calls in 20 s"
    assert all(a.ended_mono <= b.started_mono for a, b in pairwise(tries)), "two at once"


@pytest.mark.again
def test_over_quota_allocate_is_asked_for_once_at_a_time(tmp_path: Path) -> None:
    with fault_world(tmp_path, cluster_for(75), flags=FLAGS, ec2=THROTTLED | {"quota": 0}) as world:
        over_quota(world)
        asked_once_at_a_time(scene(world, "hostile"), most=5)


@pytest.mark.again
def test_a_pool_that_does_not_exist_is_asked_of_once_at_a_time(tmp_path: Path) -> None:
    with fault_world(tmp_path, cluster_for(120), flags=FLAGS, ec2=THROTTLED) as world:
        hostile = scene(world, "hostile")
        run_many(hostile, 100, auto(NO_POOL))
        asked_once_at_a_time(hostile, most=5)


@pytest.mark.parametrize("pools", [1, 100], ids=["one pool", "a pool for each"])
def test_a_pool_that_does_not_exist_holds_up_nobody_else(tmp_path: Path, pools: int) -> None:
    with fault_world(tmp_path, cluster_for(120), flags=FLAGS, ec2=THROTTLED | {"buckets": SMALL}) as world:
        quiet, hostile = scene(world, "quiet"), scene(world, "hostile")
        alone = [waited(quiet, f"before{number}", auto()) for number in range(7)]
        world.ec2.refill_buckets()
        for number in range(pools):
            run_many(hostile, 100 // pools, auto(f"{NO_POOL}{number}"), f"p{number}-")
        beside = [waited(quiet, f"beside{number}", auto()) for number in range(7)]
        assert median(beside) <= 2 * median(alone), (alone, beside)
        assert max(beside) <= 2 * max(alone) + 0.5, (alone, beside)
        tries = sum(call.code != "" for call in hostile.calls("AllocateAddress"))
        assert tries <= 10, "the calls of others are used up by those that bring nothing"


def test_a_slow_api_server_makes_nobody_wait_for_the_nodes_of_others(tmp_path: Path) -> None:
    """Each Node is read by one GET of half a second; forty Pods on forty Nodes come, and one on another."""
    cluster = ClusterSettings(name="a", nodes=42, replicas=2)
    with fault_world(tmp_path, cluster, flags=FLAGS) as world:
        world.clusters["a"].kube.inject(Fault(kind="delay", verb="get", resource="nodes", seconds=0.5))
        quiet, hostile = scene(world, "quiet"), scene(world, "hostile")
        for number in range(40):
            hostile.run(f"p{number}", auto(), node=number)
        quiet.run("one", auto(), node=41)
        quiet.served("one", limit_s=6.0)
