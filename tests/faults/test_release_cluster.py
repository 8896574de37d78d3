"""`release-cluster` as a process, on a cluster that beats and on one that is gone."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.replica import clean_environment
from sandbox.world import REGION, ClusterSettings
from tests.e2e.scene import Scene, auto, fixed
from tests.faults.hastened import QUICKLY
from tests.faults.mutants import source_with
from tests.faults.world import FaultWorld, fault_world

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
ONE = ClusterSettings(name="a", replicas=1)


def command(world: FaultWorld, source: Mapping[str, str], *words: str) -> tuple[int, str]:
    """Run it past the doors; its exit code, and all that it said."""
    env = {
        **clean_environment(),
        **source,
        "AWS_ACCESS_KEY_ID": "operator",
        "AWS_ENDPOINT_URL_EC2": world.ec2_url,
        "AWS_ENDPOINT_URL_DYNAMODB": world.dynamodb_url,
    }
    settings = ("--region", REGION, "--table", world.settings.table, "--consistency-time", "2")
    argv = [sys.executable, "-m", "controller", "release-cluster", *words, *settings]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=150, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_dead_cluster_is_released_and_a_living_one_is_not(tmp_path: Path) -> None:
    source = source_with(tmp_path / "source", *QUICKLY)
    with fault_world(tmp_path, ONE, env=source) as world:
        scene = Scene(world, world.clusters["a"], "ns")
        pool = world.ec2.add_address(tags={"pool": ""}).allocation_id
        scene.run("f", fixed("pool"))
        scene.run("a", auto())
        scene.served("f")
        own = scene.served("a").allocation_id
        code, said = command(world, source, "a", "--yes")
        assert (code, "InstallLives" in said) == (1, True), said
        code, said = command(world, source, "nobody", "--yes")
        assert code == 2
        assert scene.cluster.kube.cluster_uid() in said
        world.kill(world.leader())
        code, said = command(world, source, scene.cluster.kube.cluster_uid(), "--yes")
        assert (code, "nothing is left" in said) == (0, True), said
        assert scene.free(pool)
        assert scene.address(own) is None
        assert command(world, source, "a", "--yes")[0] == 2
