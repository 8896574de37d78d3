"""Pods by the hundred come and go, and strangers have their IPs at once; no address stays there beyond the bound."""

from pathlib import Path

import pytest

from sandbox.world import ClusterSettings
from tests.e2e.scene import auto, fixed
from tests.faults.crowds import (
    CHURNED,
    DELETED,
    FULL,
    NAMESPACE,
    WAVE,
    come,
    crowd,
    places,
    remove_strangers,
    replace_with_strangers,
    wait_all_gone,
    wait_served,
)
from tests.faults.ends import lose_leader
from tests.faults.world import fault_world
from tests.history import Bounds

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800 if FULL else 300)]
# The sandbox's table takes a second and more to read the claims of many Pods: the default times are needed for that.
UNHURRIED = {"lease-duration": "15", "renew-deadline": "10", "retry-period": "2", "call-timeout": "4"}
FAST = {"poll-interval": "0.5", "resync-period": "4"} | UNHURRIED
RENEW_S, FAILOVER_S = 10.0, 40.0
IPS_OF_A_NODE = 29
QUIET_S = 2.0
LIMIT_S = 120.0
BUCKET, REFILL = 50, 5.0  # AWS's defaults for each of the four mutations


def test_pods_are_churned_and_strangers_have_their_ips_at_once(tmp_path: Path) -> None:
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path, cluster, flags=FAST) as world:
        for _ in range(WAVE):
            world.ec2.add_address(tags={"pool": ""})
        at = places(world, WAVE)
        for wave in range(CHURNED // WAVE):
            for number, place in enumerate(at):
                come(world, f"wave-{wave}-{number}", place, auto() if number % 2 else fixed("pool"))
            wait_served(world, at, LIMIT_S)
            replace_with_strangers(world, wave, at)
            if wave == 1:
                world.start(lose_leader(world))
            wait_all_gone(world, LIMIT_S)
            remove_strangers(world, wave, at)
        bounds = Bounds(renew_deadline_s=RENEW_S, failover_s=FAILOVER_S, misplaced_s=60.0 if FULL else 30.0)
        world.verdict(quiet_s=QUIET_S, bounds=bounds, limit_s=LIMIT_S)


@pytest.mark.parametrize("throttle", [False, True], ids=["as-fast-as-can-be", "with-the-default-buckets"])
def test_a_namespace_is_deleted_with_all_its_pods(
    tmp_path: Path, request: pytest.FixtureRequest, throttle: bool
) -> None:
    cluster = ClusterSettings(name="a", nodes=DELETED // IPS_OF_A_NODE + 1, replicas=2)
    queue_s = (DELETED - BUCKET) / REFILL if throttle else 0.0
    with fault_world(tmp_path, cluster, flags=FAST, ec2={"throttle": throttle}) as world:
        crowd(world, DELETED, LIMIT_S + 2 * queue_s)
        world.ec2.refill_buckets()
        world.clusters["a"].kube.delete_namespace(NAMESPACE)
        took = wait_all_gone(world, LIMIT_S + 2 * queue_s)
        request.node.user_properties.append(("cut_in_s", round(took, 1)))
        most_s = 40.0 + 1.5 * queue_s
        bounds = Bounds(renew_deadline_s=RENEW_S, misplaced_s=most_s, unclaimed_s=most_s)
        limit_s = LIMIT_S + 2 * queue_s
        world.verdict(quiet_s=QUIET_S, bounds=bounds, limit_s=limit_s)
        assert not any("pod-uid" in key for a in world.ec2.world().addresses.values() for key in a.tags)


@pytest.mark.again
def test_a_namespace_is_deleted_while_the_leader_dies(tmp_path: Path) -> None:
    cluster = ClusterSettings(name="a", nodes=2, replicas=2)
    with fault_world(tmp_path, cluster, flags=FAST, ec2={"throttle": True}) as world:
        crowd(world, WAVE, LIMIT_S)
        world.clusters["a"].kube.delete_namespace(NAMESPACE)
        world.start(lose_leader(world))
        bounds = Bounds(renew_deadline_s=RENEW_S, failover_s=FAILOVER_S, misplaced_s=60.0, unclaimed_s=60.0)
        world.verdict(quiet_s=QUIET_S, bounds=bounds, limit_s=LIMIT_S)
