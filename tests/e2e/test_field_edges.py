"""What went wrong once at the edges of identity, absence and words, and must not again."""

from pathlib import Path

import pytest

from tests.e2e.conftest import NewWorld
from tests.e2e.field import is_left_alone, machine, node, put, warnings
from tests.e2e.scene import TYPE, Scene, auto, fixed, running


def test_the_next_pod_of_an_interface_that_went_to_another_instance(scene: Scene) -> None:
    """The look that found the first one strayed serves the next."""
    own, stranger = machine(scene), machine(scene)
    home = node(scene, own)
    put(scene, "p", auto(), on=home, ip=own.ips[1])
    scene.served("p")
    scene.world.ec2.attach(own.interface_id, stranger.instance_id)
    scene.mark()
    scene.eventually(lambda: scene.at("p") is None, "what went along is cut", 20)
    put(scene, "q", auto(), on=home, ip=own.ips[2])
    is_left_alone(scene, "q", own.interface_id, stranger.instance_id)
    assert not [c for c in scene.calls("AssociateAddress") if c.params.get("PrivateIpAddress") == own.ips[2]]


@pytest.mark.parametrize("late_s", [1, 3])
def test_an_interface_that_is_attached_a_moment_after_its_first_look(scene: Scene, late_s: int) -> None:
    own, late = machine(scene), machine(scene, attached=False)
    put(scene, "p", auto(), on=node(scene, own), ip=late.ips[1])
    scene.stays(lambda: scene.at("p") is None, late_s, "not its own yet")
    scene.world.ec2.attach(late.interface_id, own.instance_id)
    scene.served("p", 15)


def test_an_interface_that_is_taken_off_its_instance_while_served(scene: Scene) -> None:
    own = machine(scene)
    put(scene, "p", auto(), on=node(scene, own), ip=own.ips[1])
    scene.served("p")
    scene.world.ec2.detach_interface(own.interface_id)
    scene.eventually(lambda: scene.at("p") is None, "cut", 20)
    is_left_alone(scene, "p", own.interface_id, "no instance")


def test_an_older_pod_got_the_ip_while_no_replica_ran(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "ns")
    own = machine(scene)
    home, ip = node(scene, own), own.ips[1]
    with running(world):
        scene.cluster.kube.pod("ns", "older", annotations=auto(), node=home)
        put(scene, "younger", auto(), on=home, ip=ip)
        scene.served("younger")
    scene.cluster.kube.set_ip("ns", "older", ip)
    scene.ips["older"] = ip
    with running(world):
        scene.served("older", 20)


@pytest.mark.parametrize("unseen", ["\u3000", "\ufe0f", "\u2800", "\u115f", "\U000e0041", "\u1680", "\ufff9"])
def test_other_characters_that_cannot_be_seen_are_shown(scene: Scene, unseen: str) -> None:
    scene.run("p", {TYPE: f"auto{unseen}"})
    scene.hears("p", "Warning EIPInvalid", limit_s=10)
    assert not [said for said in warnings(scene, "p") if unseen in said]


def test_a_refusal_of_the_policy_shows_what_cannot_be_seen(new_world: NewWorld, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("default: deny\nrules: [{name: ours, pools: [game], effect: allow}]")
    world = new_world(policy=str(policy))
    scene = Scene(world, world.clusters["a"], "ns")
    with running(world):
        scene.run("p", fixed("game\u200b"))
        scene.hears("p", "Warning EIPRefused", r"'game\u200b'", limit_s=10)


def test_a_repair_that_is_undone_is_a_metric(scene: Scene) -> None:
    scene.run("p", auto())
    scene.served("p")
    for _ in range(4):
        scene.cluster.kube.set_labels(scene.namespace, "p", {"aws-pod-eip-controller-public-ip": None})
        scene.served("p")
    body = (scene.cluster.replicas[0].get("/metrics") or b"").decode()
    assert [line for line in body.splitlines() if "contest" in line or "repair" in line or "mend" in line]


def test_who_shows_an_ip_that_another_has_and_never_had_an_address_is_told(scene: Scene) -> None:
    own, key = machine(scene), f"own-{scene.namespace}"
    home, ip = node(scene, own), own.ips[1]
    scene.cluster.kube.pod(scene.namespace, "older", annotations=auto(), node=home)
    put(scene, "stuck", fixed(key), on=home, ip=ip)
    scene.hears("stuck", "Warning EIPWaiting", key)
    scene.cluster.kube.set_ip(scene.namespace, "older", ip)
    scene.ips["older"] = ip
    scene.served("older")
    scene.hears("stuck", ip, f"{scene.namespace}/older", limit_s=65)
