"""The whole product runs from what the image has: whatever the slimming took too much of is missed here."""

import os
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import click
import pytest

from controller.surface import cli
from deploy.image import slim
from sandbox.world import ClusterSettings, World, WorldSettings, wait_until
from tests.e2e.scene import STEADY, Scene, auto, running
from tests.fakes.otlp import Receiver
from tests.image import aws

LIMIT_S = 90
MODULES = """
import importlib, pkgutil
for name in ("controller", "state"):
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, name + "."):
        importlib.import_module(module.name)
"""
CLIENTS = """
import boto3, botocore.session, sys
for name in sys.argv[1:]:
    for session in (botocore.session.get_session().create_client, boto3.client):
        assert session(name, region_name="us-west-2").meta.service_model.service_name == name
"""
COMMANDS = """
import sys
from controller.__main__ import main
for words in sys.argv[1:]:
    sys.argv = ["aws-pod-eip-controller", *words.split(), "--help"]
    try:
        main()
    except SystemExit as end:
        assert not end.code
"""
INSTALLERS = """
import importlib.util, sys
sys.path = [path for path in sys.path if "site-packages" in path]
print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])
"""
CALL = """
import sys
from controller.kube.connection import Call, connect
print(connect(sys.argv[1], version="1").send(Call(verb="get", resource="pods", path="/api")).decode())
"""
IN_A_POD = """
import sys
from kubernetes.client import ApiClient, Configuration
from kubernetes.config.incluster_config import InClusterConfigLoader
found, where = Configuration(), {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}
InClusterConfigLoader(sys.argv[1], sys.argv[2], environ=where).load_and_set(found)
print(ApiClient(found).param_serialize("GET", "/api", auth_settings=["BearerToken"])[2]["authorization"])
"""
KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: c
contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{server}"}}}}]
users: [{{name: u, user: {user}}}]
"""
API = "client.authentication.k8s.io/v1"
PLUGIN = f'{{{{exec: {{{{apiVersion: {API}, interactiveMode: Never, command: cat, args: ["{{said}}"]}}}}}}}}'
SAID = f'{{"apiVersion": "{API}", "kind": "ExecCredential", "status": {{"token": "theirs"}}}}'
AUTHORITY = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"


def run(python: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run it where nothing but its own packages can be imported."""
    given = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "PYTHONWARNINGS": "error", **(env or {})}
    argv, folder = [str(python), *words], python.parent
    return subprocess.run(argv, env=given, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def said(python: Path, *words: str, env: dict[str, str] | None = None) -> str:
    """What it printed; it must have gone well."""
    ended = run(python, *words, env=env)
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stderr
    return ended.stdout.strip()


def commands(group: click.Group, *before: str) -> Iterator[tuple[str, ...]]:
    """The words of each command, the group's own among them."""
    yield before
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield (*before, name)


def all_commands() -> list[tuple[str, ...]]:
    """Of the program."""
    made = cli.commands(
        print, print, release_cluster=_never, release_orphans=_never, examine=lambda *_: (), look=lambda *_: {}
    )
    return list(commands(made))


def _never(*_: object) -> bool:
    raise AssertionError("a command that only tells its usage was run")


def test_each_command_tells_how_it_is_used(slim_python: Path) -> None:
    words = all_commands()
    told = said(slim_python, "-c", COMMANDS, *map(" ".join, words))
    assert told.count("Usage: aws-pod-eip-controller") == len(words) > 5


def test_each_module_of_ours_can_be_imported(slim_python: Path) -> None:
    assert said(slim_python, "-c", MODULES) == ""


def test_there_is_a_client_of_each_service(slim_python: Path) -> None:
    said(slim_python, "-c", CLIENTS, *slim.SERVICES)


def test_there_is_none_of_another(slim_python: Path) -> None:
    assert "UnknownServiceError" in run(slim_python, "-c", CLIENTS, "s3").stderr


@pytest.mark.parametrize(
    ("profile", "method"),
    [
        ("web", "assume-role-with-web-identity"),
        ("sso", "sso"),
        ("role", "assume-role"),
        ("keys", "config-file"),
    ],
)
def test_credentials_come_from_each_of_their_sources(
    slim_python: Path, tmp_path: Path, profile: str, method: str
) -> None:
    env = {**aws.write_profiles(tmp_path), "AWS_PROFILE": profile}
    with aws.givers() as where:
        ended = run(slim_python, "-m", "controller", "doctor", "--region", "us-west-2", env={**env, **where})
    assert ended.stdout.splitlines()[0].startswith(f"√ credentials: from {method};"), ended


def test_no_installer_can_be_imported(slim_python: Path) -> None:
    assert said(slim_python, "-c", INSTALLERS, *slim.INSTALLERS, "json", "click") == "['click']"


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that answers with the token that it was given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = str(self.headers["Authorization"]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.mark.parametrize("kind", ["token", "plugin"])
def test_a_kubeconfig_gives_a_token(slim_python: Path, tmp_path: Path, echo: str, kind: str) -> None:
    (tmp_path / "said").write_text(SAID)
    user = "{token: theirs}" if kind == "token" else PLUGIN.format(said=tmp_path / "said")
    (tmp_path / "config").write_text(KUBECONFIG.format(server=echo, user=user))
    answer = said(slim_python, "-c", CALL, str(tmp_path / "config"), env={"NO_PROXY": "127.0.0.1"})
    assert answer == "Bearer theirs"


def test_a_pod_gives_a_token(slim_python: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("of the Pod")
    (tmp_path / "ca").write_text(AUTHORITY)
    assert (
        said(slim_python, "-c", IN_A_POD, str(tmp_path / "token"), str(tmp_path / "ca")).lower() == "bearer of the pod"
    )


def test_a_replica_serves_a_pod_and_sends_its_trace(slim_python: Path, tmp_path: Path) -> None:
    """Server, election, ledger, EC2, watch, labels, events and OTLP: as in life."""
    clusters = (ClusterSettings(name="a", replicas=1),)
    with Receiver() as receiver:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        settings = WorldSettings(
            clusters=clusters, dynamodb="moto", kubelet_seconds=0.5, flags=STEADY, env=env, python=str(slim_python)
        )
        with World(settings, tmp_path) as world, running(world):
            scene = Scene(world, world.clusters["a"], "ns")
            scene.run("p", auto())
            assert scene.served("p")
            scene.delete("p")
            scene.eventually(lambda: not scene.addresses(), "the address is released")
            wait_until(lambda: "serve Pod" in {span.name for span in receiver.spans}, LIMIT_S, "the trace has arrived")
            [replica] = world.replicas()
            assert replica.get("/metrics")
            assert replica.get("/") is not None
