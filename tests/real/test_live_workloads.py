"""What users run: StatefulSets and Deployments on a cluster that lives by itself, with replicas that come and go.

Nothing here makes or deletes a Pod by hand unless a user would: controllers do it, and kwok gives the IPs.
"""

import itertools
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.world import ClusterSettings, WorldSettings
from tests.e2e.scene import PUBLIC_IP, QUICK, Scene, auto, fixed_value, running
from tests.real.cluster import RealCluster
from tests.real.host import RealHost
from tests.real.live import LiveWorld, workload

pytestmark = [pytest.mark.real, pytest.mark.timeout(300)]

SLOW_S = 60.0  # controllers, a scheduler, kwok and replicas on two processors
NODE_LOST_S = 120.0  # the controllers look for Pods without a Node every 20 s, and wait 40 s before they delete them
NUMBER = itertools.count(1)
Pod = dict[str, Any]


@pytest.fixture(scope="module")
def world(real_host: RealHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveWorld]:
    """A live cluster with three nodes and two replicas."""
    settings = WorldSettings(clusters=(ClusterSettings(name="a", nodes=3, replicas=2),), flags=QUICK)
    folder = tmp_path_factory.mktemp("live")
    with (
        RealCluster(live=True) as real,
        LiveWorld(settings, folder, host=real_host, real=real) as made,
        running(made),
    ):
        yield made


@pytest.fixture
def scene(world: LiveWorld) -> Iterator[Scene]:
    """A namespace of its own, and all replicas alive."""
    made = Scene(world, world.clusters["a"], f"live{next(NUMBER)}-{os.getpid()}")
    world.control.namespace(made.namespace)
    yield made
    for replica in world.replicas():
        if not replica.alive:
            replica.stop()  # closes the log of the one that ended
            replica.start()


def apply(scene: Scene, body: Pod) -> None:
    """Make or change the workload in the scene's namespace."""
    assert isinstance(scene.world, LiveWorld)
    scene.world.control.apply({**body, "metadata": {**body["metadata"], "namespace": scene.namespace}})


def pods(scene: Scene) -> list[Pod]:
    """All Pods of the namespace that have not been deleted."""
    return [pod for pod in scene.cluster.kube.pods(scene.namespace) if "deletionTimestamp" not in pod["metadata"]]


def served(scene: Scene, count: int, revision: str = "1") -> list[str]:
    """The allocations of all Pods if they are so many, of this revision, and each is served in EC2; else nothing."""
    found = pods(scene)
    if len(found) != count or any(pod["metadata"]["annotations"].get("revision") != revision for pod in found):
        return []
    at = {a.association.private_ip: a for a in scene.addresses() if a.association}
    holds = [at.get(pod["status"].get("podIP", "")) for pod in found]
    labels = [pod["metadata"].get("labels", {}).get(PUBLIC_IP) for pod in found]
    true = all(a and a.public_ip == label for a, label in zip(holds, labels, strict=True))
    return [a.allocation_id for a in holds if a] if true else []


def await_served(scene: Scene, count: int, revision: str = "1", limit_s: float = SLOW_S) -> list[str]:
    """Wait for it; the allocations."""
    found: list[str] = []

    def all_served() -> bool:
        found[:] = served(scene, count, revision)
        return bool(found)

    scene.eventually(all_served, f"{count} Pods of {revision} are served", limit_s)
    return found


def await_released(scene: Scene, allocations: list[str], limit_s: float = SLOW_S) -> None:
    """Wait until none of these addresses exists."""
    scene.eventually(lambda: not any(map(scene.address, allocations)), f"{allocations} are released", limit_s)


def ip_of(pod: Pod) -> str:
    """The Pod's IP, if it has one yet."""
    return str(pod["status"].get("podIP", ""))


def test_a_statefulset_pod_comes_back_to_its_own_address_while_a_stranger_gets_its_ip(scene: Scene) -> None:
    assert isinstance(scene.world, LiveWorld)
    control, key = scene.world.control, f"own-{scene.namespace}"
    own = scene.world.ec2.add_address(tags={key: f"{scene.namespace}/web-0"}).allocation_id
    apply(scene, workload("StatefulSet", "web", 1, fixed_value(key)))
    assert await_served(scene, 1) == [own]
    [first] = pods(scene)
    node, old_ip = first["spec"]["nodeName"], ip_of(first)
    control.real.kubectl("cordon", node)
    scene.delete("web-0")
    scene.eventually(lambda: [p for p in pods(scene) if ip_of(p) not in ("", old_ip)], "back with another IP", SLOW_S)
    control.real.kubectl("uncordon", node)
    for number in range(3):  # kwok gives an IP again once it is free
        control.pod(scene.namespace, f"stranger-{number}", node=node)
    scene.eventually(lambda: [p for p in pods(scene) if ip_of(p) == old_ip], "a stranger has the old IP", SLOW_S)

    def its_own() -> bool:
        held = scene.address(own)
        back = scene.cluster.kube.get_pod(scene.namespace, "web-0")
        return bool(held and held.association and held.association.private_ip == ip_of(back))

    scene.eventually(its_own, "its own address again", SLOW_S)
    assert not [a for a in scene.addresses() if a.association and a.association.private_ip == old_ip]


@pytest.mark.parametrize("kind", ["StatefulSet", "Deployment"])
def test_a_rolling_restart_leaves_every_pod_served_and_nothing_behind(scene: Scene, kind: str) -> None:
    apply(scene, workload(kind, "web", 3, auto()))
    before = await_served(scene, 3)
    apply(scene, workload(kind, "web", 3, auto(), revision="2"))
    after = await_served(scene, 3, "2")
    await_released(scene, sorted(set(before) - set(after)))


def test_a_namespace_that_is_deleted_with_its_pods_gives_back_all_addresses(scene: Scene) -> None:
    apply(scene, workload("Deployment", "web", 3, auto()))
    held = await_served(scene, 3)
    scene.cluster.kube.delete_namespace(scene.namespace)
    await_released(scene, held)


def test_a_deployment_on_a_lost_node_is_served_elsewhere(scene: Scene) -> None:
    apply(scene, workload("Deployment", "web", 2, auto()))
    before = await_served(scene, 2)
    name = pods(scene)[0]["spec"]["nodeName"]
    [node] = (node for node in scene.cluster.nodes if node.name == name)
    scene.world.lose_node(scene.cluster, node)

    def moved() -> bool:
        return len(found := pods(scene)) == 2 and all(pod["spec"].get("nodeName", name) != name for pod in found)

    scene.eventually(moved, "both Pods are on nodes that live", NODE_LOST_S)
    await_released(scene, sorted(set(before) - set(await_served(scene, 2))))


@pytest.mark.parametrize("end", ["terminate", "kill"])
def test_a_fail_over_in_the_middle_of_a_rolling_restart(scene: Scene, end: str) -> None:
    scene.eventually(lambda: all(r.alive for r in scene.cluster.replicas) and scene.cluster.leader(), "a leader")
    apply(scene, workload("StatefulSet", "web", 3, auto()))
    before = await_served(scene, 3)
    leader = scene.cluster.leader()
    assert leader is not None
    apply(scene, workload("StatefulSet", "web", 3, auto(), revision="2"))
    stop: Callable[[], None] = getattr(leader, end)
    stop()
    after = await_served(scene, 3, "2")
    scene.eventually(lambda: scene.cluster.leader() not in (None, leader), "another leads", SLOW_S)
    await_released(scene, sorted(set(before) - set(after)))
