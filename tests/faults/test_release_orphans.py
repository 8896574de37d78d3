"""`release-orphans` as a process, beside a controller that lives."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.replica import clean_environment
from sandbox.world import REGION, ClusterSettings
from tests.e2e.scene import Scene, auto
from tests.faults.world import FaultWorld, fault_world

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[FaultWorld]:
    """A world of one cluster."""
    with fault_world(tmp_path, ClusterSettings(name="a", replicas=1)) as made:
        yield made


def command(world: FaultWorld, *words: str) -> tuple[int, str]:
    """Run it past the doors; its exit code, and all that it said."""
    env = {
        **clean_environment(),
        "AWS_ACCESS_KEY_ID": "operator",
        "AWS_ENDPOINT_URL_EC2": world.ec2_url,
        "AWS_ENDPOINT_URL_DYNAMODB": world.dynamodb_url,
    }
    argv = [sys.executable, "-m", "controller", "release-orphans", *words, "--region", REGION]
    done = subprocess.run(
        [*argv, "--table", world.settings.table],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_what_only_its_tags_call_ours_goes_and_what_a_pod_has_stays(world: FaultWorld) -> None:
    scene = Scene(world, world.clusters["a"], "ns")
    scene.run("p", auto())
    served = scene.served("p")
    forged = world.ec2.add_address(tags={**served.tags, "Name": "whose?"}).allocation_id
    other = world.ec2.add_address(tags={"pool": ""}).allocation_id
    uid = scene.cluster.kube.cluster_uid()
    code, said = command(world, uid)
    assert (code, "--yes" in said) == (2, True), said
    assert scene.address(forged) is not None
    code, said = command(world, "nobody", "--yes")
    assert (code, uid in said) == (2, True), said
    code, said = command(world, "a", "--yes")
    assert (code, "nothing is left" in said, "Name = whose?" in said) == (0, True, True), said
    assert scene.address(forged) is None
    assert scene.address(other) is not None
    assert scene.served("p") == served
    code, said = command(world, "a", "--yes")
    assert (code, "there is no such address" in said) == (0, True), said
