"""Looks beside the loop: one of a kind at a time, in batches; nobody waits for another kind, or fails with a stranger.

The looks are driven by hand: each begins when it is asked for, and ends when the test says so.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import get_args

import pytest

from controller.engine import lookup_queue
from controller.engine.lookup_queue import LookupDone, LookupQueue, lane_of
from controller.engine.lookups import Kind, Lookup, LookupRunner
from state.errors import PodEipError, Unavailable
from state.model import Epoch, PodUid
from tests.fakes.kube import FakePods
from tests.unit.engine_harness import Replica, World, auto, fixed

LIMIT_S = 20.0


@dataclass
class Post:
    """What was handed in, to be waited for."""

    came: deque[LookupDone] = field(default_factory=deque)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, looked: LookupDone) -> None:
        """A result comes in."""
        with self.changed:
            self.came.append(looked)
            self.changed.notify_all()

    def get(self) -> LookupDone:
        """The next one."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.came, LIMIT_S), "nothing comes in"
            return self.came.popleft()


class HeldPods(FakePods):
    """Nodes are read when the test lets them; what is asked for is noted before."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.begun, self.free = threading.Semaphore(0), threading.Semaphore(0)
        self.most, self._now = 0, 0

    def read_instance(self, node: str) -> None:
        """Waits."""
        self.asked.append(node)
        self._now += 1
        self.most = max(self.most, self._now)
        self.begun.release()
        assert self.free.acquire(timeout=LIMIT_S), "a look is never let go"
        self._now -= 1
        super().read_instance(node)


class Scene:
    """The looks of a term, over fakes."""

    def __init__(self) -> None:
        self.pods, self.post, self.world = HeldPods(), Post(), World()
        self.world.pods = self.pods
        self.replica = Replica(self.world).lead()
        self.replica.settle()
        self.pool = ThreadPoolExecutor(max_workers=lookup_queue.THREADS)
        self.lookups = LookupQueue(
            lookup_runner=self.replica.parts.lookup_runner,
            epoch=Epoch(1),
            pool=self.pool,
            clock=self.world.clock,
            done=self.post.put,
        )

    def ask(self, *uids: str, kind: Kind = "nodes", name: str = "n", since: float = float("-inf")) -> None:
        """These Pods need this."""
        self.lookups.ask({PodUid(uid): Lookup(kind, name, since=since) for uid in uids})

    def begun(self) -> None:
        """Wait until one more Node is being read."""
        assert self.pods.begun.acquire(timeout=LIMIT_S), "no look begins"

    def end(self) -> LookupDone:
        """Let the Node be read; what is handed in then."""
        self.pods.free.release()
        return self.post.get()


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.pods.free.release(1000)
    assert made.lookups.wait_idle(LIMIT_S)
    made.pool.shutdown()
    made.replica.loop.stop()


def test_a_look_is_handed_in_for_all_who_asked(scene: Scene) -> None:
    scene.ask("a", "b")
    looked = scene.end()
    assert looked == LookupDone(epoch=Epoch(1), kind="nodes", uids=frozenset({PodUid("a"), PodUid("b")}))
    assert scene.pods.asked == ["n"]
    assert scene.pods.instance_of("n", float("-inf"))[0]


def test_one_look_of_a_kind_at_a_time_and_the_rest_is_the_next_batch(scene: Scene) -> None:
    with scene.world.ec2.held("DescribeNetworkInterfaces"):
        for n, uid in enumerate("abcd"):
            scene.ask(uid, kind="places", name=f"10.9.0.{n}")
        assert not scene.lookups.wait_idle(0)
    assert scene.post.get().uids == {"a"}
    assert scene.post.get().uids == {"b", "c", "d"}


def test_a_look_that_began_late_enough_answers_who_comes_to_it(scene: Scene) -> None:
    before = scene.world.clock()
    scene.ask("a")
    scene.begun()
    scene.ask("b", since=before)
    scene.ask("c", since=scene.world.clock())
    assert scene.end().uids == {"a", "b"}
    assert scene.end().uids == {"c"}
    assert scene.pods.asked == ["n", "n"]


def test_a_batch_has_an_end(scene: Scene) -> None:
    """The first to ask are not held up by the last."""
    with scene.world.ec2.held("DescribeNetworkInterfaces"):
        scene.ask("first", kind="places", name="10.8.0.0")
        many = [f"10.9.{n // 250}.{n % 250}" for n in range(lookup_queue.BATCH + 1)]
        scene.lookups.ask({PodUid(ip): Lookup("places", ip) for ip in many})
    assert scene.post.get().uids == {"first"}
    assert scene.post.get().uids == set(many[:-1])
    assert scene.post.get().uids == {many[-1]}


def test_nobody_waits_for_the_nodes_of_many_others(scene: Scene) -> None:
    """Each Node is read by itself, one of a name at a time."""
    other = next(name for name in map(str, count()) if lane_of(Lookup("nodes", name)) != lane_of(Lookup("nodes", "n")))
    scene.ask("a")
    scene.begun()
    scene.ask("again", since=scene.world.clock())
    scene.ask("b", name=other)
    scene.begun()
    assert scene.pods.asked == ["n", other]
    scene.pods.free.release(3)
    assert {uid for _ in range(3) for uid in scene.post.get().uids} == {"a", "again", "b"}


def test_a_look_that_fails_fails_for_those_who_asked(scene: Scene) -> None:
    scene.ask("a")
    scene.begun()
    scene.pods.fail("instance_of", Unavailable("down"))
    scene.ask("b", name="other")
    failed, other = scene.end(), scene.end()
    assert failed.uids == {"a"}
    assert isinstance(failed.error, Unavailable)
    assert other.uids == {"b"}
    assert other.error is None


def test_a_node_that_cannot_be_read_fails_only_its_own_pods(scene: Scene) -> None:
    scene.pods.fail("instance_of", Unavailable("this Node's GET fails"))
    scene.ask("a", name="bad")
    scene.begun()
    failed = scene.end()
    scene.lookups.ask({PodUid("b"): Lookup("nodes", "good"), PodUid("c"): Lookup("nodes", "better")})
    met = [scene.end(), scene.end()]
    assert isinstance(failed.error, Unavailable)
    assert [looked.error for looked in met] == [None, None]
    assert {uid for looked in met for uid in looked.uids} == {"b", "c"}


def test_all_kinds_run_at_once(scene: Scene) -> None:
    """Even beside those of a term that is over."""
    assert len(get_args(Kind)) * 2 <= lookup_queue.THREADS


def test_an_ended_term_begins_no_more_looks(scene: Scene) -> None:
    scene.ask("a")
    scene.begun()
    scene.ask("b", since=scene.world.clock())
    scene.lookups.close()
    assert scene.end().uids == {"a"}
    assert scene.lookups.wait_idle(LIMIT_S)
    assert scene.pods.asked == ["n"]


def test_a_failure_of_one_kind_is_no_failure_of_another(scene: Scene) -> None:
    scene.world.ec2.fail("DescribeAddresses", Unavailable("down"))
    scene.ask("a", kind="addresses", name="")
    scene.ask("b", kind="places", name="10.0.0.9")
    errors = {looked.kind: looked.error for looked in (scene.post.get(), scene.post.get())}
    assert errors["places"] is None
    assert isinstance(errors["addresses"], Unavailable)


@pytest.mark.parametrize("kind", ["addresses", "places", "fresh places", "fresh nodes", "pools"])
def test_kinds_do_not_wait_for_each_other(scene: Scene, kind: Kind) -> None:
    """A Node's look hangs meanwhile."""
    scene.ask("a")
    scene.begun()
    scene.ask("b", kind=kind, name="" if kind == "addresses" else "10.0.0.9")
    if kind == "fresh nodes":
        scene.begun()
        scene.pods.free.release(2)
        assert {scene.post.get().kind, scene.post.get().kind} == {"nodes", "fresh nodes"}
    else:
        assert scene.post.get().kind == kind


class Faulty(LookupRunner):
    """A looker with a fault of ours in it."""

    def look(self, kind: Kind, lookups: Iterable[Lookup]) -> None:
        """Stumbles."""
        raise ZeroDivisionError


def test_a_fault_of_ours_in_a_look_leaves_nobody_waiting(scene: Scene) -> None:
    good = scene.replica.parts.lookup_runner
    lookup_runner = Faulty(
        view=good.view, placements=good.placements, pools=good.pools, pods=scene.pods, quota=good.quota
    )
    faulty = LookupQueue(
        lookup_runner=lookup_runner, epoch=Epoch(1), pool=scene.pool, clock=scene.world.clock, done=scene.post.put
    )
    for _ in range(2):
        faulty.ask({PodUid("a"): Lookup("nodes", "n")})
        assert isinstance(scene.post.get().error, PodEipError)
    assert faulty.wait_idle(LIMIT_S)


# ── in a replica ──


def test_a_pod_whose_look_hangs_waits_alone(world: World) -> None:
    replica = Replica(world).lead()
    known = world.pod("known", auto(), ip="10.0.0.5")
    replica.settle()
    with world.ec2.held("DescribeAddresses"):
        world.pool(1)
        seeker, other = world.pod("seeker", fixed(), ip="10.0.0.6"), world.pod("other", auto(), ip="10.0.0.7")
        world.clock.now += 20
        replica.tick_until(lambda: world.label(other))
        assert not world.label(seeker)
        world.pods.delete(known)
        replica.tick_until(lambda: not world.at_ip("10.0.0.5"))
    replica.until(lambda: world.label(seeker))


def test_what_a_look_of_an_ended_term_says_is_nobodys(world: World) -> None:
    replica = Replica(world).lead()
    replica.settle()
    with world.ec2.held("DescribeAddresses"):
        pod = world.pod("p", fixed())
        world.clock.now += 20
        replica.loop.tick()
        replica.lose()
        replica.loop.tick()
        world.ec2.fail("DescribeAddresses", Unavailable("down"))
    turn_free = time.monotonic() + LIMIT_S
    while not replica.loop.has_news:
        assert time.monotonic() < turn_free, "the look never ends"
    replica.lead()
    world.pool(1)
    replica.settle()
    assert replica.loop.failures == 0
    replica.until(lambda: world.label(pod))
    assert world.events.reasons(pod).count("EIPAssociationFailed") == 0
