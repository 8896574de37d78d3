"""A Pod that changes in the middle of every call, a watch that lags, replies that are lost; then it is calm.

Whatever happened, the Pod then shows the address that it has, soon, and nobody sends it any more patches. What is known
of a Pod is the product's own cache, so that what that calls no news wakes nobody here either.
"""

from random import Random

import pytest

from controller.core import contract
from controller.core.desire import wanted_labels
from state.errors import Unavailable
from state.model import Mode, PodUid
from tests.fakes.kube import Operation
from tests.unit.engine_harness import Replica, World, auto

IPS = ("10.0.0.5", "10.0.0.6")
CALM_S = 120.0
CALLS = 12


class Storm:
    """What a seed does to one Pod, between our calls and in the middle of them."""

    def __init__(self, seed: int, world: World) -> None:
        self._random, self._world = Random(seed), world
        self.uid: PodUid = world.pod("p", auto(), gated=self._random.random() < 0.5)
        self._amid = 0
        world.pods.amid = self._in_the_middle

    def gust(self) -> None:
        """One thing happens, and perhaps some more in the middle of what we do about it."""
        self._amid, self._world.pods.stale = 4, self._random.random() < 0.6
        self._happen()
        if not self._world.pods.stale:
            self._world.pods.catch_up()

    def pause(self) -> float:
        """Seconds until the next."""
        return self._random.choice([0.0, 0.0, 0.5, 1.0, 2.0])

    def end(self) -> None:
        """The Pod asks for an address at an IP of its own, and the watch, or a list, tells it."""
        pods, self._amid = self._world.pods, 0
        pods.faults.clear()
        self._world.change(self.uid, annotations=auto(), ip=IPS[0])
        if self._random.random() < 0.5:
            pods.relist()
        pods.stale = False
        pods.catch_up()

    def _in_the_middle(self, operation: Operation) -> None:
        if self._amid and operation != "instance_of" and self._random.random() < 0.3:
            self._amid -= 1
            self._happen()

    def _happen(self) -> None:
        pod = self._world.pods.pods[self.uid]
        changes: tuple[dict[str, object], ...] = (
            {},
            {},
            {"annotations": {}},
            {"annotations": auto()},
            {"ip": self._random.choice(IPS)},
            {"labels": {}},
            {"labels": {**pod.labels, contract.LABEL_FIXED_TAG: "stray"}},
        )
        what = self._random.randrange(len(changes) + 3)
        if what < len(changes):
            self._world.change(self.uid, **changes[what])
        elif what == len(changes):
            self._world.pods.fail("patch_labels", Unavailable("lost", code="ReadTimeout"), lost_reply=True)
        elif what == len(changes) + 1:
            self._world.pods.catch_up()
        else:
            self._world.pods.relist()


@pytest.mark.parametrize("seed", range(80))
def test_when_it_is_calm_again_the_pod_shows_what_it_has(world: World, seed: int) -> None:
    replica = Replica(world, threads=1).lead()
    replica.settle()
    storm = Storm(seed, world)
    for _ in range(3 + seed % 12):
        storm.gust()
        replica.run(storm.pause())
    storm.end()
    before = len(world.pods.patches) + len(world.pods.fetches)
    replica.run(CALM_S)
    assert len(world.pods.patches) + len(world.pods.fetches) <= before + CALLS
    (address,) = world.at_ip(IPS[0])
    shown = world.pods.pods[storm.uid]
    assert shown.labels == wanted_labels(shown, Mode.AUTO, address.public_ip)
    assert shown.condition == ("True" if shown.gated else None)
