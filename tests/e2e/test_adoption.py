"""Addresses that the Go controller has given out are taken over where they are: no mutation, no cut."""

from sandbox.world import World
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import MUTATIONS, PREFIX, PUBLIC_IP, TYPE, Scene, auto, fixed, running


def _given_out(scene: Scene, world: World, name: str, mode: str, pool: dict[str, str] | None = None) -> str:
    """What the Go controller leaves: tags without UIDs, an association, labels on the Pod."""
    annotations = auto() if mode == "auto" else fixed(next(iter(pool or {"": ""})))
    scene.run(name, annotations, node=0)
    upstream = {TYPE: mode, PREFIX + "cluster-name": "a", PREFIX + "pod": f"{scene.namespace}/{name}"}
    address = world.ec2.add_address(tags={**upstream, **(pool or {})})
    interface = scene.cluster.nodes[0].interface_id
    world.ec2.associate(address.allocation_id, interface, scene.ips[name])
    labels: dict[str, str | None] = {PUBLIC_IP: address.public_ip, TYPE: mode}
    scene.cluster.kube.set_labels(scene.namespace, name, labels)
    return address.allocation_id


def test_live_pods_keep_what_the_go_controller_gave_them(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    own = _given_out(scene, world, "p", "auto")
    pooled = _given_out(scene, world, "q", "fixed-tag", {"pool": "x"})
    with running(world):
        replica = world.clusters["a"].replicas[0]
        scene.eventually(
            lambda: [p["phase"] for p in (replica.status() or {"pods": []})["pods"]] == ["associated"] * 2, "adopted"
        )
        scene.stays(lambda: not scene.calls(*MUTATIONS), 3, "no mutation")
        assert scene.served("p").allocation_id == own
        assert scene.served("q").allocation_id == pooled
        scene.delete("p")
        scene.delete("q")
        scene.eventually(lambda: scene.address(own) is None, "the adopted auto address is released")
        scene.eventually(lambda: scene.free(pooled), "the adopted pool address is free")


def test_what_the_go_controller_left_behind_is_cut_on_our_own_nodes(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    own = _given_out(scene, world, "p", "auto")
    pooled = _given_out(scene, world, "q", "fixed-tag", {"pool": "x"})
    foreign = world.ec2.add_address(tags={"mine": "by hand"}).allocation_id
    world.ec2.associate(foreign, scene.cluster.nodes[0].interface_id, scene.cluster.nodes[0].ips[20])
    scene.delete("p")
    scene.delete("q")
    with running(world):
        scene.eventually(lambda: scene.address(own) is None, "cut and released")
        scene.eventually(lambda: scene.free(pooled), "cut, not released")
        assert scene.address(foreign) is not None
        assert not scene.free(foreign)


def test_an_address_whose_node_is_not_ours_is_left_alone(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    upstream = {TYPE: "auto", PREFIX + "cluster-name": "a", PREFIX + "pod": "ns/gone"}
    elsewhere = world.ec2.add_interface("10.77.0.4", instance_id="i-other")
    address = world.ec2.add_address(tags=upstream)
    world.ec2.associate(address.allocation_id, elsewhere.interface_id, "10.77.0.4")
    loose = world.ec2.add_address(tags=upstream)
    with running(world):
        scene.run("p", auto())
        scene.served("p")
        scene.stays(lambda: not scene.free(address.allocation_id), 6, "it is not ours for certain")
        assert scene.address(loose.allocation_id) is not None
