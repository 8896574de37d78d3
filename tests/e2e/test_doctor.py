"""`doctor` as a person runs it: one line for each check, and an exit code that a script can read."""

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping

from sandbox.process import free_port
from sandbox.world import World, wait_until
from tests.e2e.conftest import NewWorld
from tests.e2e.test_credentials import agent_at

LIMIT_S = 120
NO_KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None, "AWS_SESSION_TOKEN": None}


def doctor(world: World, env: Mapping[str, str | None], *flags: str) -> tuple[int, list[str]]:
    """Its exit code and its lines."""
    services = {"DYNAMODB": world.dynamodb_url, "EC2": world.ec2_url, "IAM": world.ec2_url, "STS": world.ec2_url}
    endpoints = {f"AWS_ENDPOINT_URL_{name}": url for name, url in services.items()}
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_EC2_METADATA_DISABLED": "true"}
    wanted: dict[str, str | None] = {**os.environ, **endpoints, **keys, "PYTHONUTF8": "1", **env}
    given = {name: value for name, value in wanted.items() if value is not None}
    argv = [sys.executable, "-m", "controller", "doctor", "--region", "us-west-2", *flags]
    ended = subprocess.run(argv, env=given, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert not ended.stderr, ended.stderr
    return ended.returncode, ended.stdout.splitlines()


def make_table(world: World) -> None:
    """As a replica makes it when it starts."""
    [replica] = world.clusters["a"].replicas
    replica.start()
    try:
        wait_until(replica.ready, LIMIT_S, "it has made the table")
    finally:
        replica.stop()


def test_what_is_missing_is_named(new_world: NewWorld) -> None:
    world, table = new_world(), ("--table", f"missing-{uuid.uuid4()}")
    code, lines = doctor(world, NO_KEYS)
    assert code == 2
    assert lines[0].startswith("× credentials: no AWS credentials")
    code, lines = doctor(world, {}, *table)
    assert code == 2
    assert lines[0] == "√ credentials: from env; they do not expire"
    assert lines[1] == "√ ec2: DescribeAddresses is answered in us-west-2"
    assert lines[3].startswith("× table: ")
    assert not [line for line in lines if "dynamodb:" in line]
    assert any("table create" in line for line in lines)
    code, lines = doctor(world, {"AWS_ENDPOINT_URL": "nonsense", "AWS_ENDPOINT_URL_EC2": None}, *table)
    assert code == 2, lines


def test_credentials_that_nothing_renews_are_a_warning_and_those_of_a_role_are_fine(new_world: NewWorld) -> None:
    world, port = new_world(), free_port()
    table = ("--table", world.settings.table)
    make_table(world)
    code, lines = doctor(world, {"AWS_SESSION_TOKEN": "t"}, *table)
    assert code == 1
    assert lines[0].startswith("‼ credentials: from env; they are temporary, and nothing renews them")
    with agent_at(port):
        agent = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{port}/credentials"}
        code, lines = doctor(world, {**NO_KEYS, **agent}, *table)
    assert code == 0, lines
    assert lines[0].startswith("√ credentials: from container-role; they expire in ")
    assert lines[3] == f"√ table: table {world.settings.table} has the right keys"
    assert "- kubernetes: not looked at: no kubeconfig is set, and this is no Pod (--kubeconfig)" in lines
