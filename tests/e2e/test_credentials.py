"""The agent that gives credentials, or instance metadata, comes up after the replica: it waits, and then serves."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from sandbox.process import free_port
from sandbox.replica import Replica
from sandbox.world import VPC, ClusterSettings, wait_until
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import Scene, auto

SOON_S = 12.0


class Agent(BaseHTTPRequestHandler):
    """Answers like the agent of EKS Pod Identity, and like instance metadata of version 2."""

    life = timedelta(days=30)

    def do_GET(self) -> None:
        """Credentials, or a piece of metadata."""
        if self.path == "/credentials":
            end = datetime.now(UTC) + self.life
            key = {"AccessKeyId": "late", "SecretAccessKey": "s", "Token": "t"}
            self._say(json.dumps({**key, "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")}))
        elif self.path.endswith("/mac"):
            self._say("02:00:00:00:00:01")
        else:
            self._say(VPC if self.path.endswith("/vpc-id") else "us-west-2")

    def do_PUT(self) -> None:
        """The token of a session with metadata."""
        self._say("session")

    def log_message(self, format: str, *args: object) -> None:
        """Be silent."""

    def _say(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Stingy(Agent):
    """One whose credentials live for seconds."""

    life = timedelta(seconds=15)


@contextmanager
def agent_at(port: int, kind: type[Agent] = Agent) -> Iterator[None]:
    """The agent listens here."""
    server = ThreadingHTTPServer(("127.0.0.1", port), kind)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def without_keys(replica: Replica, port: int) -> None:
    """The replica asks the agent for its credentials."""
    address = f"http://127.0.0.1:{port}/credentials"
    gone = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
    replica.change({}, {**gone, "AWS_CONTAINER_CREDENTIALS_FULL_URI": address})


def gauges(replica: Replica) -> dict[str, float]:
    """The metrics that tell how long its parts have waited, in seconds."""
    lines = (replica.get("/metrics") or b"").decode().splitlines()
    found = (re.fullmatch(r"pod_eip_(\w+)_seconds (\S+)", line) for line in lines)
    return {match[1]: float(match[2]) for match in found if match}


def test_credentials_that_come_late_are_used_at_once(new_world: NewWorld) -> None:
    world, port = new_world(), free_port()
    scene = Scene(world, world.clusters["a"], "ns")
    [replica] = scene.cluster.replicas
    without_keys(replica, port)
    scene.run("p", auto())
    replica.start()
    try:
        wait_until(lambda: "no AWS credentials" in replica.readiness(), 60, "it says what it waits for")
        scene.stays(lambda: replica.alive and not replica.leads(), 4, "it neither ends nor leads")
        scene.eventually(lambda: "AWS credentials: NoCredentials" in replica.readiness(), "that is no late agent")
        scene.hears("p", "serves nobody", "no AWS credentials", "the controller's ServiceAccount")
        said = replica.tail(10_000)
        assert "not ready: this replica may not do what it must: AWS credentials" in said
        assert said.count("no AWS credentials could be had") == 1
        assert "Traceback" not in said
        with agent_at(port):
            assert scene.served("p", SOON_S)
            wait_until(replica.ready, 10, lambda: f"ready, and not: {replica.readiness()}")
            shown = gauges(replica)
            assert shown["credentials_expire"] > 86_400
            assert shown["watch_silent"] < 60
            assert (shown["writer_waiting"] < 5, shown["term_beginning"]) == (True, 0)
    finally:
        replica.stop()


def test_credentials_that_are_lost_are_told_at_once(new_world: NewWorld) -> None:
    """And not when rights are asked for the next time, ten minutes later."""
    world, port = new_world(), free_port()
    [replica] = world.replicas()
    without_keys(replica, port)
    with agent_at(port, Stingy):
        replica.start()
        wait_until(replica.ready, 60, "it is ready")
    try:
        words = "not ready: this replica may not do what it must: AWS credentials"
        wait_until(lambda: words in replica.tail(10_000), 90, lambda: f"told, and not: {replica.readiness()}")
        assert not replica.ready()
        with agent_at(port):
            wait_until(replica.ready, 60, "it is ready again")
    finally:
        replica.stop()


def test_who_has_no_credentials_leaves_the_lead_to_who_has(new_world: NewWorld) -> None:
    world = new_world(ClusterSettings(name="a", replicas=2))
    scene = Scene(world, world.clusters["a"], "ns")
    poor, able = scene.cluster.replicas
    without_keys(poor, free_port())
    poor.start()
    wait_until(lambda: "no AWS credentials" in poor.readiness(), 60, "the first has none")
    able.start()
    try:
        wait_until(able.leads, 60, "the other leads")
        scene.run("p", auto())
        assert scene.served("p")
    finally:
        poor.stop()
        able.stop()


def test_metadata_that_comes_late_is_waited_for(new_world: NewWorld) -> None:
    world, port = new_world(), free_port()
    scene = Scene(world, world.clusters["a"], "ns")
    [replica] = scene.cluster.replicas
    replica.change({"vpc-id": None}, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}"})
    replica.change({}, {"AWS_EC2_METADATA_DISABLED": ""})
    replica.start()
    try:
        wait_until(lambda: "instance metadata" in replica.readiness(), 60, "it says what it waits for")
        with agent_at(port):
            scene.run("p", auto())
            assert scene.served("p", SOON_S)
    finally:
        replica.stop()
