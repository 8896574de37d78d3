"""What a whole controller asks of EC2 over the life of its Pods is what `deploy/iam` allows, and no less."""

from tests.e2e.conftest import NewWorld
from tests.e2e.scene import MUTATIONS, PREFIX, TYPE, Scene, auto, fixed, fixed_value, running
from tests.iam.questions import POOL, denied, of_log


def test_every_call_of_a_controller_is_allowed(new_world: NewWorld) -> None:
    world = new_world(extra_tags="CostCenter=42")
    scene = Scene(world, world.clusters["a"], "ns")
    for value in ("", "ns/r"):
        world.ec2.add_address(tags={POOL: value})
    scene.run("old", auto(), node=0)
    given_out = {TYPE: "auto", PREFIX + "cluster-name": "a", PREFIX + "pod": "ns/old"}
    old = world.ec2.add_address(tags=given_out).allocation_id
    world.ec2.associate(old, scene.cluster.nodes[0].interface_id, scene.ips["old"])
    with running(world):
        for name, annotations in {"p": auto(), "q": fixed(POOL), "r": fixed_value(POOL)}.items():
            scene.run(name, annotations)
        held = {name: scene.served(name).allocation_id for name in ("old", "p", "q", "r")}
        for name in held:
            scene.delete(name)
        scene.eventually(lambda: {a.allocation_id for a in scene.addresses()} == {held["q"], held["r"]}, "released")
        scene.eventually(lambda: scene.free(held["q"]) and scene.free(held["r"]), "the pool is free")
    asked = of_log(world.ec2)
    assert asked.keys() >= {*MUTATIONS} - {"CreateTags"}
    uid = scene.cluster.kube.cluster_uid()
    for name in ("install", "install-no-take-over"):
        assert [denied(name, checks, CLUSTER_UID=uid, CLUSTER_NAME="a") for checks in asked.values()] == [[]] * len(
            asked
        )
    assert denied("install", asked["ReleaseAddress"], CLUSTER_UID="another", CLUSTER_NAME="a")
