"""What a real replica writes of a Pod's life, in both formats: its standard error is a file here, as in a container."""

import json
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import ClusterSettings, World, WorldSettings, wait_until
from tests.e2e.scene import QUICK, Scene, auto, running
from tests.fakes.otlp import Receiver

LIFE = ("claimed", "associated", "labelled: served in ", "disassociated", "released")
LOGGER = "controller.engine.pod_log"


def _of_json(line: str) -> Mapping[str, Any]:
    return json.loads(line) if line.startswith("{") else {}


def _of_text(line: str) -> Mapping[str, Any]:
    """`time LEVEL message name=value ... [logger]`."""
    words = shlex.split(line)
    said = [word for word in words if "=" not in word]
    fields = dict(word.split("=", 1) for word in words if "=" in word)
    return {"level": said[1].lower(), "logger": said[-1].strip("[]"), "message": " ".join(said[2:-1]), **fields}


@pytest.mark.parametrize(("format", "read"), [("json", _of_json), ("text", _of_text)], ids=["json", "text"])
def test_a_life_in_the_log(tmp_path: Path, format: str, read: Callable[[str], Mapping[str, Any]]) -> None:
    flags = {**QUICK, "log-level": "info", "log-format": format}
    clusters = (ClusterSettings(name="a", replicas=1),)
    with Receiver() as receiver:
        env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        settings = WorldSettings(clusters=clusters, dynamodb="moto", kubelet_seconds=0.5, flags=flags, env=env)
        with World(settings, tmp_path) as world, running(world):
            cluster = world.clusters["a"]
            scene = Scene(world, cluster, "games")
            log = tmp_path / f"replica-{cluster.replicas[0].name}.log"
            uid = scene.run("server-1", auto())
            served = scene.served("server-1")
            scene.delete("server-1")
            wait_until(lambda: "released" in log.read_text(), 60, "the end of the life is in the log")
            text = log.read_text()
    lines = [line for line in map(read, text.splitlines()) if line.get("logger") == LOGGER]
    assert all(line["message"].startswith(said) for line, said in zip(lines, LIFE, strict=True)), text
    of_all = {
        "level": "info",
        "pod": "games/server-1",
        "pod_uid": uid,
        "address": served.public_ip,
        "allocation_id": served.allocation_id,
        "mode": "auto",
    }
    assert all(line.items() >= of_all.items() for line in lines)
    assert {(int(line["epoch"]), line["trace_id"]) for line in lines} == {
        (1, receiver.named("serve Pod").trace_id.hex())
    }
