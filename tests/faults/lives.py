"""A Pod's life in steps, in each mode, and the one way to play it: act, and wait until the whole world agrees.

The steps are what users do. `converged` is the judge's own rule, so a step is over when nothing is left undone.
"""

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.world import wait_until
from tests.e2e.scene import PREFIX, PUBLIC_IP, TYPE, auto, fixed, fixed_value
from tests.faults.crash import Counting, Crash, CrashPoint, Spot
from tests.faults.troubles import Hold
from tests.faults.world import FaultWorld
from tests.history import PodSight

LIMIT_S = 60.0
ASYNCHRONOUS_S = 1.0  # events are told by a thread of their own, a moment after the rest


@dataclass
class Life:
    """One Pod of one mode."""

    world: FaultWorld
    mode: str
    name: str
    uid: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def sight(self) -> PodSight | None:
        """The Pod as the record has it now."""
        return next((s for s in reversed(self.world.recorder.pods) if s.uid == self.uid), None)

    def wait_seen(self, truth: Callable[[PodSight], object]) -> None:
        """Wait until the record knows of it."""
        wait_until(lambda: (s := self.sight) and truth(s), 30, f"the record sees {self.name}")


def served(world: FaultWorld, modes: Sequence[str]) -> list[Life]:
    """A served Pod in each of these modes."""
    lives = [new_life(world, mode) for mode in modes]
    for life in lives:
        serve(life)
    world.settle()
    return lives


def serve(life: Life) -> None:
    """The Pod comes, and asks for an address."""
    cluster = life.world.clusters["a"]
    life.uid, ip = cluster.run_pod("ns", life.name, life.annotations)
    life.wait_seen(lambda s: s.ip == ip)


def move(life: Life) -> None:
    """The Pod's sandbox is made anew: another IP of its node."""
    cluster, was = life.world.clusters["a"], life.sight
    homes = [number for number, node in enumerate(cluster.nodes) if was is not None and was.ip in node.ips]
    ip = cluster.next_place(homes[0] if homes else 0)[1]
    cluster.kube.set_ip("ns", life.name, ip)
    life.wait_seen(lambda s: s.ip == ip)


def switch_off(life: Life) -> None:
    """The annotation goes."""
    life.world.clusters["a"].kube.annotate("ns", life.name, {TYPE: None})
    life.wait_seen(lambda s: not s.mode)


def switch_on(life: Life) -> None:
    """The annotation comes back on a running Pod."""
    life.world.clusters["a"].kube.annotate("ns", life.name, life.annotations)
    life.wait_seen(lambda s: s.mode)


def delete(life: Life) -> None:
    """The Pod is deleted."""
    life.world.clusters["a"].kube.delete_pod("ns", life.name)
    life.wait_seen(lambda s: s.gone)


def adopt(life: Life) -> None:
    """The Go controller has given an address to a Pod; then ours sees that the Pod asks for one."""
    world, cluster = life.world, life.world.clusters["a"]
    where, ip = cluster.next_place()
    life.uid = cluster.kube.pod("ns", life.name, ip=ip, node=where.name)
    tags = {TYPE: "auto", PREFIX + "cluster-name": "a", PREFIX + "pod": f"ns/{life.name}"}
    address = world.ec2.add_address(tags=tags)
    world.adoptable.add(address.allocation_id)
    world.ec2.associate(address.allocation_id, where.interface_id, ip)
    cluster.kube.set_labels("ns", life.name, {PUBLIC_IP: address.public_ip})
    _wait_looked(world)
    switch_on(life)


def _wait_looked(world: FaultWorld) -> None:
    """Until the replicas have looked at the addresses since now: what they learn between two looks is not adopted."""
    since = time.monotonic()

    def looked() -> bool:
        return any(c.what == "DescribeAddresses" and c.began > since for c in list(world.recorder.calls))

    wait_until(looked, 60, "the addresses are looked at")


def take_over(life: Life) -> None:
    """The leader dies, and a Pod comes while nobody leads."""
    leader = life.world.leader()
    life.world.kill(leader)
    serve(life)
    life.world.free_lease()
    life.world.start(leader)


Step = Callable[[Life], None]
WHOLE: tuple[Step, ...] = (serve, move, switch_off, switch_on, delete)
STEPS: Mapping[str, Sequence[Step]] = {
    "auto": WHOLE,
    "fixed-tag": WHOLE,
    "fixed-tag-value": WHOLE,
    "adoption": (adopt, delete),
    "takeover": (take_over, delete),
}
_NUMBERS = itertools.count(1)


def new_life(world: FaultWorld, mode: str) -> Life:
    """A Pod that is still to come, with the addresses that its mode needs."""
    name = f"{mode}-{next(_NUMBERS)}"
    if mode == "fixed-tag":
        ensure_pool(world)
        return Life(world, mode, name, annotations=fixed("pool"))
    if mode == "fixed-tag-value":
        world.ec2.add_address(tags={"own": f"ns/{name}"})
        return Life(world, mode, name, annotations=fixed_value("own"))
    return Life(world, mode, name, annotations=auto())


def ensure_pool(world: FaultWorld) -> None:
    """Three addresses in the pool `pool`."""
    if not any("pool" in a.tags for a in world.ec2.world().addresses.values()):
        for _ in range(3):
            world.ec2.add_address(tags={"pool": ""})


def about_leases(step: Step) -> bool:
    """Whether writes of the Lease belong to the step."""
    return step is take_over


def play(life: Life, step: Step, *, count: Counting | None = None) -> Sequence[Spot]:
    """Play a step undisturbed; the calls that it took."""
    counting = count or Counting(renewals=about_leases(step))
    life.world.interfere(counting)
    step(life)
    life.world.settle(LIMIT_S)
    let_pass(ASYNCHRONOUS_S)
    life.world.interfere(None)
    return list(counting.spots)


def play_and_crash(life: Life, step: Step, point: CrashPoint) -> bool:
    """Play a step and kill whoever comes to the point; another finishes it. Whether anybody came to it."""
    crash = Crash(life.world, point, renewals=about_leases(step))
    life.world.interfere(crash)
    step(life)
    _wait_struck(life.world, crash)
    if crash.victim is not None:
        victim = crash.victim.name
        life.world.free_lease()
        life.world.start(next(r for r in life.world.replicas() if r.name == victim))
    life.world.settle(LIMIT_S)
    life.world.interfere(None)
    return crash.victim is not None


def _wait_struck(world: FaultWorld, crash: Crash) -> None:
    """Until the point is reached, or the world has converged without it."""
    deadline = time.monotonic() + LIMIT_S
    while not crash.struck.wait(0.05) and time.monotonic() < deadline:
        if not world.unsettled():
            crash.struck.wait(ASYNCHRONOUS_S)
            return


def let_pass(seconds: float) -> None:
    """Time passes in which nothing is waited for: a fault lasts."""
    time.sleep(seconds)


def associate_a_stranger(world: FaultWorld, *, late_s: float = 0.0, limit_s: float = LIMIT_S) -> None:
    """A frozen AssociateAddress is let go when its Pod is gone, and its IP is that of a Pod that asks for nothing."""
    hold, since = Hold("AssociateAddress", limit_s=late_s + 2 * limit_s), time.monotonic()
    world.interfere(hold)
    life = new_life(world, "fixed-tag")
    serve(life)
    wait_until(hold.reached.is_set, 60, "the call is on its way")
    ip = life.sight.ip if life.sight else ""
    delete(life)
    wait_until(lambda: not world.unsettled(), limit_s, "the Pod's address is free again")
    wait_until(lambda: time.monotonic() > since + late_s, late_s + 1, "the call is that late")
    before = len(world.ec2.holdings())
    cluster = world.clusters["a"]
    cluster.kube.pod("ns", "stranger", ip=ip, node=cluster.nodes[0].name)
    hold.go.set()
    wait_until(lambda: len(world.ec2.holdings()) > before, 30, "the late call arrives")
