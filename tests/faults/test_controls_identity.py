"""The guard of identity: a private IP is on an interface of the Pod's own machine, or nothing is associated with it.

The scenario is played twice: as the program is, and with the guard taken away, which makes a stranger's machine public.
"""

from pathlib import Path

import pytest

from sandbox.world import VPC, ClusterSettings, wait_until
from tests.e2e.scene import Scene, auto
from tests.faults.mutants import FAST, Edit, guarded_or_not, source_with, unless
from tests.faults.world import FaultWorld, fault_world

pytestmark = [pytest.mark.faults, pytest.mark.control, pytest.mark.timeout(240)]
ONE = ClusterSettings(name="a", nodes=2, replicas=1)
STRANGERS_IP = "10.66.0.9"
AN_IP_IS_ENOUGH = Edit(
    file="controller/core/ownership.py",
    text="    return branch or (instance_id is not None and placed.instance_id == instance_id)",
    instead="    return True",
)


def at_the_stranger(world: FaultWorld) -> bool:
    """Whether an address is associated with the stranger's IP."""
    shown = world.ec2.world().addresses.values()
    return any(a.association is not None and a.association.private_ip == STRANGERS_IP for a in shown)


@guarded_or_not
def test_without_the_machine_a_strangers_becomes_public(tmp_path: Path, guarded: bool) -> None:
    env = source_with(tmp_path / "source", *unless(guarded, AN_IP_IS_ENOUGH))
    with fault_world(tmp_path, ONE, flags=FAST, env=env) as world:
        scene = Scene(world, world.clusters["a"], "ns")
        world.ec2.add_interface(STRANGERS_IP, instance_id="i-stranger", vpc_id=VPC)
        node = scene.cluster.nodes[0].name
        scene.cluster.kube.pod("ns", "p", annotations=auto(), ip=STRANGERS_IP, node=node)
        scene.run("q", auto())
        scene.served("q")
        if guarded:
            scene.stays(lambda: not at_the_stranger(world), 8, "the stranger's machine stays private")
        else:
            wait_until(lambda: at_the_stranger(world), 30, "without the guard it becomes public")
        assert ("S5" in world.broken()) is not guarded
