"""`explain` as a person runs it: of the leader, of a standby, and by itself with rights to read and no more."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from sandbox.world import REGION, VPC, ClusterSettings, World, wait_until
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import MUTATIONS, Scene, auto, fixed, running
from tests.fakes.dynamodb_proxy import Proxy
from tests.iam.questions import denied, of_log

LIMIT_S = 60
READS = {"DescribeAddresses", "DescribeNetworkInterfaces", "DescribeAccountAttributes"}
LEDGER_READS = {"Query", "BatchGetItem", "DescribeTable"}
POLICY = "default: allow\nrules: [{name: no-strangers, effect: deny, namespaces: [strangers]}]\n"


def explain(world: World, *words: str, dynamodb: str = "") -> subprocess.CompletedProcess[str]:
    """The command on this machine, with the world's endpoints, whatever it ends with."""
    endpoints = {"AWS_ENDPOINT_URL_EC2": world.ec2_url, "AWS_ENDPOINT_URL_DYNAMODB": dynamodb or world.dynamodb_url}
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true"}
    env = {**os.environ, **endpoints, **keys, "PYTHONUTF8": "1"}
    argv = [sys.executable, "-m", "controller", "explain", *words]
    return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def asked(world: World, port: int, pod: str) -> Mapping[str, Any]:
    """What the replica at this port says."""
    ended = explain(world, pod, "-o", "json", "--url", f"http://127.0.0.1:{port}")
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def directly(world: World, pod: str, *words: str, dynamodb: str = "") -> subprocess.CompletedProcess[str]:
    """What can be seen without a replica."""
    cluster = world.clusters["a"]
    place = (f"--kubeconfig={cluster.kubeconfig}", f"--region={REGION}", f"--vpc-id={VPC}")
    table = (f"--table={world.settings.table}", "--direct")
    return explain(world, pod, *place, *table, *words, dynamodb=dynamodb)


def test_each_replica_explains_and_a_reader_may_by_itself(new_world: NewWorld, tmp_path: Any) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    world = new_world(ClusterSettings(name="a", replicas=2), policy=str(tmp_path / "policy.yaml"))
    scene, others = (Scene(world, world.clusters["a"], name) for name in ("games", "strangers"))
    scene.run("served", auto())
    scene.run("waits", fixed("empty"))
    others.run("refused", auto())
    with running(world):
        address = scene.served("served")
        leader = world.clusters["a"].leader()
        assert leader is not None
        standby = next(replica for replica in world.replicas() if replica is not leader)
        wait_until(standby.ready, LIMIT_S, "the standby is ready")

        found = asked(world, leader.port, "games/served")
        assert (found["verdict"], found["answered_by"]["leads"]) == ("served", True)
        assert address.public_ip in found["summary"]
        wait_until(lambda: asked(world, leader.port, "games/waits")["reason"] == "POOL", LIMIT_S, "it waits")
        found = asked(world, leader.port, "games/waits")
        assert "no address carries the tag key 'empty'" in found["summary"]
        assert found["remedy"][0].startswith("Tag an Elastic IP of this account")
        assert found["next_try_s"] <= 2.1
        found = asked(world, leader.port, "strangers/refused")
        assert (found["verdict"], found["reason"]) == ("refused", "REFUSED")
        assert "rule 'no-strangers'" in found["policy"][0]

        found = asked(world, standby.port, "strangers/refused")
        assert (found["verdict"], found["answered_by"]["leads"]) == ("refused", True), found["answered_by"]
        assert any("a standby, handed this on" in note for note in found["answered_by"]["notes"])
        assert explain(world, "games/nobody", "--url", f"http://127.0.0.1:{leader.port}").returncode == 1

        scene.mark()
        with Proxy(world.dynamodb_url) as proxy:
            served, waits, gone = (
                directly(world, pod, "-o", "json", dynamodb=proxy.url)
                for pod in ("games/served", "games/waits", "games/nobody")
            )
            operations = {seen.operation for seen in proxy.seen}
    assert served.returncode == waits.returncode == 0, (served.stderr, waits.stderr)
    assert gone.returncode == 1
    assert json.loads(served.stdout)["verdict"] == "served"
    found = json.loads(waits.stdout)
    assert (found["verdict"], found["reason"]) == ("waiting", "POOL")
    assert any(" leads" in note for note in found["answered_by"]["notes"])
    assert operations
    assert operations <= LEDGER_READS


def test_what_looks_by_itself_is_what_the_read_only_policy_allows(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "games")
    with running(world):
        scene.run("served", auto())
        scene.served("served")
    scene.run("next", auto())
    before = len(world.ec2.log())
    seen = scene.cluster.kube.version() if hasattr(scene.cluster.kube, "version") else 0
    ended = directly(world, "games/next", "--lease-name", "aws-pod-eip-controller", "-o", "json")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["plan"] == ["Intend", "Allocate", "Claim", "Associate", "Record", "Label"]
    assert "No replica leads" in found["answered_by"]["notes"][0]
    made = {call.action for call in world.ec2.log()[before:]}
    assert made
    assert made <= READS
    assert not made & set(MUTATIONS)
    assert [denied("read-only", checks) for action, checks in of_log(world.ec2).items() if action in made] == [
        []
    ] * len(made)
    assert seen == (scene.cluster.kube.version() if hasattr(scene.cluster.kube, "version") else 0), (
        "nothing was patched"
    )


def test_where_nothing_can_be_read_it_says_what_to_name(new_world: NewWorld) -> None:
    world = new_world()
    scene = Scene(world, world.clusters["a"], "games")
    scene.run("a", auto())
    ended = directly(world, "games/a")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "error: " in ended.stderr
    assert "Traceback" not in ended.stderr
