"""The loop's thread does no I/O: whatever happens in a replica's life, no port is called from it.

In the harness the test's own thread is the loop's. The ports note which thread asks them for a call, and refuse the
loop's. What a test does to the world it does by other doors. The tokens may be asked: they never wait.
"""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from controller.core.sweep import is_orphan
from controller.core.tenancy import Tenancy
from controller.core.views import Interface
from state.errors import Unavailable
from state.model import InterfaceId, PodUid
from tests.fakes.ec2 import FakeEc2
from tests.fakes.kube import FakePods
from tests.fakes.ledger import FakeLedger
from tests.unit.engine_harness import RESYNC_S, HandClock, Replica, World, at, auto, fixed, fixed_value

PREFIX = "aws-samples.github.com/aws-pod-eip-controller-"
EC2_CALLS = (
    "describe_addresses",
    "address_quota",
    "describe_interfaces_by_ip",
    "describe_interfaces_by_instance",
    "allocate",
    "associate",
    "disassociate",
    "release",
)
POD_CALLS = ("fetch", "patch_labels", "patch_condition", "read_instance", "own_instances")
LEDGER_CALLS = ("refresh", "installs", "commit", "take_over", "fence_self", "deregister", "heartbeat")


class Watch:
    """Which calls came from the loop's thread, and how many from others."""

    def __init__(self) -> None:
        self.loop = threading.get_ident()
        self.forbidden: list[str] = []
        self.aside: set[str] = set()

    def saw(self, name: str) -> None:
        """Somebody is about to make this call. Raises if it is the loop."""
        if threading.get_ident() == self.loop:
            self.forbidden.append(name)
            raise AssertionError(f"the loop's thread calls {name}")
        self.aside.add(name)


class Watched:
    """A port that shows its calls to a watch, once it has one; to be put in front of a fake."""

    watch: Watch | None = None
    watched_calls: tuple[str, ...] = ()

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__
        watch = found(self, "watch")
        if watch is not None and name in found(self, "watched_calls"):
            watch.saw(name)
        return found(self, name)


class WatchedEc2(Watched, FakeEc2):
    """EC2."""

    watched_calls = EC2_CALLS


class WatchedPods(Watched, FakePods):
    """Kubernetes."""

    watched_calls = POD_CALLS


class WatchedLedger(Watched, FakeLedger):
    """The ledger."""

    watched_calls = LEDGER_CALLS


def watched_world(watch: Watch, clock: HandClock | None = None) -> World:
    """A world whose EC2 and Kubernetes are watched."""
    ec2, pods = WatchedEc2(), WatchedPods()
    ec2.watch = pods.watch = watch
    return World(ec2=ec2, pods=pods, clock=clock or HandClock())


def watched_replica(world: World, watch: Watch) -> Replica:
    """A replica whose ledger is watched."""
    replica = Replica(world, ledger_type=WatchedLedger)
    assert isinstance(replica.ledger, WatchedLedger)
    replica.ledger.watch = watch
    return replica


@pytest.fixture
def watch() -> Watch:
    """A watch of this thread."""
    return Watch()


@pytest.fixture
def world(watch: Watch) -> Iterator[World]:
    made = watched_world(watch)
    made.ec2.add_interface(
        Interface(
            interface_id=InterfaceId("eni-p"),
            private_ips=frozenset({"10.7.0.1"}),
            prefixes=("10.8.0.0/28",),
            instance_id="i-1",
        )
    )
    made.ec2.quota, made.tenancy = 100, Tenancy(kept=2)
    yield made
    for loop in made.loops:
        loop.stop()


def everybody(world: World) -> list[PodUid]:
    """A Pod of each kind, with an address for each that takes one from a pool."""
    world.pool(1)
    world.ec2.add_address(tags={"own": "ns/v"})
    return [
        world.pod("a", auto(), ip="10.0.0.11", gated=True),
        world.pod("f", fixed(), ip="10.0.0.12"),
        world.pod("v", fixed_value("own"), ip="10.0.0.13"),
        world.pod("host", auto(), ip="10.0.0.4", host_network=True),
        world.pod("prefix", auto(), ip="10.8.0.3"),
    ]


def test_a_term_with_pods_of_all_kinds_calls_from_other_threads_alone(world: World, watch: Watch) -> None:
    replica, pods = watched_replica(world, watch).lead(), everybody(world)
    replica.run(30)
    assert all(world.label(pod) for pod in pods)
    for pod in pods:
        world.pods.delete(pod)
    replica.run(60)
    assert not replica.ledger.pods()
    assert len(world.ec2.addresses()) == 2
    assert watch.forbidden == []
    assert watch.aside >= {*EC2_CALLS, "patch_labels", "patch_condition", "read_instance", "commit", "heartbeat"}


def test_a_term_that_inherits_claims_does_so_too(world: World, watch: Watch) -> None:
    first = watched_replica(world, watch).lead()
    pods = everybody(world)
    first.run(5)
    first.crash()
    world.pods.delete(pods[0], watched=False)
    world.pods.relist()
    world.change(pods[1], annotations={})
    world.change(pods[2], ip="10.0.0.23")
    second = watched_replica(world, watch).lead()
    second.run(RESYNC_S + 10, step=2.0)
    assert [bool(world.label(pod)) for pod in pods[1:]] == [False, True, True, True]
    assert set(second.ledger.pods()) == set(pods[2:])
    assert "fetch" in watch.aside
    assert watch.forbidden == []


def test_a_pool_that_empties_and_fills_is_looked_at_aside(world: World, watch: Watch) -> None:
    replica = watched_replica(world, watch).lead()
    world.pool(1)
    pods = [world.pod(f"f{n}", fixed(), ip=f"10.0.0.{20 + n}", created=str(n)) for n in range(3)]
    replica.run(20)
    assert [bool(world.label(pod)) for pod in pods] == [True, False, False]
    world.pods.delete(pods[0])
    replica.until(lambda: world.label(pods[1]))
    world.pool(1)
    replica.until(lambda: world.label(pods[2]))
    assert {"refresh", "installs"} <= watch.aside
    assert watch.forbidden == []


def test_an_orphan_and_a_resync_are_compared_aside(world: World, watch: Watch) -> None:
    replica = watched_replica(world, watch).lead()
    replica.run(1)
    tags = {PREFIX + "type": "auto", PREFIX + "cluster-name": "c-1", PREFIX + "pod": "gone"}
    left = world.ec2.add_address(tags=tags)
    world.ec2.associate_by_hand(left, at("10.0.0.77"))
    replica.until(lambda: any(is_orphan(uid) for uid in replica.ledger.pods()), 3 * RESYNC_S, step=2.0)
    replica.until(lambda: world.ec2.address(left) is None, 3 * RESYNC_S, step=2.0)
    assert "own_instances" in watch.aside
    assert watch.forbidden == []


def test_a_restored_table_is_dealt_with_aside(world: World, watch: Watch) -> None:
    first, pods = watched_replica(world, watch).lead(), everybody(world)
    first.run(5)
    first.crash()
    kept = world.table.pods.popitem()
    second = watched_replica(world, watch).lead(lease_epoch=99)
    assert second.ledger.restored
    second.run(RESYNC_S + 10, step=2.0)
    assert kept[0][1] in second.ledger.pods()
    assert all(world.label(pod) for pod in pods)
    assert watch.forbidden == []


def test_a_node_that_disagrees_is_read_aside(world: World, watch: Watch) -> None:
    """An interface on another instance than the Pod's Node: interface and Node are asked for anew."""
    replica = watched_replica(world, watch).lead()
    world.pods.instances["node-1"] = "i-other"
    pod = world.pod("p", auto())
    replica.run(10)
    assert not world.label(pod)
    world.pods.instances["node-1"] = "i-1"
    replica.until(lambda: world.label(pod), 120)
    assert watch.forbidden == []


def test_failures_change_nothing_of_it(world: World, watch: Watch) -> None:
    replica = watched_replica(world, watch).lead()
    replica.settle()
    for operation in ("DescribeAddresses", "DescribeNetworkInterfaces", "AssociateAddress", "AllocateAddress"):
        world.ec2.fail(operation, Unavailable("down"), times=2)
    world.pods.fail("instance_of", Unavailable("down"))
    world.pods.fail("own_instances", Unavailable("down"))
    pods = everybody(world)
    replica.until(lambda: all(world.label(pod) for pod in pods), 200)
    replica.run(RESYNC_S + 10, step=2.0)
    replica.lose()
    replica.loop.tick()
    assert replica.loop.failures == 0
    assert watch.forbidden == []


def test_waiting_for_tokens_asks_only_the_tokens(world: World, watch: Watch) -> None:
    replica = watched_replica(world, watch).lead()
    world.tokens.left = {"AllocateAddress": 0, "AssociateAddress": 0, "DisassociateAddress": 0}
    pods = everybody(world)
    replica.run(70)
    assert not any(world.label(pod) for pod in pods)
    world.tokens.left.clear()
    replica.run(5)
    assert all(world.label(pod) for pod in pods)
    assert watch.forbidden == []


class Meddler(HandClock):
    """A clock that makes a call of its own when the loop looks at it."""

    world: World | None = None

    def __call__(self) -> float:
        if self.world is not None:
            self.world.ec2.describe_addresses()
        return super().__call__()


def test_a_call_from_the_loop_would_be_seen(watch: Watch) -> None:
    """The control: something in the loop's own tick calls EC2."""
    clock = Meddler()
    world = watched_world(watch, clock)
    replica = watched_replica(world, watch).lead()
    clock.world = world
    with pytest.raises(AssertionError, match="describe_addresses"):
        replica.loop.tick()
    assert watch.forbidden == ["describe_addresses"]
    replica.loop.stop()


@pytest.mark.parametrize("name", [*EC2_CALLS, *POD_CALLS, *LEDGER_CALLS])
def test_each_call_is_watched(world: World, watch: Watch, name: str) -> None:
    ports = (world.ec2, world.pods, watched_replica(world, watch).ledger)
    (port,) = [port for port in ports if name in type(port).__dict__["watched_calls"]]
    with pytest.raises(AssertionError, match=name):
        getattr(port, name)
    assert watch.forbidden == [name]
