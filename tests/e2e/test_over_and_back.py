"""A cluster goes over from the Go controller and back: no Pod's address changes, and it finds nothing to do."""

from sandbox.world import ClusterSettings
from tests.e2e import go_controller
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import MUTATIONS, TYPE, Scene, auto, fixed, fixed_value, running

POOL_ANNOTATION = "aws-samples.github.com/aws-pod-eip-controller-public-ipv4-pool"


def asked(scene: Scene) -> dict[str, dict[str, str]]:
    """The annotations of a Pod of each kind."""
    return {
        "plain": auto(),
        "amazon": auto("amazon"),
        "empty": {**auto(), POOL_ANNOTATION: ""},
        "pool": fixed(f"pool-{scene.namespace}"),
        "own": fixed_value(f"own-{scene.namespace}"),
    }


def tags_for(scene: Scene, name: str) -> dict[str, str]:
    """What a person tagged an address with, for the Pod of this kind to use."""
    tags = {"pool": {f"pool-{scene.namespace}": ""}, "own": {f"own-{scene.namespace}": f"{scene.namespace}/own"}}
    return tags.get(name, {})


def associations(scene: Scene) -> dict[str, str]:
    """Which association each address has."""
    return {a.allocation_id: a.association.association_id for a in scene.addresses() if a.association}


def nothing_to_do(scene: Scene) -> None:
    """The Go controller would leave each Pod alone, and finds each `auto` Pod's address by its tags."""
    for pod in scene.cluster.kube.pods(scene.namespace):
        name, annotations = pod["metadata"]["name"], pod["metadata"]["annotations"]
        assert go_controller.deviations(pod) == [], name
        if annotations[TYPE] == "auto":
            [found] = go_controller.found_for(scene, "a", name)
            assert found.association is not None
            assert found.association.private_ip == scene.ips[name]


def test_what_the_go_controller_served_stays_as_it_is_over_and_back(new_world: NewWorld) -> None:
    world = new_world(ClusterSettings(name="a", nodes=2, replicas=1))
    scene = Scene(world, world.clusters["a"], "ns")
    for name, annotations in asked(scene).items():
        scene.run(name, annotations, node=0)
        go_controller.serve(scene, name, tags_for(scene, name), interface=scene.cluster.nodes[0].interface_id)
    scene.run_on_host("host", auto(), node=1)
    go_controller.serve(scene, "host", {}, interface=scene.cluster.nodes[1].interface_id)
    nothing_to_do(scene)
    before = associations(scene)
    with running(world):
        replica = scene.cluster.replicas[0]
        scene.eventually(
            lambda: [p["phase"] for p in (replica.status() or {"pods": []})["pods"]] == ["associated"] * 6, "adopted"
        )
        scene.stays(lambda: not scene.calls(*MUTATIONS), 2, "no mutation")
    assert associations(scene) == before
    nothing_to_do(scene)


def test_what_ours_served_is_nothing_to_do_for_the_go_controller(new_world: NewWorld) -> None:
    world = new_world(ClusterSettings(name="a", nodes=2, replicas=1))
    scene = Scene(world, world.clusters["a"], "ns")
    for name in ("pool", "own"):
        world.ec2.add_address(tags=tags_for(scene, name))
    with running(world):
        for name, annotations in asked(scene).items():
            scene.run(name, annotations)
        scene.run_on_host("host", auto(), node=1)
        for name in (*asked(scene), "host"):
            scene.served(name)
        labels: dict[str, str | None] = {"aws-pod-eip-controller-public-ipv4-pool": "amazon"}
        scene.cluster.kube.set_labels(scene.namespace, "plain", labels)
        scene.eventually(
            lambda: not scene.label("plain", "aws-pod-eip-controller-public-ipv4-pool"),
            "a label without its annotation goes",
        )
        before = associations(scene)
    assert associations(scene) == before
    nothing_to_do(scene)
