"""What the engine counts and times, as Prometheus would read it: each number is the right one, and nothing is counted
twice."""

import datetime
from collections.abc import Mapping

import pytest
from prometheus_client.parser import text_string_to_metric_families

from controller.core.measures import Readings
from controller.core.status import Status
from controller.engine.memory import PodProgress
from controller.engine.readings import longest_unserved_s
from controller.surface.metrics import Metrics
from state.errors import ConditionLost, Unavailable
from state.model import PodUid
from tests.unit.engine_harness import Replica, World, auto, fixed
from tests.unit.test_engine_host_network import left_by_go

CREATED = "2026-01-01T00:00:00Z"
NOW = datetime.datetime.fromisoformat(CREATED).timestamp() + 90


class Scrape:
    """A leader's metrics, read as Prometheus reads them."""

    def __init__(self) -> None:
        self.metrics = Metrics(wall_clock=lambda: NOW)

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name with these labels."""
        text = self.metrics.render(Status(cluster="a").to_json()).decode()
        samples = [s for family in text_string_to_metric_families(text) for s in family.samples if s.name == name]
        assert samples, f"there is no {name}"
        return sum(s.value for s in samples if labels.items() <= s.labels.items())


@pytest.fixture
def scrape() -> Scrape:
    return Scrape()


def leader(world: World, scrape: Scrape) -> Replica:
    """A replica that leads, and tells these metrics."""
    return Replica(world, measures=scrape.metrics).lead()


def served(scrape: Scrape, mode: str = "auto") -> tuple[float, float]:
    """How many Pods showed their address, and the seconds that all of them took."""
    name = "pod_eip_pod_label_duration_seconds"
    return scrape.value(f"{name}_count", mode=mode), scrape.value(f"{name}_sum", mode=mode)


def test_a_pod_is_served_once_however_often_it_is_looked_at(world: World, scrape: Scrape) -> None:
    replica = leader(world, scrape)
    world.pod("p", auto(), created=CREATED)
    replica.run(30)
    world.change(PodUid("p"), labels={})  # somebody takes the labels off
    replica.run(30)
    assert world.label(PodUid("p"))
    assert served(scrape)[0] == 1
    assert scrape.value("pod_eip_pod_creation_to_label_seconds_sum", mode="auto") == 90
    assert scrape.value("pod_eip_reconcile_total", result="success") >= 1
    assert scrape.value("pod_eip_reconcile_total", result="unchanged") >= 1
    assert scrape.value("pod_eip_reconcile_total", result="error") == 0
    assert scrape.value("pod_eip_last_resync_timestamp_seconds") == NOW
    assert scrape.value("pod_eip_resync_duration_seconds_count") >= 1
    assert scrape.value("pod_eip_workqueue_queue_duration_seconds_count") >= 2
    assert scrape.value("pod_eip_active_workers") == 0
    assert scrape.value("pod_eip_workqueue_work_duration_seconds_count") >= 1


def test_the_time_runs_from_when_the_informer_saw_it_ask(world: World, scrape: Scrape) -> None:
    uid = world.pod("p", auto())  # under an earlier leader
    assert world.pods.get(uid)
    world.clock.now += 40
    leader(world, scrape).run(30)
    count, seconds = served(scrape)
    assert count == 1
    assert seconds == pytest.approx(40, abs=3)


def test_a_pod_whose_leader_ended_before_it_was_labelled_counts_with_all_its_time(world: World, scrape: Scrape) -> None:
    first = Replica(world).lead()
    world.pods.fail("patch_labels", Unavailable("no answer"))
    world.pod("p", auto())
    first.settle()
    first.crash()
    world.clock.now += 40
    second = leader(world, scrape)
    second.run(30)
    count, seconds = served(scrape)
    assert count == 1
    assert seconds == pytest.approx(40, abs=3)
    second.crash()
    leader(world, scrape).run(30)
    assert served(scrape)[0] == 1


def test_the_time_for_which_there_was_no_address_is_not_in_it(world: World, scrape: Scrape) -> None:
    replica = leader(world, scrape)
    world.pod("p", fixed())
    replica.run(600)
    assert served(scrape, "fixed-tag")[0] == 0
    assert scrape.value("pod_eip_reconcile_total", result="waiting") >= 1
    assert longest_unserved_s(list(replica.parts.memory.pods.values()), world.clock()) == 0
    world.pool()
    replica.until(lambda: world.label(PodUid("p")), 120)
    count, seconds = served(scrape, "fixed-tag")
    assert count == 1
    assert seconds < 60


def test_a_failure_is_counted_by_its_kind_and_tried_again(world: World, scrape: Scrape) -> None:
    replica = leader(world, scrape)
    world.ec2.fail("AssociateAddress", Unavailable("no answer"), times=2)
    world.pod("p", auto())
    replica.run(120)
    assert world.label(PodUid("p"))
    assert scrape.value("pod_eip_reconcile_errors_total", error="Unavailable") == 2
    assert scrape.value("pod_eip_reconcile_total", result="error") == 2
    assert scrape.value("pod_eip_workqueue_retries_total") == 2


def test_a_claim_that_is_lost_is_counted_as_one(world: World, scrape: Scrape) -> None:
    world.pool(2)
    replica = leader(world, scrape)
    replica.ledger.fail_next(ConditionLost("another has it"))
    world.pod("p", fixed())
    replica.run(30)
    assert world.label(PodUid("p"))
    assert scrape.value("pod_eip_lost_conditions_total", step="Claim") == 1


def test_who_waits_for_a_token_is_counted_as_that(world: World, scrape: Scrape) -> None:
    replica = leader(world, scrape)
    world.tokens.left["AllocateAddress"] = 0
    world.pod("p", auto())
    replica.run(5)
    assert scrape.value("pod_eip_reconcile_total", result="no_token") >= 1
    assert scrape.value("pod_eip_reconcile_total", result="error") == 0


def test_a_leak_is_found_and_mended_once(world: World, scrape: Scrape) -> None:
    left_by_go(world, "ns/gone")
    replica = leader(world, scrape)
    replica.until(lambda: not world.ec2.addresses(), 300)
    replica.run(700)
    assert scrape.value("pod_eip_leaks_found_total", kind="address") == 1
    assert scrape.value("pod_eip_leaks_mended_total", kind="address") == 1


@pytest.mark.parametrize(
    ("waiting", "withheld_at", "unserved_s"),
    [("", float("-inf"), 50), ("no free address in the pool", 90, 0), ("its turn for a call to EC2", 80, 20)],
)
def test_who_could_be_served_is_unserved(waiting: str, withheld_at: float, unserved_s: float) -> None:
    past = {"allocating_since": None, "associating_since": None, "cut_at": 0.0}
    asks = PodProgress(**past, unserved_since=50.0, waiting=waiting, withheld_at=withheld_at)  # type: ignore[arg-type]
    rest = PodProgress(**past)  # type: ignore[arg-type]
    assert longest_unserved_s([asks, rest], 100.0) == unserved_s


def test_readings_are_read_at_each_scrape(scrape: Scrape) -> None:
    failures: Mapping[str, int] = {"reconcile": 2}
    scrape.metrics.read_from(lambda: Readings(queued=3, failures=failures, longest_unserved_s=4.5))
    assert scrape.value("pod_eip_workqueue_depth") == 3
    assert scrape.value("pod_eip_thread_failures_total", thread="reconcile") == 2
    scrape.metrics.read_from(lambda: Readings(queued=5, longest_unserved_s=4.5))
    assert scrape.value("pod_eip_workqueue_depth") == 5


def test_a_creation_in_the_future_or_unknown_breaks_nothing(scrape: Scrape) -> None:
    scrape.metrics.served("auto", 1.0, "")
    scrape.metrics.served("auto", 1.0, "2027-01-01T00:00:00Z")
    assert scrape.value("pod_eip_pod_creation_to_label_seconds_count", mode="auto") == 1
    assert scrape.value("pod_eip_pod_creation_to_label_seconds_sum", mode="auto") == 0
