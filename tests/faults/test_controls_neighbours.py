"""The guards that keep a slow look off the loop: without them one Pod in a large VPC ends all service.

The scenario is played twice: as the program is, and with looks made by the loop itself, of the whole VPC.
"""

from pathlib import Path

import pytest

from sandbox.world import wait_until
from tests.e2e.scene import auto
from tests.faults.mutants import Edit, guarded_or_not, source_with, unless
from tests.faults.neighbours import FLAGS, cluster_for, fill_vpc, past, reign, scene, waits_until
from tests.faults.world import fault_world

pytestmark = [pytest.mark.faults, pytest.mark.control, pytest.mark.timeout(240)]
PAGES = 6  # of 1,000 interfaces
PAGE_S = 2.2  # all of them take longer than the renew deadline, each of them less than the time limit of a call
LOOKED_UP_BY_THE_LOOP = Edit(
    file="controller/engine/lookup_queue.py",
    text="self._pool.submit(self._look, kind, lane)",
    instead="self._look(kind, lane)",
)
OF_THE_WHOLE_VPC = Edit(
    file="controller/aws/interfaces.py",
    text='yield [*of_vpc(vpc_id), {"Name": name, "Values": batch}]',
    instead="yield of_vpc(vpc_id)",
)


@guarded_or_not
def test_without_them_one_pod_in_a_large_vpc_takes_leader_after_leader(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, LOOKED_UP_BY_THE_LOOP, OF_THE_WHOLE_VPC))
    ec2 = {"latency_by_action": {"DescribeNetworkInterfaces": PAGE_S}}
    with fault_world(tmp_path, cluster_for(29), flags=FLAGS, ec2=ec2, env=env) as world:
        fill_vpc(world, PAGES * 1000)
        cluster = world.clusters["a"]
        before = reign(cluster)
        cluster.kube.node("bare", ip="10.99.0.1")
        cluster.kube.pod("hostile", "lost", annotations=auto(), ip="10.99.0.5", node="bare")
        if guarded:
            waits_until(scene(world, "quiet"), past(30), 90)
            assert reign(cluster) == before
        else:
            wait_until(lambda: reign(cluster).transitions > before.transitions, 120, "the loop stops its leader", 0.3)
