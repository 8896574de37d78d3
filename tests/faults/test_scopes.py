"""Installs and clusters that share a table, as real processes: in each other's way, succeeding, gone, and back again.

What takes an hour in an installation takes seconds here: the replicas run a copy of the source in which a heartbeat
and the least `--silence` are shorter.
"""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from sandbox.replica import Replica
from sandbox.world import ClusterSettings, wait_until
from tests.e2e.scene import Scene, fixed
from tests.faults.hastened import QUICKLY
from tests.faults.mutants import source_with
from tests.faults.world import FaultWorld, fault_world
from tests.judge import judge
from tests.judges.facts import Guarantee

pytestmark = [pytest.mark.faults, pytest.mark.timeout(240)]
ONE = ClusterSettings(name="a", replicas=1)
TWO_INSTALLS = ClusterSettings(name="a", replicas=2)


def readiness(replica: Replica) -> str:
    """What /readyz says, whatever its status."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"{replica.url}/readyz", timeout=2) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as refusal:
        return refusal.read().decode()
    except OSError:
        return ""


def apart(world: FaultWorld) -> tuple[Replica, Replica]:
    """The two replicas of the one cluster become two installs; the first leads, the second is not started."""
    first, second = world.replicas()
    second.stop()
    first.stop()
    second.change({"lease-name": "another"})
    first.start()
    wait_until(first.leads, 60, "the first install leads")
    return first, second


def undisturbed(world: FaultWorld) -> bool:
    """Whether no association has ended."""
    return all(holding.until is None for holding in world.ec2.holdings())


def test_the_second_install_of_a_scope_refuses_and_says_why(tmp_path: Path) -> None:
    with fault_world(tmp_path, TWO_INSTALLS) as world:
        first, second = apart(world)
        scene = Scene(world, world.clusters["a"], "ns")
        world.ec2.add_address(tags={"pool": ""})
        scene.run("p", fixed("pool"))
        scene.served("p")
        second.start()
        words = ("kube-system/aws-pod-eip-controller", "all namespaces", "--watch-namespace")
        wait_until(lambda: all(w in readiness(second) for w in words), 60, lambda: readiness(second))
        wait_until(first.leads, 60, "the first leads as before")
        assert not second.leads()
        wait_until(lambda: "ScopeOverlap" in second.tail(200), 60, "its log says so too, a moment later")
        scene.run("q", fixed("pool"))
        scene.hears("q", "EIPWaiting")
        assert scene.label("p")


def test_two_installs_with_scopes_of_their_own_share_a_pool(tmp_path: Path) -> None:
    with fault_world(tmp_path, TWO_INSTALLS) as world:
        first, second = world.replicas()
        first.stop()
        second.stop()
        first.change({"watch-namespace": "one"})
        second.change({"watch-namespace": "two", "lease-name": "another"})
        first.start()
        second.start()
        wait_until(lambda: first.leads() and second.leads(), 60, "both installs lead")
        pool = {world.ec2.add_address(tags={"pool": ""}).allocation_id for _ in range(4)}
        scenes = [Scene(world, world.clusters["a"], namespace) for namespace in ("one", "two")]
        for scene in scenes:
            for name in ("p", "q"):
                scene.run(name, fixed("pool"))
        held = {scene.served(name).allocation_id for scene in scenes for name in ("p", "q")}
        assert held == pool
        scenes[0].delete("p")
        scenes[1].run("r", fixed("pool"))
        assert scenes[1].served("r").allocation_id in pool
        assert not any(holding.contended for holding in world.ec2.holdings())
        assert not [v for v in judge(world.history()) if v.broken in (Guarantee.ONE_OWNER, Guarantee.FENCE)]


@pytest.mark.again
def test_one_that_stopped_is_succeeded(tmp_path: Path) -> None:
    """As when a chart was moved to another namespace: the Pods keep their addresses all the time."""
    with fault_world(tmp_path, TWO_INSTALLS, env=source_with(tmp_path / "source", *QUICKLY)) as world:
        first, second = apart(world)
        scene = Scene(world, world.clusters["a"], "ns")
        pool = world.ec2.add_address(tags={"pool": ""}).allocation_id
        scene.run("p", fixed("pool"))
        served = scene.served("p")
        first.terminate()
        first.wait_end(60)
        first.stop()
        second.start()
        wait_until(second.leads, 60, lambda: second.tail())
        scene.mark()
        scene.stays(lambda: scene.label("p") == served.public_ip, 3, "the label stays")
        assert undisturbed(world)
        assert not scene.calls("AssociateAddress", "DisassociateAddress")
        scene.delete("p")
        scene.eventually(lambda: scene.free(pool), "the successor takes the address of a Pod that is gone")
        assert not [v for v in judge(world.history()) if v.broken in (Guarantee.ONE_OWNER, Guarantee.FENCE)]
        first.start()
        wait_until(lambda: "another" in readiness(first), 60, lambda: readiness(first))


def test_a_cluster_that_was_only_cut_off_loses_what_is_not_associated(tmp_path: Path) -> None:
    """It leads, but does not reach DynamoDB; its Pod is gone and the address free, so another cluster takes it."""
    clusters = (ONE, ClusterSettings(name="b", replicas=1))
    flags = {"silence": "8", "poll-interval": "1"}
    with fault_world(tmp_path, *clusters, env=source_with(tmp_path / "source", *QUICKLY), flags=flags) as world:
        ours, theirs = (Scene(world, world.clusters[name], "ns") for name in ("a", "b"))
        pool = world.ec2.add_address(tags={"pool": ""}).allocation_id
        theirs.run("p", fixed("pool"))
        theirs.served("p")
        ours.run("q", fixed("pool"))
        ours.hears("q", "EIPWaiting")
        [cut_off] = world.clusters["b"].replicas
        world.doors[cut_off.name]["dynamodb"].close()
        # After a quarter of the silence it re-associates nothing any more.
        theirs.stays(lambda: theirs.label("p"), 3, "it shows the address that it has")
        _cut_by_hand(theirs)
        assert ours.served("q").allocation_id == pool
        wait_until(cut_off.leads, 60, "the one that is cut off leads as before")
        spare = world.ec2.add_address(tags={"pool": ""}).allocation_id
        world.doors[cut_off.name]["dynamodb"].open()
        assert _served_anew(theirs, spare)
        held = ours.at("q")
        assert held is not None
        assert held.allocation_id == pool
        assert not [v for v in judge(world.history()) if v.broken in (Guarantee.ONE_OWNER, Guarantee.FENCE)]


def _cut_by_hand(scene: Scene) -> None:
    """As when the Pod's instance goes."""
    holding = scene.at("p")
    assert holding is not None
    assert holding.association is not None
    scene.world.ec2.disassociate(holding.association.association_id)


def _served_anew(scene: Scene, allocation_id: str) -> bool:
    """Wait until the Pod wears this address."""
    address = scene.address(allocation_id)
    assert address is not None
    scene.eventually(lambda: scene.label("p") == address.public_ip, json.dumps(scene.said("p")), 60)
    scene.hears("p", "EIPLost")
    return True
