"""Ten thousand Pods that are made to cost memory: what they write is no label of a metric, and no series of its own."""

import random

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.core import contract
from controller.core.status import PoolStatus, Status
from controller.core.tenancy import OPEN, Tenancy, tenancy_of
from controller.core.views import PodView
from controller.surface.metrics import Metrics
from state.model import PodUid
from tests.unit.engine_harness import Replica, World, fixed
from tests.unit.shown import status_of

PODS = 10_000
MARK = "evil"
TAGGED = 3
MOST_SERIES = 60
"""Of all gauges together: modes by phases, the pools that are tagged or listed, and what has no labels."""

STRICT = tenancy_of(strict=True, pool_keys=("listed", "evil-team-*"), most=None)


def hostile(number: int, dice: random.Random) -> dict[str, str]:
    """Annotations that are new each time: a mode, a key that is legal, or one that is not."""
    word = f"{MARK}-{dice.getrandbits(64):x}\u202e"
    match number % 3:
        case 0:
            return {contract.ANNOTATION_TYPE: word}
        case 1:
            return {contract.ANNOTATION_TYPE: "fixed-tag-value", contract.ANNOTATION_FIXED_TAG_VALUE: f"k-{word}"}
    return {contract.ANNOTATION_TYPE: "fixed-tag", contract.ANNOTATION_FIXED_TAG: f"{MARK}-team-{word}"}


def crowd(world: World) -> None:
    """All of them, each in a namespace of its own, and a Pod for each pool that there is."""
    dice = random.Random(7)
    for n in range(PODS):
        view = PodView(uid=PodUid(f"u-{n}"), namespace=f"{MARK}-{n}", name=f"{MARK}-{n}", ip="10.0.0.9")
        world.pods.pods[view.uid] = view
        world.change(view.uid, annotations=hostile(n, dice))
    for n in range(TAGGED):
        world.pod(f"u-tagged-{n}", fixed(f"tagged-{n}"))
    world.pod("u-listed", fixed("listed"))


def shown(world: World, tenancy: Tenancy) -> str:
    """/metrics of the leader."""
    for n in range(TAGGED):
        world.pool(2, f"tagged-{n}")
    replica = Replica(world).lead()
    replica.settle()
    world.pods.on_change = lambda _: None
    crowd(world)
    return Metrics().render(status_of(world, replica, tenancy).to_json()).decode()


def series(text: str) -> list[str]:
    """All of ours, by name and labels."""
    return [line.rpartition(" ")[0] for line in text.splitlines() if line.startswith("pod_eip_")]


def keys(text: str, metric: str = "pod_eip_pool_addresses") -> dict[str, float]:
    """The pools that a metric names, each with the sum of its samples."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == metric:
                found[sample.labels["tag_key"]] = found.get(sample.labels["tag_key"], 0) + sample.value
    return found


@pytest.mark.parametrize(
    ("tenancy", "named"),
    [
        (OPEN, {"tagged-0", "tagged-1", "tagged-2"}),
        (Tenancy(pool_keys=("tagged-?", "listed", "evil-team-*")), {"tagged-0", "tagged-1", "tagged-2", "listed"}),
        (STRICT, {"listed"}),
    ],
)
def test_no_pod_adds_a_series_or_a_word(world: World, tenancy: Tenancy, named: set[str]) -> None:
    text = shown(world, tenancy)
    always = series(Metrics().render(Status(cluster="a").to_json()).decode())
    gauges = [name for name in series(text) if name not in always]
    assert MARK not in text
    assert len(gauges) < MOST_SERIES
    assert len(set(series(text))) == len(series(text))
    assert set(keys(text)) == {*named, "other"}
    assert f'pod_eip_pods{{mode="invalid",phase="invalid"}} {(PODS + 2) // 3}.0' in text


def test_a_long_mode_does_not_fill_the_status(world: World) -> None:
    world.pod("u-1", {contract.ANNOTATION_TYPE: MARK * 50_000})
    [pod] = status_of(world, Replica(world)).pods
    assert pod.mode.startswith(MARK)
    assert len(pod.mode) < 110


def test_pools_without_a_name_are_counted_together() -> None:
    rows = (
        PoolStatus(tag_key="a", total=0, free=0, waiting=2, longest_wait_s=5),
        PoolStatus(tag_key="b", total=3, free=1, waiting=1, longest_wait_s=9),
        PoolStatus(tag_key="other", total=1, free=1, waiting=4, longest_wait_s=1, named=True),
        PoolStatus(tag_key="c", total=7, free=2, waiting=0, longest_wait_s=0, named=True),
    )
    text = Metrics().render(Status(cluster="a", pools=rows).to_json()).decode()
    assert keys(text) == {"other": 4, "c": 7}
    assert keys(text, "pod_eip_pool_waiting") == {"other": 7, "c": 0}
    assert keys(text, "pod_eip_pool_longest_wait_seconds") == {"other": 9, "c": 0}
