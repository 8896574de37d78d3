"""Traces go to X-Ray without a collector: signed by real replicas, and verified by a receiver that knows the keys."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sandbox.replica import Replica
from sandbox.world import ClusterSettings, World, WorldSettings, wait_until
from sandbox.xray import Account, Key, XRay
from tests.e2e.scene import QUICK, Scene, auto, running

SECRET = "sandbox"  # of every replica's key
FLAGS = {**QUICK, "log-level": "info"}


@pytest.fixture
def xray() -> Iterator[XRay]:
    with XRay(Account(keys={"a1": Key(secret=SECRET)})) as found:
        yield found


@contextmanager
def world(xray: XRay, folder: Path) -> Iterator[Scene]:
    """One replica that is told nothing but `xray`, and in the sandbox where that is."""
    env = {"OTEL_TRACES_EXPORTER": "xray", "AWS_ENDPOINT_URL_XRAY": xray.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    clusters = (ClusterSettings(name="a", replicas=1),)
    settings = WorldSettings(clusters=clusters, dynamodb="moto", kubelet_seconds=0.5, flags=FLAGS, env=env)
    with World(settings, folder) as made:
        yield Scene(made, made.clusters["a"], "ns")


def lines(replica: Replica, words: str) -> list[dict[str, Any]]:
    """The lines of its log that contain these words."""
    return [json.loads(line) for line in replica.tail(100_000).splitlines() if words in line]


def counted(replica: Replica, outcome: str) -> float:
    """How many spans its metrics say met that end."""
    start = f'pod_eip_trace_spans_total{{exporter="xray",outcome="{outcome}"}} '
    metrics = (replica.get("/metrics") or b"").decode().splitlines()
    return sum(float(line.removeprefix(start)) for line in metrics if line.startswith(start))


def test_a_pods_serving_arrives_signed(xray: XRay, tmp_path: Path) -> None:
    with world(xray, tmp_path) as scene, running(scene.world):
        scene.run("p", auto())
        scene.served("p")
        wait_until(lambda: xray.named("Label"), 60, "the last span of the serving")
    assert xray.account.refusals == []
    assert xray.named("Allocate")[0].trace_id == xray.named("Label")[0].trace_id
    assert {resource["service.name"] for resource in xray.account.resources} == {"aws-pod-eip-controller"}
    assert all(headers["content-encoding"] == "gzip" for headers in xray.account.headers)


def serve_untraced(xray: XRay, scene: Scene, name: str) -> None:
    """Serve a Pod, and wait until X-Ray has refused what that sent."""
    before = len(xray.account.refusals)
    scene.run(name, auto())
    scene.served(name)
    wait_until(lambda: len(xray.account.refusals) > before, 60, f"what {name} sends is refused")


def test_a_wrong_secret_is_told_once_and_costs_no_pod_its_address(xray: XRay, tmp_path: Path) -> None:
    xray.account.keys["a1"] = Key(secret="another")
    with world(xray, tmp_path) as scene, running(scene.world):
        [replica] = scene.cluster.replicas
        for name in ("p", "q", "r"):  # a batch takes in whatever has gathered, so each waits for the one before it
            serve_untraced(xray, scene, name)
        assert set(xray.account.refusals) == {"InvalidSignatureException"}
        wait_until(lambda: counted(replica, "refused") > 0, 30, "the metrics tell it")
        assert len(lines(replica, "Traces are not sent")) == 1
        assert "secret key is wrong" in lines(replica, "Traces are not sent")[0]["message"]
        assert counted(replica, "sent") == 0
        xray.account.keys["a1"] = Key(secret=SECRET)
        scene.run("s", auto())
        scene.served("s")
        wait_until(lambda: counted(replica, "sent") > 0, 60, "they are sent again")
        assert len(lines(replica, "Traces are sent again")) == 1
    assert xray.named("Label")


@pytest.mark.parametrize(
    ("key", "search", "advice"),
    [
        (Key(secret=SECRET, may_put=False), True, "xray:PutTraceSegments"),
        (Key(secret=SECRET), False, "aws xray update-trace-segment-destination --destination CloudWatchLogs"),
    ],
)
def test_the_log_says_what_is_missing_in_the_account(
    xray: XRay, tmp_path: Path, key: Key, search: bool, advice: str
) -> None:
    xray.account.keys["a1"], xray.account.transaction_search = key, search
    with world(xray, tmp_path) as scene, running(scene.world):
        [replica] = scene.cluster.replicas
        scene.run("p", auto())
        scene.served("p")
        wait_until(lambda: lines(replica, "Traces are not sent"), 60, "it is told")
        assert advice in lines(replica, "Traces are not sent")[0]["message"]


class Agent:
    """Gives out temporary credentials, as the agent of EKS Pod Identity does."""

    def __init__(self) -> None:
        self.name = "first"
        mine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                ends = (datetime.now(UTC) + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
                given = {"AccessKeyId": mine.name, "SecretAccessKey": SECRET, "Token": mine.name, "Expiration": ends}
                body = json.dumps(given).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/credentials"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def test_expired_credentials_are_renewed_and_sending_goes_on(xray: XRay, tmp_path: Path) -> None:
    agent = Agent()
    xray.account.keys = {name: Key(secret=SECRET, token=name) for name in ("first", "second")}
    with world(xray, tmp_path) as scene:
        [replica] = scene.cluster.replicas
        gone = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": ""}
        replica.change({}, {**gone, "AWS_CONTAINER_CREDENTIALS_FULL_URI": agent.url})
        with running(scene.world):
            scene.run("p", auto())
            scene.served("p")
            wait_until(lambda: xray.named("Label"), 60, "sent with the first key")
            agent.name = "second"
            xray.account.keys["first"] = Key(secret=SECRET, token="first", expires=datetime.now(UTC))
            for number in range(20):  # what is sent with the old key is lost; what comes after it is not
                scene.run(f"q{number}", auto())
                scene.served(f"q{number}")
                if any("Credential=second/" in sender for sender in xray.account.senders):
                    break
            assert any("Credential=second/" in sender for sender in xray.account.senders)
            assert set(xray.account.refusals) == {"ExpiredTokenException"}
            assert len(lines(replica, "Traces are not sent")) == 1
    agent.close()
