"""A policy is enforced by real replicas, followed when its file changes, and a wrong file harms nobody."""

from pathlib import Path

from sandbox.world import ClusterSettings
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import Scene, fixed, running

DENY = "rules: [{name: ours, namespaces: ['n?'], pools: ['po*'], effect: deny}]"


def errors(scene: Scene) -> list[str]:
    """What each replica says is wrong with the policy's file."""
    found = [replica.status() or {"policy": {}} for replica in scene.cluster.replicas]
    return [str(status["policy"].get("error")) for status in found]


def test_refused_served_limited_and_broken(new_world: NewWorld, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(DENY)
    world = new_world(ClusterSettings(name="a", replicas=2), policy=str(path), resync_period="300")
    scene = Scene(world, world.clusters["a"], "ns")
    for _ in range(3):
        world.ec2.add_address(tags={"pool": ""})
    with running(world):
        scene.run("p", fixed("pool"))
        scene.hears("p", "Warning EIPRefused", "rule 'ours'", "mode fixed-tag with pool 'pool'")
        assert scene.at("p") is None
        # A standby knows it too.
        scene.eventually(lambda: {_phase(r.status()) for r in scene.cluster.replicas} == {"refused"}, "it is shown")

        path.write_text("limits: [{name: one, addresses: 1}]")
        scene.served("p")
        scene.run("q", fixed("pool"))
        scene.hears("q", "Warning EIPRefused", "limit 'one'", "have 1 at most, and it has 1")

        path.write_text("limit: []")
        _is_told_broken(scene)
        assert scene.at("p")
        assert scene.at("q") is None
        scene.delete("p")
        scene.served("q")


def _is_told_broken(scene: Scene) -> None:
    scene.eventually(lambda: all("unknown field `limit`" in e for e in errors(scene)), "it is told")
    replica = scene.cluster.replicas[0]
    scene.eventually(lambda: b"pod_eip_policy_broken 1.0" in (replica.get("/metrics") or b""), "it is counted")


def test_a_wrong_policy_at_the_start_ends_it_with_the_reason(new_world: NewWorld, tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text("rules:\n  - {name: a, effects: deny}\n")
    world = new_world(policy=str(path))
    replica = world.clusters["a"].replicas[0]
    replica.start()
    assert replica.wait_end(30) == 2
    said = replica.tail()
    assert "error: --policy (PEC_POLICY): " in said
    assert "unknown field `effects` - at `$.rules[0]`" in said


def _phase(status: dict[str, list[dict[str, str]]] | None) -> str:
    return status["pods"][0]["phase"] if status and status["pods"] else ""
