"""Any replica answers for all: a standby has the leader's words, or says plainly that they are not to be had."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from controller.core.contract import LEASE_ADDRESS
from sandbox.kube.client import MERGE
from sandbox.replica import Replica
from sandbox.world import ClusterSettings
from tests.e2e.conftest import NewWorld
from tests.e2e.scene import Scene, auto, fixed, running

ANSWERS_S = 1.5
LEASES = "/apis/coordination.k8s.io/v1"


@pytest.fixture
def scene(new_world: NewWorld) -> Scene:
    """Two replicas, and a Lease that outlives the test: nobody takes over while the leader is silent."""
    lease = {"lease_duration": "60", "renew_deadline": "50"}
    world = new_world(ClusterSettings(name="a", replicas=2), **lease)
    return Scene(world, world.clusters["a"], "ns")


def parts(scene: Scene) -> tuple[Replica, Replica]:
    """The leader, and the standby once it is ready."""
    leader = scene.cluster.leader()
    assert leader is not None
    [standby] = [replica for replica in scene.world.replicas() if replica is not leader]
    scene.eventually(standby.ready, "the standby is ready")
    return leader, standby


def asked(replica: Replica) -> dict[str, Any]:
    """Its status, which took no longer than it may."""
    began = time.monotonic()
    status = replica.status()
    assert status is not None
    assert time.monotonic() - began < ANSWERS_S
    return status


def pod_in(status: dict[str, Any], name: str = "p") -> dict[str, Any]:
    """The row of this Pod."""
    return next((pod for pod in status["pods"] if pod["name"] == name), {})


def of_pool(status: dict[str, Any]) -> list[str]:
    """The phases of the two Pods that want the pool's only address: which of them gets it is open."""
    return sorted(pod_in(status, name).get("phase", "") for name in ("q", "r"))


def test_a_standby_hands_the_leaders_words_on(scene: Scene) -> None:
    with running(scene.world):
        leader, standby = parts(scene)
        scene.world.ec2.add_address(tags={"pool": ""})
        scene.run("p", auto())
        scene.run("q", fixed("pool"))
        scene.run("r", fixed("pool"))
        address = scene.served("p")
        scene.eventually(lambda: of_pool(asked(standby)) == ["associated", "waiting"], "who waits is known")
        scene.eventually(lambda: pod_in(asked(leader)).get("since"), "the leader's own answer is of this second")
        of_leader, of_standby = asked(leader), asked(standby)
        pod = pod_in(of_standby)
        assert (pod["phase"], pod["public_ip"]) == ("associated", address.public_ip)
        assert pod["since"] == pod_in(of_leader)["since"]
        assert of_standby["answered_by"]["identity"] == of_standby["leader"]["identity"] == of_leader["identity"]
        assert of_standby["answered_by"]["leads"]
        assert of_leader["identity"] in of_standby["answered_by"]["note"]
        assert of_leader["answered_by"] == {"identity": of_leader["identity"], "leads": True, "age_s": 0.0, "note": ""}
        assert of_standby["identity"] != of_leader["identity"]
        assert (of_leader["leader"]["is_me"], of_standby["leader"]["is_me"]) == (True, False)
        [pool] = of_standby["pools"]
        assert (pool["total"], pool["free"]) == (1, 0)


def test_every_replica_says_which_there_are(scene: Scene) -> None:
    """The Pods of the controller's own Deployment, stood in for: the processes of a test run in none."""
    names = [replica.name for replica in scene.world.replicas()]
    mine, others = {"app.kubernetes.io/instance": "eip"}, {"app.kubernetes.io/instance": "another"}
    for replica in scene.world.replicas():
        where = {"POD_NAMESPACE": "controllers", "POD_SELECTOR": "app.kubernetes.io/instance=eip"}
        replica.change({}, {"POD_NAME": replica.name, **where})
        scene.cluster.run_pod("controllers", replica.name, {}, labels=mine)
    scene.cluster.run_pod("controllers", "another", {}, labels=others)
    scene.cluster.run_pod("elsewhere", "stranger", {}, labels=mine)
    with running(scene.world):
        for replica in parts(scene):
            scene.eventually(partial(has_replicas, replica), "it has read them")
            leader = asked(replica)["leader"]["identity"].rpartition("_")[0]
            rows = asked(replica)["replicas"]
            assert [row["identity"] for row in rows] == names
            assert [row["identity"] for row in rows if row["leads"]] == [leader]
            assert {row["restarts"] for row in rows} == {0}


def test_without_the_leader_a_standby_says_what_it_knows_and_what_it_does_not(scene: Scene) -> None:
    with running(scene.world):
        leader, standby = parts(scene)
        scene.world.ec2.add_address(tags={"pool": ""})
        scene.run("p", fixed("pool"))
        address = scene.served("p")
        leader.kill()
        scene.eventually(lambda: " s ago" in note(standby), "it has read the table")
        status = asked(standby)
        assert (pod_in(status)["phase"], pod_in(status)["public_ip"]) == ("associated", address.public_ip)
        [pool] = status["pools"]
        assert (pool["total"], pool["free"], pool["waiting"], pool["longest_wait_s"]) == (None, None, None, None)
        assert (status["answered_by"]["leads"], status["answered_by"]["identity"]) == (False, status["identity"])
        assert "could not be reached" in status["answered_by"]["note"]
        metrics = (standby.get("/metrics") or b"").decode()
        assert "pod_eip_leader 0.0" in metrics
        assert "pod_eip_pool_total{" not in metrics


def test_a_leader_that_hangs_costs_a_second_and_no_probe_waits(scene: Scene) -> None:
    with running(scene.world):
        leader, standby = parts(scene)
        scene.run("p", auto())
        scene.served("p")
        leader.freeze(on=True)
        try:
            waits = threading.Thread(target=lambda: asked(standby))
            waits.start()
            for _ in range(5):
                began = time.monotonic()
                assert standby.ready()
                assert time.monotonic() - began < 1.0
            waits.join(10)
            scene.eventually(lambda: pod_in(asked(standby)).get("phase") == "associated", "its own watch has seen it")
            assert "did not answer in time" in note(standby)
        finally:
            leader.freeze(on=False)
        scene.eventually(lambda: asked(standby)["answered_by"]["leads"], "the leader is asked again")


def test_a_stranger_at_the_leaders_address_is_not_believed(scene: Scene) -> None:
    """The Lease is made to point at the standby itself, which answers as any replica does."""
    with running(scene.world):
        leader, standby = parts(scene)
        scene.run("p", auto())
        scene.served("p")
        identity = asked(leader)["identity"]
        with redirected(scene, f"{identity} 127.0.0.1:{standby.port}"):
            scene.eventually(lambda: "another replica answered" in note(standby), "the stranger is found out")
            assert not asked(standby)["answered_by"]["leads"]
            assert pod_in(asked(standby))["phase"] == "associated"
        with stranger() as port, redirected(scene, f"{identity} 127.0.0.1:{port}"):
            scene.eventually(lambda: "could not be reached" in note(standby), "the stranger is found out")
            assert not asked(standby)["answered_by"]["leads"]


def has_replicas(replica: Replica) -> bool:
    """Whether its status lists them."""
    return bool(asked(replica)["replicas"])


def note(replica: Replica) -> str:
    """What a person is told."""
    return str(asked(replica)["answered_by"]["note"])


def lease(scene: Scene) -> str:
    """The path of the install's Lease, whichever namespace this world has it in."""
    found = [one["metadata"] for one in scene.cluster.kube.client.call("GET", f"{LEASES}/leases")["items"]]
    [where] = [one["namespace"] for one in found if one["name"] == "aws-pod-eip-controller"]
    return f"{LEASES}/namespaces/{where}/leases/aws-pod-eip-controller"


@contextmanager
def redirected(scene: Scene, where: str) -> Iterator[None]:
    """The Lease says this, by somebody's hand, while the leader cannot renew it."""
    leader = scene.cluster.leader()
    assert leader is not None
    leader.freeze(on=True)
    try:
        patch = {"metadata": {"annotations": {LEASE_ADDRESS: where}}}
        scene.cluster.kube.client.call("PATCH", lease(scene), patch, MERGE)
        yield
    finally:
        leader.freeze(on=False)
        scene.eventually(lambda: scene.cluster.leader() is leader, "it leads again")


@contextmanager
def stranger() -> Iterator[int]:
    """A machine that answers with what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        over = threading.Event()

        def run() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    connection.recv(65536)
                    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{"cluster": "a"}')

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            thread.join()
